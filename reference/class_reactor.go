package reference

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
)

// reactors is the classes reactor (S4) and multi-reactor (S5). The one has a
// single loop that accepts and serves; in the other a loop of its own accepts
// and hands each socket to a sub-reactor, which owns it from then on.
type reactors struct {
	server   *Server
	loops    []*reactor // those that serve
	acceptor acceptor
	shared   *TaskSet
	workers  *Workers
	balance  balancer
	watchdog *Watchdog

	done sync.WaitGroup // loops that run
}

func (k *reactors) open() (err error) {
	o := k.server.options
	if k.shared, err = NewTaskSet(o.Shared); err != nil {
		return err
	}
	if k.workers, err = NewWorkers(o.Workers, o.WorkQueue); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	for i := range o.Loops {
		options, err := k.loopOptions(i)
		if err != nil {
			return err
		}
		options.Shared = k.shared
		r, err := newReactor(k.server, options)
		if err != nil {
			return err
		}
		k.loops = append(k.loops, r)
	}
	k.acceptor = acceptor{server: k.server, loop: k.loops[0].Loop, give: k.adopt}
	if o.Class == Reactor {
		return nil
	}
	options, err := k.loopOptions(o.Loops) // numbered behind those that serve
	if err != nil {
		return err
	}
	if k.acceptor.loop, err = NewLoop(options); err != nil {
		return err
	}
	k.acceptor.give = k.handOver
	k.balance = newBalancer(o.Balance, o.Loops, func(i int) int64 { return k.loops[i].open.Load() })
	return nil
}

func (k *reactors) loopOptions(index int) (LoopOptions, error) {
	o := k.server.options
	options := LoopOptions{Index: index, Poller: o.Poller, Wakeup: o.Wakeup, TaskShare: o.TaskShare, Log: o.Log}
	if o.NewWaker != nil {
		waker, err := o.NewWaker()
		if err != nil {
			return options, fmt.Errorf("option NewWaker: %w", err)
		}
		options.Waker = waker
	}
	return options, nil
}

func (k *reactors) close() {
	for _, r := range k.loops {
		r.Close()
	}
	if l := k.acceptor.loop; l != nil {
		l.Close()
	}
}

func (k *reactors) start() error {
	k.acceptor.listener = k.server.listener
	if err := k.acceptor.open(); err != nil {
		return err
	}
	for _, r := range k.loops {
		k.run(r.Loop)
	}
	if k.acceptor.loop != k.loops[0].Loop {
		k.run(k.acceptor.loop)
	}
	return k.watch()
}

// watch starts the watchdog that names handlers which block their loop.
func (k *reactors) watch() (err error) {
	var loops []*Loop
	for _, r := range k.loops {
		loops = append(loops, r.Loop)
	}
	k.watchdog, err = Watch(k.server.options.StallAfter, func(stall Stall) {
		k.server.log.Warn("a loop is stalled", "loop", stall.Loop, "for", stall.For, "step", stall.Step, "handler", stall.Handler)
	}, loops...)
	return err
}

// run gives a loop its goroutine and its thread, no two loops the same (MODEL-6). The
// thread is never unlocked, so it ends with them; an unlocked one would stay with the
// runtime, idle.
func (k *reactors) run(l *Loop) {
	k.done.Add(1)
	go func() {
		runtime.LockOSThread()
		defer k.done.Done()
		if err := l.Run(); err != nil {
			k.server.log.Error("a loop ended", "loop", l.index, "error", err)
		}
		if l == k.acceptor.loop {
			k.server.closeListener() // nobody takes connections off it any more
		}
	}()
}

func (k *reactors) inside() bool {
	if k.acceptor.loop.InLoop() {
		return true
	}
	for _, r := range k.loops {
		if r.InLoop() {
			return true
		}
	}
	return false
}

// adopt serves a connection on the loop that accepted it (S4), all on the one thread (MODEL-5).
func (k *reactors) adopt(fd int, _ netip.AddrPort) {
	r := k.loops[0]
	r.open.Add(1)
	r.adopt(fd)
}

// handOver gives a connection to a sub-reactor (S5), at once: what the client says, or
// that it says nothing, is not waited for here, where others wait (ACC-2), and so does a
// stop (LIFE-2). Where the balancer's choice has ended, the next that runs takes its place.
func (k *reactors) handOver(fd int, from netip.AddrPort) {
	// Each loop gets its part: one that gets all leaves the others' cores idle (ACC-7).
	r := k.loops[k.balance(from)]
	var err error
	for range k.loops {
		if err = r.adoptLater(fd); err == nil {
			return
		}
		r = k.loops[(r.index+1)%len(k.loops)]
	}
	k.server.refuse(fd, err)
}

// adoptLater has r adopt an accepted socket, from another thread. The post wakes r, which
// else would find the connection when something else ends its sleep (WAKE-1).
func (r *reactor) adoptLater(fd int) error {
	r.open.Add(1) // now, so that a burst is balanced too
	if err := r.Post(func() { r.adopt(fd) }); err != nil {
		r.open.Add(-1)
		return err
	}
	return nil
}

func (k *reactors) stopAccepting(ctx context.Context) {
	closed := make(chan struct{})
	if err := k.acceptor.loop.Post(func() { k.acceptor.close(); close(closed) }); err != nil {
		k.server.closeListener() // the loop has ended
		return
	}
	select {
	case <-closed:
	case <-ctx.Done(): // the loop is blocked, and closes the listener when it is not
		k.server.shutListener()
	}
}

func (k *reactors) drain() {
	for _, r := range k.loops {
		_ = r.Post(r.stop) // behind the tasks that were posted before; a loop that ended has no connections
	}
}

func (k *reactors) cut() {
	for _, r := range k.loops {
		_ = r.Post(r.cut)
	}
}

func (k *reactors) join(ctx context.Context) error {
	k.watchdog.Stop()
	// Up to ctx and no longer: a job that blocks cannot be ended from outside (LIFE-12).
	workers := k.workers.Stop(ctx)
	if ctx.Err() != nil { // the workers have used it up; the loops are not to blame
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.Background(), cutTime)
		defer cancel()
	}
	ended := make(chan struct{})
	go func() {
		for _, r := range k.loops {
			r.Stop()
		}
		k.acceptor.loop.Stop()
		k.done.Wait()
		k.server.threads.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return workers
	case <-ctx.Done():
		return errors.Join(workers, errors.New("a loop is blocked in a handler and did not end"))
	}
}

func (k *reactors) loop(index int) *reactor {
	if index < 0 || index >= len(k.loops) {
		return nil
	}
	return k.loops[index]
}

func (k *reactors) taskSet() *TaskSet { return k.shared }
func (k *reactors) pool() *Workers    { return k.workers }

func (k *reactors) stats(s *Stats) {
	for _, r := range k.loops {
		loop := r.Stats()
		s.In += r.in.Load()
		s.Out += r.out.Load()
		s.Wakes += loop.Wakes
		s.Coalesced += loop.Coalesced
		s.Tasks += loop.Tasks
		s.Timers += max(0, loop.Timers-int(r.ownTimers.Load()))
		s.Lag = max(s.Lag, loop.Lag)
		s.Stalls += loop.Stalls
		s.Panics += loop.Panics
	}
	s.Panics += k.workers.Stats().Panics
}
