package clauses

import (
	"fmt"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

// memoryClause is about the memory of connections that have come and gone.
const memoryClause = "RES-3"

const (
	// keptEach is what a server's memory may grow by for each connection that has come
	// and gone, in bytes, and keptRequest for each request on one that stays: less than
	// any buffer. Of keptRound no round tells anything: heaps breathe.
	keptEach    = 4 << 10
	keptRequest = 512
	keptRound   = 4 << 20
	// keptRequests is as little of a round of requests, which open nothing.
	keptRequests = 2 << 20
	// leastRounds is how many rounds in a row have to grow before that is a slope.
	leastRounds = 5
)

// memorySeen is the memory of the tree, where that can be seen.
func memorySeen(s *session.Session) (bytes int64, seen bool) {
	if s.Target.Tree() == nil {
		return 0, false
	}
	bytes, err := s.Target.Tree().Memory()
	return bytes, err == nil
}

// allowed is by how much the memory may grow with that many connections: by what a
// client stored, too, where the dialect is about storing.
func (m manner) allowed(s *session.Session, came int) int64 {
	each := int64(keptEach)
	if s.Dialect.Name() == "memcache" {
		each += 2 * m.stored // an item may take twice its size
	}
	return max(keptRound, int64(came)*each)
}

// told words a round for the evidence, with the least leak that it would have shown.
func (m manner) told(s *session.Session, came int, before, after int64) string {
	if came == 0 {
		return "no connections came that " + m.how
	}
	return fmt.Sprintf("%d connections %s: the memory went from %d to %d KiB; %d bytes kept of each would have shown", came, m.how, before>>10, after>>10, m.allowed(s, came)/int64(came))
}

// memoryAfterChurn lets connections come and go in every manner, and more in those in which the
// memory grew: a round must come in which it does not grow.
func memoryAfterChurn(s *session.Session) {
	memory(s)
	found := comings(s)
	payload := s.Payload(2 * everyLength)
	if found.growing != nil && s.Info.Memory > 0 && found.pid != s.Target.Pid() {
		found = goneThrough(s) // what it declares is held against all that has come to one server
		found.tell(s)
	}
	if m := found.growing; m != nil {
		leak := found.kept
		if leak == nil || found.finder != s { // each attempt sees for itself
			from := found.came + m.warmUp(s, found.came, payload)
			s.ServesFresh()
			s.Pause(settle)
			_, leak = growsOn(s, *m, from, payload)
		}
		if leak == nil {
			leak = found.beyondDeclared(s)
		}
		if leak != nil {
			s.Fail(leak)
		}
	}
	found.needs(s, func(manner) bool { return true })
}

// beyondDeclared is that the memory has grown by more than the target declares its heap to
// take, since the first of the connections. A round in which such a heap does not grow shows
// only that it had room.
func (c *churned) beyondDeclared(s *session.Session) *session.Failure {
	declared := int64(s.Info.Memory)
	if declared == 0 || c.first == 0 {
		return nil
	}
	grown := memory(s) - c.first
	if grown <= max(leakAt, declared) {
		return nil
	}
	return &session.Failure{
		Kind: session.Wrong, Reason: fmt.Sprintf("the server's memory grew by %d MiB while connections came and went, and its heap takes %v, as it declares (memory:)", grown>>20, s.Info.Memory),
		Want: fmt.Sprintf("at most %d MiB more, with none of them open", max(leakAt, declared)>>20), Got: fmt.Sprintf("from %d to %d MiB", c.first>>20, (c.first+grown)>>20),
		Why: "something is kept of each for ever, or the heap takes more than is declared",
	}
}

// growsOn has more connections come and go in a manner in which the memory grew, from the
// given one on, and returns how many came, and what they show to be kept of each; nil if
// nothing is.
func growsOn(s *session.Session, m manner, from int, payload []byte) (all int, leak *session.Failure) {
	leak = steady(s, "connection that "+m.how, func() (came int, allowed int64) {
		came = m.round(s, from+all, m.ofRound(s, true), payload)
		all += came
		s.ServesFresh()
		return came, m.allowed(s, came)
	})
	return all, leak
}

// steady has rounds of something go by until the memory does not grow in one; it returns a
// failure if it grew in all of them, leastRounds at least, and that is a leak.
func steady(s *session.Session, what string, round func() (came int, allowed int64)) *session.Failure {
	first, began, all := memory(s), time.Now(), 0
	for before, n := first, 1; ; n++ { // a heap that is collected once it is full fills up for some rounds
		came, allowed := round()
		all += came
		after := memory(s)
		least := allowed / int64(max(came, 1))
		s.Note("%d came, each a %s; the memory went from %d to %d KiB; %d bytes kept of each would have shown", came, what, before>>10, after>>10, least)
		if after-before <= allowed {
			return nil
		}
		if n >= leastRounds && leaking(s, after-first, began) {
			return &session.Failure{
				Kind: session.Wrong, Reason: fmt.Sprintf("the server's memory grew by %d bytes for each %s", (after-first)/int64(all), what),
				Want: fmt.Sprintf("a round with less than %d bytes for each, before it has grown by %d MiB or for %v", least, max(leakAt, int64(s.Info.Memory))>>20, leakAfter),
				Got:  fmt.Sprintf("%d MiB more after %d rounds and %d of them, %d KiB in the last", (after-first)>>20, n, all, (after-before)>>10),
				Why:  "something is kept of each for ever, or " + declareMemory,
			}
		}
		before = after
	}
}

// memoryAfterRequests asks thousands of times on connections that stay, round by round: a round
// must come in which the memory does not grow.
func memoryAfterRequests(s *session.Session) {
	const requests = 5000 // of a round
	clients := s.AtOnce(several(s, churners))
	conns := opened(s, clients)
	payload := s.Payload(2 * everyLength)
	ask := func(n int) int {
		took := make([]int, len(conns))
		began := time.Now()
		for w := range conns {
			s.Go(func() {
				for i := w; i < n; i += len(conns) {
					if i >= fewestComing && time.Since(began) > 2*roundTime {
						return
					}
					conns[w] = conns[w].Further(func(c *session.Conn) { c.Exchange(cut(s, payload, i)) })
					took[w]++
				}
			})
		}
		s.Join()
		all := 0
		for _, n := range took {
			all += n
		}
		return all
	}
	ask(requests / 8)
	s.Pause(settle)
	leak := steady(s, "request on a connection that stays", func() (came int, allowed int64) {
		came = ask(soaked(s, requests))
		return came, max(keptRequests, int64(came)*keptRequest)
	})
	if leak != nil {
		s.Fail(leak)
	}
	closeAll(conns)
}
