package reference

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// What the verbs of PROBE say of a loop at fault. No loop of ours is: the tests
// disturb what it is about to run.

// wantFields compares an answer that is OK.
func (c *client) wantFields(got probe.Reply, want ...any) {
	c.t.Helper()
	if got.Status != probe.OK {
		c.t.Fatalf("answered %s", got.Status)
	}
	for i := 0; i < len(want); i += 2 {
		name := want[i].(string)
		if value, _ := got.Field(name); value != fmt.Sprint(want[i+1]) {
			c.t.Errorf("answered %q; want %s=%v", got.Fields, name, want[i+1])
		}
	}
}

// Tasks that run in another order than they were posted in are counted.
func TestMisorderedTasksAreTold(t *testing.T) {
	for _, x := range []struct {
		verb, args string
		want       int // of three tasks that run backwards
	}{
		{"POST", "1 3", 2}, // the second is in its place
		{"CROSS", "1 1 3", 3},
	} {
		s := start(t, Options{Class: MultiReactor, Loops: 2})
		c := s.sign("PROBE") // on loop 0, the first in turn
		l := s.class.loop(1).Loop
		hold, held := make(chan struct{}), make(chan struct{})
		if err := l.Post(func() { close(held); <-hold }); err != nil {
			t.Fatal(err)
		}
		await(t, "the loop to be busy", held)
		c.request(1, x.verb, x.args)
		eventually(t, "three tasks", func() bool {
			l.tasks.mu.Lock()
			defer l.tasks.mu.Unlock()
			if len(l.tasks.posted) < 3 {
				return false
			}
			slices.Reverse(l.tasks.posted)
			return true
		})
		close(hold)
		c.wantFields(c.reply(), "ran", 3, "misordered", x.want)
	}
}

// A task of the shared set that runs twice is counted, and stands for no other.
func TestSharedTaskThatRunsTwiceIsTold(t *testing.T) {
	s := start(t, Options{Class: Reactor})
	c := s.sign("PROBE")
	set := s.class.taskSet()
	doubled := false
	_, err := s.class.loop(0).Hook(contract.AfterIO, func() { // between the posts and the tasks
		set.mu.Lock()
		defer set.mu.Unlock()
		if len(set.tasks) == 3 {
			set.tasks = slices.Insert(set.tasks, 0, set.tasks[0])
			doubled = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	c.wantFields(c.call("SHARED", "3"), "ran", 3, "twice", 1, "loops", 1)
	do(t, s.class.loop(0).Loop, func() {
		if !doubled {
			t.Error("no task was doubled: not what is tested")
		}
	})
}

// Timers that fire early or in another order than they were set in are counted; one that
// fires at its very moment is neither early nor late.
func TestMisfiredTimersAreTold(t *testing.T) {
	s, l, clock := startByHand(t)
	c := s.sign("PROBE")

	c.wantFields(c.call("TIMERS", "0 3"), "fired", 3, "misordered", 0, "early", 0, "late", 0)

	c.request(1, "TIMERS", "1000 3")
	c.call("PING", "set")
	do(t, l, func() {
		mustAfter(t, l, 1, func() { // the others are due, and wait for it
			slices.Reverse(l.timers.ready[l.timers.run:])
			clock.at -= time.Second
		})
		clock.at += 2000
	})
	c.wantFields(c.reply(), "fired", 3, "misordered", 2, "early", 3, "late", 0)
}

// SELFCANCEL is answered when a timer that was not cancelled would have fired three times,
// and not before a second has passed.
func TestSelfCancelWaitsForThreePeriods(t *testing.T) {
	s, l, clock := startByHand(t)
	c := s.sign("PROBE")
	for _, x := range []struct{ delay, answered time.Duration }{
		{1, time.Second},
		{time.Second / 4, time.Second},
		{2 * time.Second, 6 * time.Second},
	} {
		c.request(1, "SELFCANCEL", fmt.Sprint(x.delay.Nanoseconds()))
		c.call("PING", "set")
		pass := func(d time.Duration) {
			do(t, l, func() { clock.at += d }) // and what is due fires in the same turn
		}
		pass(x.delay)
		pass(x.answered - x.delay - 1)
		if got := c.call("PING", "yet"); string(got.Fields) != "yet" {
			t.Fatalf("SELFCANCEL %v was answered %q before %v", x.delay, got.Fields, x.answered)
		}
		pass(1)
		c.wantFields(c.reply(), "fired", 1)
	}
}
