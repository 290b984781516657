package reference

import (
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
)

var (
	_ contract.Loop   = (*Loop)(nil)
	_ contract.Hooker = (*Loop)(nil)
)

func TestIdleLoopSleeps(t *testing.T) {
	eachKind(t, func(t *testing.T, o LoopOptions) {
		l := runLoop(t, o)
		do(t, l, func() {})
		fired := make(chan struct{})
		before := l.Stats().Turns
		l.After(100*time.Millisecond, func() { close(fired) })
		await(t, "the timer", fired)
		if n := l.Stats().Turns - before; n > 10 {
			t.Errorf("%d turns while idle for 100 ms, want a few", n)
		}
	})
}
