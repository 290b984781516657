package play

import (
	"fmt"
	"net"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// The steps that are about the server's process.

// ours reports whether the server's process is ours to disturb.
func (p *player) ours() bool {
	return p.s.Target != nil && p.s.Target.Owned() && p.s.Target.Pid() != 0
}

// halt stops the server's process for a time, and has it go on whatever happens meanwhile.
func (p *player) halt(d time.Duration) {
	if !p.ours() {
		return
	}
	if p.s.Target.Signal(observe.Stop) != nil {
		return
	}
	defer func() {
		if err := p.s.Target.Signal(observe.Continue); err != nil && p.s.Target.Alive() == nil {
			p.s.Inconclusive("the server could not be continued: " + err.Error())
		}
	}()
	p.s.Pause(d)
}

// rainPause is the time between two signals to the same thread.
const rainPause = time.Millisecond

// rain sends harmless signals to every thread of the server for a time: each may end a call
// with EINTR.
func (p *player) rain(d time.Duration) {
	if !p.ours() {
		return
	}
	threads, err := p.s.Target.Tree().Threads()
	if err != nil {
		return
	}
	for n, began := 0, time.Now(); time.Since(began) < d; n++ {
		for _, t := range threads {
			t.Nudge(n)
		}
		p.s.Pause(rainPause)
	}
}

// short takes every free descriptor from the server for a time, and lets a client come, who
// leaves before they are given back. It does nothing while somebody is owed something, or was not served
// yet: a server may need a descriptor for that, as a proxy does.
func (p *player) short(d time.Duration) {
	busy := p.rules.serial || p.s.Declared() && p.s.Room(p.t.Together()+2) <= p.t.Together()
	for _, c := range p.conns {
		busy = busy || !c.served || c.spoilt || c.finned || len(c.made) > 0 || len(c.due) > 0
	}
	if busy || !p.ours() {
		return
	}
	restore, err := p.s.Target.Tree().LeaveFDs(0)
	if err != nil {
		return
	}
	comes, err := (&net.Dialer{Timeout: d}).DialContext(p.s.Context(), p.s.Target.Network(), p.s.Target.Addr().String())
	defer func() {
		if err := restore(); err != nil && p.s.Target.Alive() == nil {
			p.s.Inconclusive("the server's limit on descriptors could not be put back: " + err.Error())
		}
		p.signs.add(Sign("short", fmt.Sprint(len(p.conns))))
	}()
	if err == nil {
		defer comes.Close()
	}
	p.s.Pause(d)
}
