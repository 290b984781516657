package fuzz

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/reference"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/inproc"
)

// loop makes the reference's loop with a drawn poller and wakeup.
func loop(t *rapid.T) inproc.Factory {
	o := reference.LoopOptions{
		Poller:    rapid.SampledFrom([]string{"epoll", "epollet", "poll", "select"}).Draw(t, "poller"),
		Wakeup:    rapid.SampledFrom([]string{"eventfd", "pipe", "socketpair"}).Draw(t, "wakeup"),
		TaskShare: rapid.SampledFrom([]int{0, 1, 7}).Draw(t, "tasks of a turn"),
		Log:       quiet,
	}
	return func() (contract.Loop, error) { return reference.NewLoop(o) }
}

func tasksAgree(t *rapid.T)  { inproc.Tasks(t, loop(t)) }
func timersAgree(t *rapid.T) { inproc.Timers(t, loop(t)) }

func TestLoopTasks(t *testing.T)  { rapid.Check(t, tasksAgree) }
func TestLoopTimers(t *testing.T) { rapid.Check(t, timersAgree) }

func FuzzLoopTasks(f *testing.F)  { drawn(f, tasksAgree) }
func FuzzLoopTimers(f *testing.F) { drawn(f, timersAgree) }
