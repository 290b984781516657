package reference

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// moments are where something can happen to a loop in its first turns.
var moments = []string{
	"start", "1 before-poll", "1 look", "1 poll", "1 asleep", "1 after-poll", "1 drain", "1 drained", "1 after-io", "on a", "1 after-timers",
	"2 before-poll", "2 look", "2 poll", "2 asleep", "2 after-poll",
}

// windows are those of them in which a wakeup can be lost.
var windows = []string{"start", "1 look", "1 poll", "1 asleep", "1 drain", "1 after-timers", "2 look", "2 poll", "2 asleep"}

// TestEveryInterleaving plays every way in which posts, posts to the shared set, a
// timer, a wakeup and a stop can fall on the moments of two turns, three at a time, and four at
// a time on the windows; with writes that arrive at once, and with writes that arrive only
// once the loop sleeps.
func TestEveryInterleaving(t *testing.T) {
	for _, late := range []bool{false, true} {
		everyInterleaving(t, moments, late, "post a", "post b", "stop")
		everyInterleaving(t, moments, late, "post a", "share b", "stop")
		everyInterleaving(t, moments, late, "share a", "share b", "wake")
		everyInterleaving(t, moments, late, "post a", "after t1 1ms", "stop")
		everyInterleaving(t, windows, late, "post a", "post b", "stop", "wake")
	}
}

func everyInterleaving(t *testing.T, moments []string, late bool, verbs ...string) {
	total := 1
	for range verbs {
		total *= len(moments)
	}
	for n := range total {
		s := &script{moments: map[string][]action{}}
		words := make([]string, len(verbs))
		for i, rest := 0, n; i < len(verbs); i, rest = i+1, rest/len(moments) {
			s.at(moments[rest%len(moments)], verbs[i])
			words[i] = verbs[i] + " at " + moments[rest%len(moments)]
		}
		s.late(late)
		if fault := s.fault(t); fault != "" || t.Failed() {
			t.Fatalf("%s, writes late: %v: %s", strings.Join(words, ", "), late, fault)
		}
	}
}

// at adds an action.
func (s *script) at(moment, text string) {
	words := strings.Fields(text)
	s.moments[moment] = append(s.moments[moment], action{verb: words[0], args: words[1:]})
}

// late keeps the writes of wakers back until the loop sleeps.
func (s *script) late(yes bool) {
	if !yes {
		return
	}
	s.moments["start"] = slices.Insert(s.moments["start"], 0, action{verb: "hold"})
	for turn := 1; turn <= maxTurns; turn++ {
		asleep := fmt.Sprintf("%d asleep", turn)
		s.at(asleep, "release")
		s.at(fmt.Sprintf("%d after-poll", turn), "hold")
	}
}

// fault plays a script and says which of its promises the loop broke: what was
// posted or set runs exactly once, unless it was refused after a stop, or cancelled.
func (s *script) fault(t rapid.TB) string {
	st := perform(t, s)
	done := map[string]int{}
	for _, word := range st.trace {
		done[word]++
	}
	stopped := false
	asked := map[string]int{}
	for moment, actions := range s.moments {
		if !st.played[moment] {
			continue
		}
		times := 1
		if name, found := strings.CutPrefix(moment, "on "); found {
			times = done[name]
		}
		for _, a := range actions {
			switch a.verb {
			case "stop":
				stopped = true
			case "post", "share", "after":
				asked[a.args[0]] += times
			}
		}
	}
	for name, times := range asked {
		timer := strings.HasPrefix(name, "t")
		times -= st.tooLate[name]
		ran, refused, cancelled := done[name], done["refused:"+name], done["cancelled:"+name]
		switch {
		case ran > times:
			return fmt.Sprintf("%s ran %d times, and was asked for %d times: %v", name, ran, times, st.trace)
		case refused > 0 && !stopped && !st.rested:
			return fmt.Sprintf("%s was refused, and nobody stopped the loop: %v", name, st.trace)
		case ran+refused+cancelled < times && !(timer && stopped):
			return fmt.Sprintf("%s ran %d times of %d: %v", name, ran, times, st.trace)
		case cancelled+ran > times:
			return fmt.Sprintf("%s was cancelled and ran: %v", name, st.trace)
		}
	}
	if most := 3 * (4 + len(st.trace) + 2*len(s.moments)); len(st.polls) > most && len(st.polls) > 60 {
		return fmt.Sprintf("%d turns for %d things to do", len(st.polls), len(st.trace))
	}
	return ""
}

// scriptsHold draws longer scripts, with timers and signals, handlers that are ready and
// the passing of time.
func scriptsHold(t *rapid.T) {
	s := &script{moments: map[string][]action{}, share: rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "share")}
	timers := rapid.IntRange(0, 4).Draw(t, "timers")
	delay := rapid.SampledFrom([]string{"0s", "1ns", "1ms", "1500us", "3ms", "70ms", "2s", "600h"})
	for i := range timers {
		s.at("start", fmt.Sprintf("after t%d %s", i, delay.Draw(t, "after")))
	}
	s.at("start", "add h")
	when := rapid.Custom(func(t *rapid.T) string {
		kind := rapid.SampledFrom([]string{"before-poll", "look", "poll", "asleep", "after-poll", "drain", "drained", "after-io", "after-timers", "on"}).Draw(t, "moment")
		if kind == "on" {
			return "on " + rapid.SampledFrom([]string{"p0", "p1", "p2", "p3", "t0", "t1", "h"}).Draw(t, "whose")
		}
		return fmt.Sprintf("%d %s", rapid.IntRange(1, 6).Draw(t, "turn"), kind)
	})
	late := rapid.Bool().Draw(t, "late writes")
	for i := range rapid.IntRange(1, 14).Draw(t, "actions") {
		moment := when.Draw(t, "when")
		timer := fmt.Sprintf("t%d", rapid.IntRange(0, 3).Draw(t, "timer"))
		verb := rapid.SampledFrom([]string{"post", "post", "post", "share", "share", "wake", "cancel", "reset", "pass", "interrupt", "ready", "stop"}).Draw(t, "verb")
		switch verb {
		case "post", "share":
			if strings.HasPrefix(moment, "on p") {
				moment = "on t0" // tasks that post each other would go on for ever
			}
			verb = fmt.Sprintf("%s p%d", verb, i%4)
		case "cancel":
			verb = "cancel " + timer
		case "reset":
			verb = "reset " + timer + " " + delay.Draw(t, "to")
		case "pass", "interrupt":
			verb += " " + delay.Draw(t, "time")
		case "ready":
			verb = "ready h"
			if moment == "on h" || strings.HasPrefix(moment, "on p") {
				moment = "on t1" // and so would a handler and a task that it posts
			}
		}
		if words := strings.Fields(verb); len(words) > 1 && (words[0] == "cancel" || words[0] == "reset") && int(words[1][1]-'0') >= timers {
			continue
		}
		s.at(moment, verb)
	}
	s.late(late)
	if fault := s.fault(t); fault != "" {
		t.Fatal(fault)
	}
}

func TestDrawnScripts(t *testing.T) { rapid.Check(t, scriptsHold) }

func FuzzScripts(f *testing.F) {
	f.Add(make([]byte, 400))
	f.Fuzz(rapid.MakeFuzz(scriptsHold))
}
