package clauses

import (
	"fmt"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

var conn = []session.Check{
	{Clause: "CONN-1", Needs: session.Payload, Run: bytesComeBack},
	{Clause: "CONN-2", Run: requestsInPieces},
	{Clause: "CONN-3", Needs: session.Several, Run: requestsTogether},
	{Clause: "CONN-4", Needs: session.Several | session.Ahead, Run: moreThanBuffersHold},
	{Clause: "CONN-5", Needs: session.Several, Run: lateReader},
	{Clause: "CONN-6", Run: answersAfterFIN},
	{Clause: "CONN-7", Needs: session.Several, Run: pendingOutputAfterFIN},
	{Clause: "CONN-8", Run: closesAfterFIN},
	{Clause: "CONN-9", Run: outputGoesOnAfterFIN},
	{Clause: "CONN-10", Run: outputBeforeClose},
	{Clause: "CONN-11", Run: inputBeforeFIN},
	{Clause: "CONN-12", Run: resetsAtEveryStage},
	{Clause: "CONN-13", Study: true, Run: resetGivesDescriptorBack},
	{Clause: "CONN-14", Needs: session.Payload, Run: noCrossTalk},
	{Clause: "CONN-15", Run: churn},
	{Clause: "CONN-16", Needs: session.Several, Run: urgentData},
	{Clause: "CONN-17", Needs: session.Several, Run: smallRepliesArePrompt},
	{Clause: "CONN-18", Needs: session.Several, Run: manySmallPendingReplies},
	{Clause: "CONN-19", Run: everythingBeforeAccept},
	{Clause: "CONN-20", Own: true, Run: inputBeforeClose},
	{Clause: "CONN-21", Run: greetingIsWhole},
	{Clause: "CONN-22", Run: whateverClientsDo},
	{Clause: "CONN-23", Needs: session.Several | session.Bodies, Run: bodiesAreNoRequests},
	{Clause: "CONN-24", Needs: session.Bodies, Run: whoAsksIsAnswered},
	{Clause: "CONN-25", Needs: session.Bodies, Run: refusalsArrive},
}

// fits reports whether the dialect carries a payload of n bytes.
func fits(s *session.Session, n int) bool {
	return n >= s.Dialect.MinPayload() && n <= s.Dialect.MaxPayload()
}

// requestsInPieces sends one request byte by byte, and 30 that are cut at random places, some with
// pauses: each reply must be right.
func requestsInPieces(s *session.Session) {
	c := s.Open()
	payload := s.Payload(24)
	request := c.Dialect().Request(payload)
	inPieces(s, c, request, everyByte(len(request))...)
	c.Reply(payload)
	for round := range 30 {
		payload := s.Payload(1 + s.Rand.IntN(20000))
		c = c.Next()
		request := c.Dialect().Request(payload)
		for len(request) > 0 {
			n := min(1+s.Rand.IntN(1+len(request)/3), len(request))
			c.Send(request[:n])
			request = request[n:]
			if round%3 == 0 && s.Rand.IntN(4) == 0 {
				s.Pause(gap)
			}
		}
		c.Reply(payload)
	}
}

// requestsTogether sends up to 2,000 requests in one burst and reads meanwhile: the replies must
// come whole and in order, and one more exchange must follow.
func requestsTogether(s *session.Session) {
	const n = 2000
	if !s.Dialect.Pipelines() {
		s.Note("the dialect does not pipeline: requests follow each other")
		c := s.Open()
		for range 20 {
			c.Exchange(s.Payload(30))
		}
		return
	}
	c := s.Open()
	var burst []byte
	payloads := make([][]byte, n)
	if most := s.Dialect.Requests(); most > 0 { // one more follows them
		payloads = payloads[:min(n, most-1)]
	}
	for i := range payloads {
		payloads[i] = s.Payload(1 + i%61)
		burst = append(burst, c.Dialect().Request(payloads[i])...)
	}
	s.Go(func() { c.Send(burst) })
	for _, payload := range payloads {
		c.Reply(payload)
	}
	s.Join()
	c.Exchange(s.Payload(10))
}

// moreThanBuffersHold exchanges 24 MiB of requests that are written ahead of the reading: every
// reply must be right, and one more exchange must follow.
func moreThanBuffersHold(s *session.Session) {
	const most = 24 << 20
	each := replySize(s, pieceSize)
	passed := 0 // bytes of replies
	unlessShed(s, most, func() {
		t := newTalk(s, s.Open(), 1<<20)
		passed = most
		if t.size < pieceSize {
			passed = t.requests(most) * each
		}
		t.finish(t.requests(most))
		t.c.Exchange(s.Payload(10))
		t.c.Close()
	})
	if passed < beyondBuffers {
		s.Untested(fmt.Sprintf("the replies to %d MiB of requests are %d KiB, which the sockets may hold", most>>20, passed>>10))
	}
	if single := s.Payload(16 << 20); s.Dialect.Name() == "resp" { // where a request is more than its bytes
		unlessShed(s, len(single), func() { exchangeWhole(s, s.Open(), single) })
	}
}

// lateReader sends requests without reading until the server takes no more, or 16 MiB were sent,
// and then reads: every reply must come, and one more exchange follow.
func lateReader(s *session.Session) {
	each := replySize(s, pieceSize)
	unlessShed(s, beyondBuffers, func() {
		t := newTalk(s, s.Open(), pieceSize)
		total := t.requests(beyondBuffers)
		if !s.Dialect.Pipelines() {
			total = 1
		}
		_, _ = t.push(total, stallPatience)
		waited := t.owes(each, beyondBuffers)
		t.finish(total)
		t.c.Exchange(s.Payload(10))
		if !waited {
			s.Untested(short(0, 1, t.asked, each))
		}
	})
}

// manySmallPendingReplies leaves far more than IOV_MAX (1,024) small replies unread, and then
// reads: all of them must come, in order.
func manySmallPendingReplies(s *session.Session) {
	const pushed, small = 20 << 20, 500
	each := replySize(s, small)
	unlessShed(s, pushed, func() {
		t := newFramedTalk(s, small)
		total := t.requests(pushed)
		if !s.Dialect.Pipelines() {
			total = 1
		}
		_, _ = t.push(total, stallPatience)
		waited := t.owes(each, beyondBuffers)
		t.finish(total)
		if !waited {
			s.Untested(short(0, 1, t.asked, each))
		}
	})
}

// urgentData sends a request and one byte out of band (EPOLLPRI): the reply must come, so must the
// bytes sent after it, and a fresh client must be served.
func urgentData(s *session.Session) {
	c := s.Open()
	c.Exchange(s.Payload(10))
	if s.Target.Network() == "unix" {
		s.Note("no urgent data over a unix socket")
		return
	}
	before, after := s.Payload(20), s.Payload(30)
	request := c.Dialect().Request(before)
	c.Send(request)
	if err := sendUrgent(c); err != nil {
		s.Inconclusive("urgent data could not be sent: " + err.Error())
	}
	s.Note("one urgent byte sent on conn of %s", c.Local())
	c.Reply(before)
	// A server that reads urgent bytes in line (SO_OOBINLINE) echoes it here; one that does
	// not has it out of its way. In a framed dialect it would be part of the
	// next request, so only raw streams go on.
	if name := s.Dialect.Name(); name == "echo" || name == "probe" {
		c.Send(after)
		got := c.Read(1)
		if got[0] == '!' && after[0] != '!' {
			c.Want(after, "the bytes after the urgent one")
		} else {
			if got[0] != after[0] {
				s.Failf(session.Wrong, "the stream is not what was sent after an urgent byte", session.Quoted(after), session.Quoted(got), "")
			}
			c.Want(after[1:], "the bytes after the urgent one")
		}
	}
	c.Close()
	s.ServesFresh()
}

// smallRepliesArePrompt delays its acknowledgements, and times one small exchange and several that
// are sent together: neither may wait the 40 ms of such a delay.
func smallRepliesArePrompt(s *session.Session) {
	const rounds = 60
	c := s.Open()
	single := s.Payload(8)
	var several [][]byte
	var together []byte
	if s.Dialect.Pipelines() {
		for i := range 4 {
			several = append(several, s.Payload(9+i))
		}
		// Longer than many a read buffer, so that raw echo is written in parts as well.
		several = append(several, s.Payload(20000))
	} else {
		several = append(several, s.Payload(20000))
	}
	for _, payload := range several {
		together = append(together, c.Dialect().Request(payload)...)
	}
	request := c.Dialect().Request(single)
	one, many := make([]time.Duration, 0, rounds), make([]time.Duration, 0, rounds)
	// A careless server writes an answer in several small parts. Each part after the first waits
	// for the client's acknowledgement of the one before it, 40 ms if that is delayed.
	for i := range rounds {
		delayAcks(c)
		watch := s.Clock()
		c.Send(request)
		c.Reply(single)
		one = append(one, watch.Wall())
		delayAcks(c)
		watch = s.Clock()
		c.Send(together)
		for _, payload := range several {
			c.Reply(payload)
		}
		many = append(many, watch.Wall())
		if i == 9 && median(many) < 5*time.Millisecond {
			break // far from 40 ms
		}
	}
	quick, slow := median(one), median(many)
	s.Note("median of one small exchange %s, of several at once %s", quick, slow)
	if slow >= 25*time.Millisecond && slow >= 8*quick {
		s.Failf(session.Late, fmt.Sprintf("small replies sent together take %s, one alone %s", slow.Round(time.Millisecond/10), quick.Round(time.Millisecond/100)),
			"the same order of time", fmt.Sprintf("%.0f times as long, in %d rounds", float64(slow)/float64(quick), len(many)),
			"Nagle's algorithm waits for the client's delayed acknowledgement: set TCP_NODELAY, or write replies together")
	}
	if quick >= 25*time.Millisecond && quick < 500*time.Millisecond {
		s.Failf(session.Late, fmt.Sprintf("one small exchange takes %s", quick.Round(time.Millisecond/10)),
			"well below the 40 ms of a delayed acknowledgement", fmt.Sprintf("median of %d", len(one)),
			"the reply is written in parts, and Nagle's algorithm holds the later ones back: set TCP_NODELAY, or write a reply at once")
	}
}

// greetingIsWhole reads what the server says first, at once and late, on five connections: it must
// be whole and right, and an exchange must follow.
func greetingIsWhole(s *session.Session) {
	s.Open().Exchange(s.Payload(100)) // Open reads and compares the greeting
	late := make([]*session.Conn, 4)
	for i := range late {
		late[i] = s.Dial()
	}
	s.Pause(30 * gap) // the greeting fills the sockets and waits in user memory
	for _, c := range late {
		s.Ready(c).Exchange(s.Payload(100))
	}
}
