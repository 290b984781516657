package clauses

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/session"
)

var task = []session.Check{
	{Clause: "TASK-1", Run: exactlyOnce},
	{Clause: "TASK-2", Run: inOrderOfPosting},
	{Clause: "TASK-3", Run: onTheLoopsThread},
	{Clause: "TASK-4", Run: manyProducers},
	{Clause: "TASK-5", Study: true, Run: chainsStarveNobody},
	{Clause: "TASK-6", Run: notInsideThePost},
	{Clause: "TASK-7", Run: nextTurn},
	{Clause: "TASK-8", Run: hooksRunOnceATurn},
	{Clause: "TASK-9", Run: hooksInOrder},
	{Clause: "TASK-10", Run: sharedOnce},
	{Clause: "TASK-11", Run: sharedBatches},
	{Clause: "TASK-12", Study: true, Run: failingTask},
	{Clause: "TASK-13", Study: true, Run: failingHandler},
}

// equalBytes compares replies' bytes with what was sent.
func equalBytes(b []byte) types.GomegaMatcher {
	return gomega.WithTransform(func(got []byte) string { return string(got) }, gomega.Equal(string(b)))
}

// exactlyOnce posts 1 to 20,000 tasks to each loop: all must run, on that loop, and the request
// must be answered once.
func exactlyOnce(s *session.Session) {
	p := s.Probe().Patience(racePatience)
	for k := range loops(s) {
		for _, n := range []int{1, 2, 100, 1025, 20_000} {
			fields := session.Fields(p.OK("POST", k, n))
			wantField(s, "POST", fields, "ran", n)
			wantField(s, "POST", fields, "loop", k)
		}
	}
	p.Quiet(s.Silence() / 3)
}

// inOrderOfPosting posts tasks to each loop, by itself and from up to 16 threads: none may run
// before one that its poster posted earlier.
func inOrderOfPosting(s *session.Session) {
	p := s.Probe().Patience(racePatience)
	for k := range loops(s) {
		for _, n := range []int{50, 1025, 5000} {
			wantField(s, "POST", session.Fields(p.OK("POST", k, n)), "misordered", 0)
		}
		for _, producers := range []int{1, 4, 16} {
			for range 2 {
				wantField(s, "CROSS", session.Fields(p.OK("CROSS", k, producers, 500)), "misordered", 0)
			}
		}
	}
}

// onTheLoopsThread posts tasks to a loop from itself, from other loops and from other threads: all
// must run on the thread that WHERE names.
func onTheLoopsThread(s *session.Session) {
	found := onLoops(s)
	for k, p := range found {
		p.Patience(racePatience)
		_, tid := where(p)
		for _, to := range []any{"-", k} {
			wantField(s, "POST", session.Fields(p.OK("POST", to, 50)), "tid", tid)
		}
		for from, other := range found {
			if from != k {
				wantField(s, fmt.Sprintf("POST from loop %d to loop %d", from, k), session.Fields(other.OK("POST", k, 50)), "tid", tid)
			}
		}
		wantField(s, "CROSS", session.Fields(p.OK("CROSS", k, 4, 200)), "tids", 1)
	}
}

// manyProducers has 16 threads post 2,000 tasks each to one loop, three times: all 32,000 must run,
// and a fresh client be served.
func manyProducers(s *session.Session) {
	const producers, n = 16, 2000
	p := s.Probe().Patience(racePatience)
	for k := range min(loops(s), 2) {
		for range 3 {
			wantField(s, "CROSS", session.Fields(p.OK("CROSS", k, producers, n)), "ran", producers*n)
		}
	}
	p.Conn().Close()
	s.ServesFresh()
}

// storm is how long a chain has to last so that starving shows beyond doubt.
const storm = 1500 * time.Millisecond

// chainsStarveNobody asks again and again beside a chain of tasks that post each other, on the same
// loop: more than two rounds must be answered before the chain is over.
func chainsStarveNobody(s *session.Session) {
	// Replies are counted, and no time is measured: a loop that polls between tasks gives hundreds
	// before the chain is over, one that does not gives none, on a busy machine as on a quiet one. How
	// long a chain lasts differs by a factor of a thousand between them, so its length is found by
	// trying; a chain that was over sooner is evidence for the server only.
	const enough, most = 3, 12
	n := 2000
	var rounds []int
	for range most {
		answered, took := roundsBesideChain(s, n)
		switch {
		case answered > 2:
			return
		case took < storm/10:
			n *= 4
		case took < storm:
			n = int(float64(n) * 1.5 * float64(storm) / float64(took))
		default:
			rounds = append(rounds, answered)
		}
		if len(rounds) == enough {
			s.Failf(session.Wrong, "no connection was served beside a chain of tasks on the same loop", "many replies before the chain is over",
				fmt.Sprintf("rounds of replies in %d tries: %v", enough, rounds), "the loop runs tasks until none is left, and tasks post tasks")
		}
	}
	s.Inconclusive("no chain of tasks lasted long enough on this machine")
}

// roundsBesideChain runs a chain of n tasks and counts how many times all
// neighbours were answered before it was over, and how long it took.
func roundsBesideChain(s *session.Session, n int) (rounds int, took time.Duration) {
	p, beside := neighbours(s)
	p.Patience(20 * time.Second)
	started := time.Now()
	chain := p.Start("CHAIN", "-", n)
	var over atomic.Bool
	s.Go(func() {
		p.Await(chain)
		took = time.Since(started)
		over.Store(true)
	})
	for !over.Load() {
		for _, q := range beside {
			q.Patience(20*time.Second).OK("PING", "beside")
		}
		if !over.Load() {
			rounds++
		}
		s.Pause(s.Budget.Poll)
	}
	s.Join()
	s.Note("%d rounds of PING were answered during a chain of %d", rounds, n)
	for _, q := range append(beside, p) {
		q.Conn().Close()
	}
	return rounds, took
}

// notInsideThePost has a task post 1 to 10,000 tasks to its own loop: all must run, but none before
// that task has returned.
func notInsideThePost(s *session.Session) {
	p := s.Probe().Patience(racePatience)
	for k := range loops(s) {
		for _, n := range []int{1, 100, 10_000} {
			fields := session.Fields(p.OK("NEST", k, n))
			wantField(s, "NEST", fields, "inside", 0)
			wantField(s, "NEST", fields, "ran", n)
		}
	}
}

// nextTurn runs a chain of 1,000 tasks that post each other: it must take at least 999 turns of the loop.
func nextTurn(s *session.Session) {
	const n = 1000
	p := s.Probe().Patience(racePatience)
	reply := p.OK("CHAIN", "-", n)
	wantField(s, "CHAIN", session.Fields(reply), "ran", n)
	if turns := p.Int(reply, "turns"); turns < n-1 {
		s.Failf(session.Wrong, fmt.Sprintf("a chain of %d tasks used only %d turns of its loop", n, turns),
			fmt.Sprintf("at least %d turns", n-1), fmt.Sprintf("turns=%d", turns), "what tasks post runs in the same turn")
	}
}

// hooked asks for a hook and keeps its loop turning until it was called often enough.
func hooked(s *session.Session, p *session.Probe, at contract.Position, turns int) probe.Reply {
	id := p.Start("HOOK", at, turns)
	// Each PING takes the loop through a turn at least.
	for range 2*turns + 50 {
		ping := p.Start("PING")
		for {
			reply := p.Next()
			if reply.ID == id {
				if reply.Status != probe.OK {
					s.Failf(session.Wrong, fmt.Sprintf("HOOK %s %d was answered %s", at, turns, reply.Status), "ok ran=… order=…", string(reply.Status), "")
				}
				p.Await(ping)
				return reply
			}
			if reply.ID == ping {
				break
			}
		}
	}
	reply := p.Await(id)
	if reply.Status != probe.OK {
		s.Failf(session.Wrong, fmt.Sprintf("HOOK %s %d was answered %s", at, turns, reply.Status), "ok ran=… order=…", string(reply.Status), "")
	}
	return reply
}

// hooksRunOnceATurn hooks each position for 1, 10 and 100 turns, with PINGs that turn the loop: the
// hook must run just as often, and be answered once.
func hooksRunOnceATurn(s *session.Session) {
	p := s.Probe()
	for _, at := range contract.Positions {
		for _, turns := range []int{1, 10, 100} {
			wantField(s, fmt.Sprintf("HOOK %s %d", at, turns), session.Fields(hooked(s, p, at, turns)), "ran", turns)
		}
	}
	p.Quiet(s.Silence() / 3)
}

// hooksInOrder hooks each position while PINGs turn the loop: the order that HOOK has seen must be
// the cycle of a turn.
func hooksInOrder(s *session.Session) {
	var names []string
	for _, at := range contract.Positions {
		names = append(names, string(at))
	}
	cycle := strings.Join(append(names, names...), ",")
	p := s.Probe()
	for _, at := range contract.Positions {
		order := session.Fields(hooked(s, p, at, 5))["order"]
		if strings.Count(order, ",") != len(names)-1 || !strings.Contains(cycle, order) {
			s.Failf(session.Wrong, "the loop passes its hook positions in another order: "+order,
				strings.Join(names, ",")+", or the same cycle begun elsewhere", order, "")
		}
	}
}

// sharedOnce puts up to 20,000 tasks into the shared set, five times: all must run, and none of them twice.
func sharedOnce(s *session.Session) {
	p := s.Probe().Patience(racePatience)
	for _, n := range []int{1, 100, 20_000, 20_000, 20_000} {
		fields := session.Fields(p.OK("SHARED", n))
		wantField(s, "SHARED", fields, "ran", n)
		wantField(s, "SHARED", fields, "twice", 0)
	}
}

// sharedBatches puts 20,000 tasks into the shared set, ten times: no loop may take more than a
// tenth at once, and of several loops more than one must take part.
func sharedBatches(s *session.Session) {
	const n, tries = 20_000, 10
	p := s.Probe().Patience(racePatience)
	var most int64
	for range tries {
		reply := p.OK("SHARED", n)
		if batch := p.Int(reply, "batch"); batch > n/10 {
			s.Failf(session.Wrong, fmt.Sprintf("one loop took %d of %d tasks from the shared set at once", batch, n),
				fmt.Sprintf("batches of at most %d", n/10), fmt.Sprintf("batch=%d", batch), "")
		}
		most = max(most, p.Int(reply, "loops"))
	}
	if loops(s) > 1 && most < 2 {
		s.Failf(session.Wrong, "one loop ran all tasks of the shared set, every time",
			fmt.Sprintf("more than one of %d loops takes part", loops(s)), fmt.Sprintf("loops=1 in %d of %d tries", tries, tries), "the other loops are not woken, or never look at the set")
	}
}

// failingTask has a task fail between two POSTs of 100 tasks, five times: these must all run, and
// clients on the same loop be answered.
func failingTask(s *session.Session) {
	p, beside := neighbours(s)
	for range 5 {
		before := p.Start("POST", "-", 100)
		fail := p.Start("FAIL", "task")
		after := p.Start("POST", "-", 100)
		wantFailed(s, p, fail, "FAIL task")
		wantField(s, "the POST before a failing task", session.Fields(p.Await(before)), "ran", 100)
		wantField(s, "the POST behind a failing task", session.Fields(p.Await(after)), "ran", 100)
		for _, q := range beside {
			q.OK("PING", "beside")
		}
	}
	p.Conn().Close()
	s.ServesFresh()
}

func wantFailed(s *session.Session, p *session.Probe, id uint32, what string) {
	if reply := p.Await(id); reply.Status != probe.Failed {
		s.Failf(session.Wrong, fmt.Sprintf("%s was answered %s", what, reply.Status), "failed", string(reply.Status), "")
	}
}

// failingHandler has a handler fail, five times: its connection must be closed, and the clients and
// tasks beside it be served on.
func failingHandler(s *session.Session) {
	p, beside := neighbours(s)
	beside = append(beside, p)
	echo := s.Open()
	for range 5 {
		q := s.Probe()
		q.OK("PING", "alive")
		q.Start("FAIL", "handler")
		q.Conn().WantClosed()
		for _, other := range beside {
			other.OK("PING", "beside")
			if offers(s, "post") {
				wantField(s, "POST", session.Fields(other.OK("POST", "-", 10)), "ran", 10)
			}
		}
		echo.Exchange(s.Payload(50))
	}
	s.ServesFresh()
}
