package reference

import "testing"

// What a handler reaches from its connection is what serves it; where there are no
// loops there is nothing.
func TestWhatAHandlerReaches(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		type reached struct {
			server  *Server
			loop    *Loop
			own     bool
			loops   []*Loop
			shared  *TaskSet
			workers *Workers
		}
		seen := make(chan reached, 1)
		s := start(t, o.with(&scripted{open: func(c *Conn) {
			l, s := c.Loop(), c.Server()
			seen <- reached{s, l, l != nil && l.InLoop(), s.Loops(), s.Shared(), s.Workers()}
		}}))
		s.dial()
		got := await(t, "the connection", seen)
		if got.server != s.Server {
			t.Error("Conn.Server is another server")
		}
		if !o.hasLoops() {
			if got.loop != nil || got.loops != nil || got.shared != nil || got.workers != nil {
				t.Errorf("a class without loops has %+v", got)
			}
			return
		}
		if !got.own || len(got.loops) != s.options.Loops || got.loops[got.loop.Index()] != got.loop {
			t.Errorf("Conn.Loop is not the loop of this connection: %+v", got)
		}
		if got.shared == nil || got.workers == nil {
			t.Errorf("the handler reaches %+v", got)
		}
	})
}

func TestNothingToReachBeforeStart(t *testing.T) {
	for _, class := range Classes {
		s, err := New(Options{Class: class, Log: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		if s.Loops() != nil || s.Shared() != nil || s.Workers() != nil {
			t.Errorf("%s has loops, a set or workers before Start", class)
		}
	}
}
