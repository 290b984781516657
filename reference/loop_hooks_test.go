package reference

import (
	"slices"
	"testing"

	"github.com/reactorspec/reactorspec/spec/contract"
)

func TestHooksRunInTheOrderOfATurn(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	var passed []contract.Position
	var removes []func()
	do(t, l, func() {
		for _, at := range contract.Positions {
			remove, err := l.Hook(at, func() { passed = append(passed, at) })
			if err != nil {
				t.Fatal(err)
			}
			removes = append(removes, remove)
		}
		l.Wake()
	})
	do(t, l, func() {})
	var seen []contract.Position
	do(t, l, func() { seen = append(seen, passed...) })
	if len(seen) < 6 || seen[0] != contract.AfterTimers {
		t.Fatalf("passed %v; want after-timers of the turn that hooked, then whole turns", seen)
	}
	for i, at := range seen[1:] {
		if want := contract.Positions[i%4]; at != want {
			t.Fatalf("passed %v: number %d is not %s", seen, i+1, want)
		}
	}
	do(t, l, func() {
		for _, remove := range removes {
			remove()
			remove()
		}
		passed = nil
		l.Wake()
	})
	do(t, l, func() {})
	do(t, l, func() {
		if len(passed) != 0 {
			t.Errorf("passed %v after they were removed", passed)
		}
	})
	if _, err := l.Hook("before-lunch", func() {}); err == nil {
		t.Error("an unknown position was accepted")
	}
}

func TestHookRemovedByAnotherOfTheSamePass(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	ran := false
	var second func()
	do(t, l, func() {
		l.Hook(contract.BeforePoll, func() { second() })
		second, _ = l.Hook(contract.BeforePoll, func() { ran = true })
	})
	do(t, l, func() {
		if ran {
			t.Error("a hook started after it was removed on the loop's thread")
		}
	})
}

// A hook that is removed, once or twice, leaves the others of its position in their order.
func TestRemovedHookLeavesOthers(t *testing.T) {
	for gone := range 3 {
		l, _ := stillLoop(t)
		var ran, want []int
		for i := range 3 {
			remove, err := l.Hook(contract.AfterIO, func() { ran = append(ran, i) })
			if err != nil {
				t.Fatal(err)
			}
			if i == gone {
				defer remove()
				l.Hook(contract.AfterIO, func() { remove() })
			} else {
				want = append(want, i)
			}
		}
		l.pass(contract.AfterIO)
		ran = nil
		l.pass(contract.AfterIO)
		if !slices.Equal(ran, want) {
			t.Errorf("without hook %d: %v ran, want %v", gone, ran, want)
		}
	}
}
