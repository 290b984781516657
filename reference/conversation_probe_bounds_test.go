package reference

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// Arguments that are missing, malformed, out of range or too many are refused, and
// nothing is due for them.
func TestBadArguments(t *testing.T) {
	s := start(t, Options{Class: Reactor})
	for verb, all := range map[string][]string{
		"POST":       {"", "-", "- 0", "- 2000001", "- 1 1", "1 1", "x 1", "- +1"},
		"CROSS":      {"", "- 1", "- 0 1", "- 17 1", "- 1 0", "- 1 2000001", "1 1 1"},
		"RACE":       {"", "- 0", "- 2000001", "1 1"},
		"CHAIN":      {"", "- 0", "- 4294967297", "1 1"},
		"NEST":       {"", "- 0", "- 2000001", "1 1"},
		"SHARED":     {"", "0", "2000001", "- 1"},
		"HOOK":       {"", "after-io", "after-io 0", "after-io 1001", "after-io 1 1", "lunch 1", " 1"},
		"TIMER":      {"", "1 1 0", "1 1 0 0", "1 1 0 10001", "9223372036854775809 1 0 1", "1 9223372036854775808 0 1", "1 1 0 1 1"},
		"TIMERS":     {"", "1", "1 0", "1 1000001", "9223372036854775808 1"},
		"CANCEL":     {"", "x", "9223372036854775809", "1 1"},
		"RESET":      {"", "1", "9223372036854775809 1", "1 9223372036854775808"},
		"SELFCANCEL": {"", "0", "x", "1 1", fmt.Sprint(int64(maxTime) + 1)},
		"OFFLOAD":    {"", "1", "10001 x", "1 x x"},
		"FAIL":       {"", "lunch", "task now"},
	} {
		c := s.sign("PROBE")
		for _, args := range all {
			if got := c.call(verb, args); got.Status != probe.Bad {
				t.Errorf("%s %q was answered %s %q", verb, args, got.Status, got.Fields)
			}
		}
		c.closeWrite()
		c.wantEnd()
	}
}

// The arguments at their bounds are taken.
func TestArgumentsAtTheirBounds(t *testing.T) {
	s := start(t, Options{Class: Reactor})
	c := s.sign("PROBE")
	for _, x := range [][3]string{
		{"POST", "0 1", "ran=1"},
		{"CROSS", "0 16 1", "ran=16"},
		{"HOOK", "before-poll 1000", "ran=1000"},
		{"HOOK", "after-timers 1", "ran=1"},
		{"TIMER", "9223372036854775808 0 0 10000", "key=9223372036854775808"},
		{"TIMER", "0 0 0 1", "key=0"},
		{"CANCEL", "9223372036854775808", "cancelled=0"},
		{"RESET", "9223372036854775808 9223372036854775807", "reset=0"},
	} {
		if got := c.call(x[0], x[1]); got.Status != probe.OK && got.Status != probe.Fired || !strings.Contains(string(got.Fields), x[2]) {
			t.Errorf("%s %s was answered %s %q, want %s", x[0], x[1], got.Status, got.Fields, x[2])
		}
	}
	for _, x := range [][2]string{{"SELFCANCEL", fmt.Sprint(int64(maxTime))}, {"TIMERS", "9223372036854775807 1"}, {"TIMER", "1 9223372036854775807 0 1"}} {
		c.request(1, x[0], x[1]) // nobody waits for it
		if got := c.call("PING", "next"); string(got.Fields) != "next" {
			t.Errorf("%s %s was answered %s %q", x[0], x[1], got.Status, got.Fields)
		}
	}
	c.closeWrite()
	c.wantEnd()
}

// A connection keeps so many timers and no more; one that gives way to another of its
// key makes room for it.
func TestTimersOfAConnection(t *testing.T) {
	s := start(t, Options{Class: Reactor})
	r := s.class.loop(0)
	c := s.sign("PROBE")
	set := func(key int) probe.Status {
		c.request(1, "TIMER", fmt.Sprint(key, " 3600000000000 0 1"))
		c.request(2, "PING", "")
		got := c.reply()
		if got.ID == 1 {
			c.reply()
		}
		return got.Status
	}
	if got := set(0); got != probe.OK { // PING's
		t.Fatalf("the first timer: %s", got)
	}
	do(t, r.Loop, func() {
		p := (*r.conns.at(0)).handler.(*probing)
		for key := 1; key < maxKeys-1; key++ {
			p.timers[uint64(key)] = p.timers[0] // no timer for each: it is the keys that count
		}
	})
	for _, x := range []struct {
		key  int
		want probe.Status
	}{{maxKeys - 1, probe.OK}, {maxKeys, probe.Full}, {maxKeys - 1, probe.OK}, {maxKeys, probe.Full}} {
		if got := set(x.key); got != x.want {
			t.Errorf("timer %d: %s, want %s", x.key, got, x.want)
		}
	}
}

// The first expiry of a periodic timer is after its delay, the others are a period apart.
func TestTimerWithDelayAndPeriod(t *testing.T) {
	s, l, clock := startByHand(t)
	c := s.sign("PROBE")
	for i, x := range []struct{ delay, period time.Duration }{{time.Millisecond, time.Hour}, {time.Hour, time.Millisecond}, {time.Minute, time.Minute}} {
		c.request(1, "TIMER", fmt.Sprint(i, x.delay.Nanoseconds(), x.period.Nanoseconds(), 2))
		for seq, wait := range []time.Duration{x.delay, x.period} {
			for _, pass := range []time.Duration{0, wait - 1} {
				do(t, l, func() { clock.at += pass })
				if got := c.call("PING", "yet"); string(got.Fields) != "yet" {
					t.Fatalf("expiry %d of %v came early: %s %q", seq, x, got.Status, got.Fields)
				}
			}
			do(t, l, func() { clock.at++ })
			if got, _ := c.reply().Field("seq"); got != strconv.Itoa(seq) {
				t.Fatalf("expiry %s of %v came, want %d", got, x, seq)
			}
		}
	}
}

// OFFLOAD blocks a worker as long as it was asked to.
func TestOffloadBlocksItsWorker(t *testing.T) {
	c := start(t, Options{Class: Reactor}).sign("PROBE")
	before := time.Now()
	c.wantFields(c.call("OFFLOAD", "30 word"), "word", "word", "loop", 0)
	if took := time.Since(before); took < 30*time.Millisecond {
		t.Errorf("30 ms of work took %v", took)
	}
}

// HOOK counts a position once a turn.
func TestHookCountsTurns(t *testing.T) {
	s := start(t, Options{Class: Reactor})
	c := s.sign("PROBE")
	for _, at := range contract.Positions {
		const passes = 300
		before := s.class.loop(0).Stats().Turns
		c.wantFields(c.call("HOOK", fmt.Sprint(at, " ", passes)), "ran", passes)
		if turns := s.class.loop(0).Stats().Turns - before; turns < passes-1 {
			t.Errorf("%d passes of %s took %d turns", passes, at, turns)
		}
	}
}

// RACE posts when the loop is about to sleep, not while its turn goes on.
func TestRacePostsBeforeSleep(t *testing.T) {
	s := start(t, Options{Class: MultiReactor, Loops: 2})
	c := s.sign("PROBE") // on loop 0, the first in turn
	l := s.class.loop(1).Loop
	eventually(t, "the loop to sleep", l.asleep.Load)
	posted := func() uint64 {
		l.tasks.mu.Lock()
		defer l.tasks.mu.Unlock()
		return l.tasks.total
	}
	var early uint64
	_, err := l.Hook(contract.AfterTimers, func() {
		before := posted()
		<-time.After(5 * time.Millisecond) // for a post that must not come
		early += posted() - before
	})
	if err != nil {
		t.Fatal(err)
	}
	c.wantFields(c.call("RACE", "1 3"), "ran", 3)
	do(t, l, func() {
		if early != 0 {
			t.Errorf("%d posts came while the loop's turn went on", early)
		}
	})
}
