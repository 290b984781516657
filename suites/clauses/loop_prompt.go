package clauses

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// quick is what a small reply may take as a rule, in undisturbed time and beside the
	// work that it costs. A reply on loopback takes 0.1 ms; what is told apart waits for
	// a poll's timeout of 50 ms or more. A delayed acknowledgement, 40 ms, is the least
	// that is ever a timer's doing.
	quick = 40 * time.Millisecond
	// quietReplies is how many replies, or new connections, a median is taken of, and
	// fewReplies how many do where they are so slow that quietTime is over before.
	quietReplies = 50
	fewReplies   = 11
	quietTime    = 12 * time.Second
	// aside is what a slow server may take longer than others, so that it is told how
	// long its reply took rather than that none came.
	aside = 10 * time.Second
)

// promptWhenQuiet asks one thing at a time of a server that has nothing else to do: the median
// reply must take at most 40 ms beside the work itself.
func promptWhenQuiet(s *session.Session) {
	c := opened(s, 1)[0].Patience(aside)
	var took []time.Duration
	worked := labour(s)
	for began := time.Now(); len(took) < quietReplies && (len(took) < fewReplies || time.Since(began) < quietTime); {
		c = c.Further(func(c *session.Conn) {
			s.Pause(time.Duration(2+s.Rand.IntN(9)) * gap) // its loop goes to sleep
			took = append(took, timedExchange(s, c))
		})
	}
	one, busy := median(took), worked(len(took))
	s.Note("median of %d replies on a quiet connection %s, of which the server worked for at most %s", len(took), figure(one), figure(busy))
	if one-busy <= quick {
		return
	}
	seenWorking(s, "a small reply takes "+figure(one))
	s.Failf(session.Late, fmt.Sprintf("a small reply takes %s on a quiet connection, and the server works for %s of it", figure(one), figure(busy)),
		fmt.Sprintf("at most %v of undisturbed time, beside the work itself", quick), fmt.Sprintf("median of %d replies, the quickest %s, the slowest %s", len(took), figure(slices.Min(took)), figure(slices.Max(took))),
		"the loop waits for a timeout, or does something else, where it should wait for its connections")
}

// promptWhenNew times the first reply on new connections and the later ones: in the median the
// first may take at most 40 ms more, beside the work itself.
func promptWhenNew(s *session.Session) {
	// Whoever hands a connection to a loop that sleeps, and does not wake it, answers the first request
	// when the loop's timeout is over, and the later ones at once.
	const later = 3 // replies behind the first
	opens := opensWordlessly(s.Dialect)
	if !opens {
		s.Note("the server speaks in the dialect's opening, and may think there: the first reply is the one behind it")
	}
	both := beside(s, 2)
	closeAll(both)
	stay := len(both) == 2 && several(s, quietReplies) == quietReplies
	var first, rest []time.Duration
	var kept []*session.Conn
	worked := labour(s)
	for began := time.Now(); len(first) < quietReplies && (len(first) < fewReplies || time.Since(began) < quietTime); {
		s.Pause(5 * gap)
		c := s.Dial().Patience(aside)
		if !opens {
			s.Ready(c)
		}
		watch := s.Clock()
		if opens {
			s.Ready(c)
		}
		exchangeAtOnce(c, s.Payload(32))
		first = append(first, watch.Elapsed())
		for i := 0; i < later && !c.Over(); i++ {
			rest = append(rest, timedExchange(s, c))
		}
		if kept = append(kept, c); !stay { // an end is an event too, and wakes who sleeps
			c.Close()
			s.Pause(settle / 5)
		}
	}
	closeAll(kept)
	if len(rest) == 0 {
		s.Untested("the server closed each connection, as it said, behind its first reply: there is no later one to compare it with")
	}
	fresh, old, busy := median(first), median(rest), worked(len(first))
	s.Note("median of the first replies on %d new connections %s, of later ones %s; the server worked for at most %s for a connection", len(first), figure(fresh), figure(old), figure(busy))
	switch {
	case old > quick:
		s.Untested(fmt.Sprintf("a later reply takes %s as a rule (LOOP-15), and a first one %s: there is no telling what is the hand-over's part", figure(old), figure(fresh)))
	case fresh-old-busy <= quick:
		return
	}
	seenWorking(s, "the first reply on a new connection takes "+figure(fresh))
	s.Failf(session.Late, fmt.Sprintf("the first reply on a new connection takes %s, a later one %s, and the server works for %s of it", figure(fresh), figure(old), figure(busy)),
		fmt.Sprintf("at most %v more than the later ones, beside the work itself", quick), fmt.Sprintf("medians of %d first and %d later replies", len(first), len(rest)),
		"the loop that gets a new connection is asleep, and is not woken for it")
}

// opensWordlessly reports whether a server says nothing, in a dialect's opening, that it
// may have to think about, such as whether it knows the client. Its sign-on answer in
// the probe dialect is no such thing.
func opensWordlessly(d dialect.Dialect) bool {
	return d.Name() == "probe" || !slices.ContainsFunc(d.Opening(), func(step dialect.Step) bool { return step.Read != nil })
}

// timedExchange is one small exchange in undisturbed time. Our own acknowledgements are
// not delayed, so that a reply in several parts does not wait for them.
func timedExchange(s *session.Session, c *session.Conn) time.Duration {
	payload := s.Payload(16)
	watch := s.Clock()
	exchangeAtOnce(c, payload)
	return watch.Elapsed()
}

// usually is the least that a small reply takes at once behind another one: what the
// server does for it, which is its own affair. Who takes one request a connection is
// asked on one that comes at once behind another.
func usually(s *session.Session) time.Duration {
	const replies = 6
	c := opened(s, 1)[0]
	least := timedExchange(s, c)
	for range replies - 1 {
		c = c.Next()
		least = min(least, timedExchange(s, c))
	}
	c.Close()
	return least
}

// exchangeAtOnce is an exchange in which our acknowledgements are not delayed: the kernel
// begins to delay them anew with each request.
func exchangeAtOnce(c *session.Conn, payload []byte) {
	c.Request(payload)
	promptAcks(c)
	c.Reply(payload)
}

// labour watches what processor time the target uses from now on; the returned function
// says how much that was for each of n. It is nothing where that cannot be seen.
func labour(s *session.Session) (each func(n int) time.Duration) {
	used := func() time.Duration {
		if s.Target.Tree() == nil {
			return 0
		}
		return observed(s, "the CPU time", s.Target.Tree().CPU)
	}
	before := used()
	return func(n int) time.Duration { return max(used()-before, 0) / time.Duration(max(n, 1)) }
}

// seenWorking ends the check of a slow server whose processes nobody sees: it may be at
// work all the time.
func seenWorking(s *session.Session, what string) {
	if s.Target.Tree() == nil {
		s.Untested(what + ", and whether the server works or waits meanwhile is seen in its processes, whose pid nobody gave")
	}
}

func figure(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }

const (
	// manyReplies is how many small replies rare stalls are looked for in: a stall in
	// one of a thousand comes nine times then, and three times at least in 99 of 100 runs.
	manyReplies = 9000
	// stallTime is how late a reply is that was stalled: three times what a pause for
	// garbage takes, and less than a user's patience.
	stallTime = 250 * time.Millisecond
	// mostStalls is how many stalls are nobody's habit: a full collection, a compiler.
	mostStalls = 2
	// repliesTime bounds the looking, for servers that are slow.
	repliesTime = 20 * time.Second
	// calmShare is the part of a stall, one in so many, that this machine may have had in
	// it for the stall to be the target's; what is left has to be a stall by itself.
	calmShare = 4
)

// rarelyStalls asks for 9,000 small replies, one at a time: at most two may take more than 250 ms
// on a machine that does not stall.
func rarelyStalls(s *session.Session) {
	conns := beside(s, 8)
	for i := range conns {
		conns[i].Patience(aside)
	}
	usual := make([]time.Duration, 0, quietReplies)
	var stalls []string
	disturbed, n := 0, 0
	for began := time.Now(); n < manyReplies && time.Since(began) < repliesTime; n++ {
		// One at a time, so that one pause is counted once, and in turn, so that each of several loops is asked.
		i := n % len(conns)
		var watch session.Stopwatch
		var wall time.Duration
		payload := s.Payload(16)
		conns[i] = conns[i].Further(func(c *session.Conn) {
			watch = s.Clock()
			exchangeAtOnce(c, payload)
			wall = watch.Wall()
		})
		if len(usual) < cap(usual) {
			if usual = append(usual, wall); len(usual) == cap(usual) && median(usual) > quick {
				s.Untested(fmt.Sprintf("a small reply takes %s as a rule: there is no telling a stall from it", figure(median(usual))))
			}
		}
		if wall <= stallTime {
			continue
		}
		switch stalled := watch.Stalled(); {
		case stalled*calmShare > wall, wall-stalled <= stallTime:
			disturbed++
		default:
			stalls = append(stalls, fmt.Sprintf("%s at reply %d", wall.Round(time.Millisecond), n+1))
		}
		if len(stalls) > mostStalls {
			s.Failf(session.Late, fmt.Sprintf("%d of %d small replies took longer than %v, on a machine that did not stall", len(stalls), n+1, stallTime),
				fmt.Sprintf("at most %d of %d", mostStalls, manyReplies), strings.Join(stalls, ", "), "something blocks the loop now and then")
		}
	}
	closeAll(conns)
	s.Note("%d small replies, %d of them later than %v, and %d more while this machine stalled", n, len(stalls), stallTime, disturbed)
	if disturbed > mostStalls {
		s.Inconclusive(fmt.Sprintf("%d of %d small replies took longer than %v while this machine stalled: whose they were cannot be told", disturbed, n, stallTime))
	}
	if n < manyReplies {
		s.Untested(fmt.Sprintf("%d of %d replies came in %v, and %d of them stalled: fewer tell nothing of what is rare", n, manyReplies, repliesTime, len(stalls)))
	}
}
