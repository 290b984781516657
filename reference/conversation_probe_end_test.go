package reference

import (
	"strconv"
	"testing"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// A bad frame ends the input, not the replies that are due.
func TestBadFrameBehindTasks(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		s := start(t, o)
		for _, bad := range []string{"\x00\x00\x00\x00", "\x7f\xff\xff\xff", "\x00\x00\x00\x01x"} {
			c := s.sign("PROBE")
			c.send(string(probe.AppendRequest(nil, probe.Request{ID: 5, Verb: "PING", Args: []byte("first")})) +
				string(probe.AppendRequest(nil, probe.Request{ID: 6, Verb: "POST", Args: []byte("- 1")})) + bad)
			if got := c.reply(); got.ID != 5 || got.Status != probe.OK {
				t.Errorf("%q: PING before it was answered %+v", bad, got)
			}
			if got := c.reply(); got.ID != 6 || got.Status != probe.OK {
				t.Errorf("%q: POST before it was answered %+v", bad, got)
			}
			c.wantEnd()
		}
	})
}

// What comes behind a bad frame is dropped, also while replies are due.
func TestInputBehindBadFrame(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		s := start(t, o)
		c := s.sign("PROBE")
		// The chain goes through the loop's turns, which read what comes behind meanwhile.
		c.request(1, "CHAIN", "- 20000")
		c.send("\x00\x00\x00\x00")
		c.request(2, "PING", "late")
		if got := c.reply(); got.ID != 1 || got.Status != probe.OK {
			t.Errorf("CHAIN was answered %+v", got)
		}
		c.wantEnd()
	})
}

// A conversation keeps nothing of the requests that it has answered.
func TestAnsweredRequestsAreForgotten(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		s := start(t, o)
		c := s.sign("PROBE")
		for _, r := range [][2]string{{"TIMERS", "1 10"}, {"HOOK", "after-io 1"}, {"SELFCANCEL", "1"}} {
			if got := c.call(r[0], r[1]); got.Status != probe.OK {
				t.Fatalf("%s was answered %+v", r[0], got)
			}
		}
		where, _ := c.call("WHERE", "").Field("loop")
		index, err := strconv.Atoi(where)
		if err != nil {
			t.Fatal(err)
		}
		r := s.class.loop(index)
		left := -1
		do(t, r.Loop, func() { left = len((*r.conns.at(0)).handler.(*probing).undo) })
		if left != 0 {
			t.Errorf("%d answered requests are kept", left)
		}
	})
}

// CHAIN says how many turns went by between its tasks, whatever the loop did before.
func TestChainCountsItsOwnTurns(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		c := start(t, o).sign("PROBE")
		for range 2 {
			got := c.call("CHAIN", "0 1") // a single task
			if turns, _ := got.Field("turns"); turns != "0" {
				t.Fatalf("one task was answered %s %q, want no turn between it and itself", got.Status, got.Fields)
			}
		}
	})
}

// CROSS says what it cost itself, whatever the loop did before.
func TestCrossCountsItsOwnWrites(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		c := start(t, o).sign("PROBE")
		for range 5 {
			got := c.call("CROSS", "0 1 1") // one producer, one post
			text, _ := got.Field("writes")
			if writes, err := strconv.Atoi(text); err != nil || writes > 1 {
				t.Fatalf("one post was answered %s %q, want at most one write", got.Status, got.Fields)
			}
		}
	})
}

// FAIL is answered once, and nothing is due for it afterwards.
func TestFailIsAnsweredOnce(t *testing.T) {
	s := start(t, Options{Class: Reactor})
	for i, where := range []string{"task", "timer", "worker"} {
		c := s.sign("PROBE")
		if got := c.call("FAIL", where); got.Status != probe.Failed {
			t.Fatalf("FAIL %s was answered %s %q", where, got.Status, got.Fields)
		}
		if got := c.call("PING", where); string(got.Fields) != where {
			t.Fatalf("PING behind FAIL %s was answered %s %q", where, got.Status, got.Fields)
		}
		c.closeWrite()
		c.wantEnd()
		if n := s.Stats().Panics; n != uint64(i+1) {
			t.Errorf("%d panics are counted after FAIL %s, want %d", n, where, i+1)
		}
	}
}

// A conversation that ends amid a HOOK waits for no answer, and leaves no hook behind.
func TestEndAmidHook(t *testing.T) {
	s := start(t, Options{Class: Reactor})
	l := s.class.loop(0).Loop
	c := s.sign("PROBE")
	hold, held := make(chan struct{}), make(chan struct{})
	if err := l.Post(func() { close(held); <-hold }); err != nil {
		t.Fatal(err)
	}
	await(t, "the loop to be busy", held)
	c.request(1, "HOOK", "after-io 1000")
	c.closeWrite()
	close(hold)
	c.wantEnd()
	do(t, l, func() {
		for i := range l.hooks.lists {
			if l.hooks.lists[i].Load() != nil {
				t.Errorf("a hook is left at position %d", i)
			}
		}
	})
}
