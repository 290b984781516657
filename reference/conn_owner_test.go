package reference

import (
	"io"
	"strings"
	"testing"
)

// A connection that another thread touches says so, and is none the worse.
func TestOnlyItsLoopTouchesAConnection(t *testing.T) {
	for name, touch := range map[string]func(c *Conn){
		"Pause":        func(c *Conn) { c.Pause() },
		"Resume":       func(c *Conn) { c.Resume() },
		"Close":        func(c *Conn) { c.Close() },
		"Abort":        func(c *Conn) { c.Abort(io.ErrNoProgress) },
		"RequestDrain": func(c *Conn) { c.RequestDrain() },
		"Write":        func(c *Conn) { c.Write([]byte("foreign")) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, o := range setups {
				if !o.hasLoops() {
					continue
				}
				opened := make(chan *Conn, 1)
				s := start(t, o.with(&scripted{
					open: func(c *Conn) { opened <- c },
					data: func(c *Conn, data []byte) int { c.Write(data); return len(data) },
				}))
				peer := s.dial()
				c := await(t, "the connection", opened)
				peer.send("1") // and no event is left that could wake the loop
				peer.want("1")
				eventually(t, "the loop to sleep", func() bool { return c.reactor.asleep.Load() && c.reactor.stats.busySince.Load() == 0 })
				if got := panicOf(func() { touch(c) }); !strings.Contains(got, "Conn."+name+" called on thread") {
					t.Errorf("%s: called on another thread it panics with %q", o.name(), got)
				}
				do(t, c.reactor.Loop, func() {}) // the race detector does not see the order that the socket makes
				peer.send("own")
				peer.want("own")
			}
		})
	}
}

// Output that has to be kept is noticed also while the loop is awake.
func TestForeignWriteBesideAwakeLoop(t *testing.T) {
	opened, release := make(chan *Conn, 1), make(chan struct{})
	s := start(t, Options{Class: Reactor}.with(&scripted{open: func(c *Conn) { opened <- c }}))
	s.dial()
	c := await(t, "the connection", opened)
	awake := make(chan struct{})
	if err := c.Post(func() { close(awake); <-release }); err != nil {
		t.Fatal(err)
	}
	defer close(release)
	await(t, "the loop", awake)
	if got := panicOf(func() { c.Write(make([]byte, 32<<20)) }); !strings.Contains(got, "Conn.Write called on thread") {
		t.Errorf("it panics with %q", got)
	}
}

// Inside its own event a connection does not ask which thread it is on: that is a system call.
func TestNoThreadIsAskedForInsideAnEvent(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		complaint := make(chan string, 1)
		s := start(t, o.with(&scripted{data: func(c *Conn, data []byte) int {
			l := c.Loop()
			own := l.thread.Swap(-1) // whoever asks finds himself on another thread
			complaint <- panicOf(func() {
				c.Pause()
				c.Resume()
				c.RequestDrain()
				c.Write(make([]byte, beyond)) // in part
				c.Write(data)                 // behind what waits
				c.Close()
				c.Abort(io.ErrNoProgress)
			})
			l.thread.Store(own)
			return len(data)
		}}))
		s.dial().send("x")
		if got := await(t, "the handler", complaint); got != "" {
			t.Error(got)
		}
	})
}

// Nor for output that the kernel takes at once.
func TestNoThreadIsAskedForWhatTheKernelTakes(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		opened := make(chan *Conn, 1)
		s := start(t, o.with(&scripted{open: func(c *Conn) { opened <- c }}))
		peer := s.dial()
		c := await(t, "the connection", opened)
		complaint := ""
		do(t, c.Loop(), func() {
			l := c.Loop()
			own := l.thread.Swap(-1)
			complaint = panicOf(func() { c.Write([]byte("x")) })
			l.thread.Store(own)
		})
		if complaint != "" {
			t.Error(complaint)
		}
		peer.want("x")
	})
}
