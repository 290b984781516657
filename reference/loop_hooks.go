package reference

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/reactorspec/reactorspec/spec/contract"
)

// hooks are a loop's functions at the four positions of a turn. The lists are
// replaced, never changed, so a turn goes through one of them without a lock
// while others hook and unhook.
type hooks struct {
	mu    sync.Mutex
	lists [4]atomic.Pointer[[]*hook]
}

type hook struct {
	f    func()
	gone atomic.Bool
}

// Hook registers f at a position, from any goroutine; f runs once a turn on the
// loop's thread, from the next pass of the position on. Removed on the loop's
// thread it does not start again; removed elsewhere it may be running.
func (l *Loop) Hook(at contract.Position, f func()) (remove func(), err error) {
	i := slices.Index(contract.Positions, at)
	if i < 0 {
		return nil, fmt.Errorf("hook position %q is not one of %v", at, contract.Positions)
	}
	if l.state.Load() == ended {
		return nil, contract.ErrStopped
	}
	h := &hook{f: f}
	l.hooks.change(i, func(list []*hook) []*hook { return append(list, h) })
	return func() {
		h.gone.Store(true)
		l.hooks.change(i, func(list []*hook) []*hook {
			return slices.DeleteFunc(list, func(o *hook) bool { return o == h })
		})
	}, nil
}

// change puts an edited copy in the place of a list.
func (h *hooks) change(i int, edit func([]*hook) []*hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*hook
	if old := h.lists[i].Load(); old != nil {
		list = slices.Clone(*old)
	}
	if list = edit(list); len(list) == 0 {
		h.lists[i].Store(nil)
		return
	}
	h.lists[i].Store(&list)
}

// pass runs the hooks of a position, each once a turn while it is hooked (TASK-8).
func (l *Loop) pass(at contract.Position) {
	list := l.hooks.lists[position(at)].Load()
	if list == nil {
		return
	}
	for i := 0; i < len(*list); {
		i = l.runHooks(*list, i)
	}
}

// runHooks runs hooks from i on, up to the end or one that panics, and returns
// where to go on.
func (l *Loop) runHooks(list []*hook, i int) (next int) {
	defer l.contain("hook")
	for ; i < len(list); i++ {
		next = i + 1
		if !list[i].gone.Load() {
			list[i].f()
		}
	}
	return i
}

func position(at contract.Position) int {
	switch at {
	case contract.BeforePoll:
		return 0
	case contract.AfterPoll:
		return 1
	case contract.AfterIO:
		return 2
	}
	return 3
}
