package clauses

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

var flow = []session.Check{
	{Clause: "FLOW-1", Needs: session.Several, Run: readsUpToTheLimit},
	{Clause: "FLOW-2", Needs: session.Several, Run: stopsBeyondTheLimit},
	{Clause: "FLOW-3", Own: true, Needs: session.Several, Run: memoryIsBounded},
	{Clause: "FLOW-4", Needs: session.Several, Run: resumesReading},
	{Clause: "FLOW-5", Needs: session.Several | session.Ahead, Run: stalledReadersDelayNobody},
	{Clause: "FLOW-6", Needs: session.Words, Run: slowWritersDelayNobody},
	{Clause: "FLOW-7", Needs: session.Several | session.Ahead, Run: fairBesideAFirehose},
	{Clause: "FLOW-8", Own: true, Run: sourceIsBounded},
	{Clause: "FLOW-9", Needs: session.Several | session.Ahead, Run: closingWithPendingOutput},
	{Clause: "FLOW-10", Run: closedBeforeItIsRead},
	{Clause: "FLOW-11", Own: true, Needs: session.Several | session.Ahead, Run: oneUnreadIsBounded},
	{Clause: "FLOW-12", Own: true, Needs: session.Unended, Run: unendedIsBounded},
}

// runtimeShare is the memory that a server's runtime may take apart from its
// connections while it is busy, in bytes: garbage not collected yet, stacks.
const runtimeShare = 16 << 20

// greatestLimit is the greatest limit that is pushed beyond, in bytes: some
// multiples of it go over the wire and may stay in memory.
const greatestLimit = 128 << 20

// judgedLimit is the declared limit; a greater one than a run pushes ends the check.
func judgedLimit(s *session.Session) int {
	limit := unreadLimit(s)
	if limit > greatestLimit {
		s.Untested(fmt.Sprintf("its limit of %d MiB is more than the %d MiB that a run goes beyond: give it a smaller one", limit>>20, greatestLimit>>20))
	}
	return limit
}

// readsUpToTheLimit writes requests of no more bytes than the limit and reads nothing: the server
// must read all of them from its socket, and every reply must come then.
func readsUpToTheLimit(s *session.Session) {
	limit := judgedLimit(s)
	c := s.Open()
	c.SetReadBuffer(32 << 10)
	t := newTalk(s, c, 4<<10)
	total := limit / t.size
	if _, err := t.push(total, s.Budget.Await); err != nil {
		s.Failf(session.Wrong, fmt.Sprintf("the server closed a connection with no more than its limit of %d bytes unread", limit),
			"the connection stays open", fmt.Sprintf("%d bytes sent, then %v", t.asked*t.size, err), "")
	}
	// What the server did not read stands in the receive queue of its socket.
	var unread uint64
	client := c.Local().String()
	if _, held := s.Holds(s.Budget.Await, func() bool {
		unread = 0
		for _, socket := range observed(s, "the sockets", s.Tree().Sockets) {
			if socket.Remote == client {
				unread += socket.RxQueue
			}
		}
		return unread == 0
	}); !held {
		s.Failf(session.Late, fmt.Sprintf("the server leaves %d of %d bytes unread, at no more than its limit", unread, total*t.size),
			fmt.Sprintf("with limit=%d everything sent is read", limit), fmt.Sprintf("%d bytes wait in the server's receive queue", unread), "reading pauses too early")
	}
	t.finish(total)
	c.Exchange(s.Payload(10))
}

// stopsBeyondTheLimit writes up to 64 MiB and eight times the limit, and reads nothing: the server
// must stop reading, or close, before it has taken all; a fresh client is served.
func stopsBeyondTheLimit(s *session.Session) {
	limit := judgedLimit(s)
	most := 64<<20 + 8*limit
	t := newTalk(s, s.Open(), 256<<10)
	stalled, err := t.push(t.requests(most), s.Budget.Silence)
	if !stalled && err == nil {
		s.Failf(session.Wrong, fmt.Sprintf("the server took %d MiB from a client that reads nothing, with limit=%d", most>>20, limit),
			"it stops reading, or closes, once the limit and the kernel's buffers are full", fmt.Sprintf("%d MiB were taken without a stall", most>>20),
			"output is queued without bound")
	}
	t.c.Close()
	s.ServesFresh()
}

const (
	// leakAt is how much memory growth that keeps its slope may take before it is a
	// leak, in bytes, where the target file declares no more; and leakAfter how long it
	// is watched.
	leakAt    = 512 << 20
	leakAfter = 60 * time.Second
	// declareMemory says what to do about a heap that is collected late.
	declareMemory = "it is never given back; a heap that is collected late has to be declared: memory: in the target file"
)

// leaking reports whether growth that has kept its slope so far is a leak by now.
// Where it is within what the target declares, and still goes on when the watching
// ends, nothing is told, and the clause is untested.
func leaking(s *session.Session, grown int64, began time.Time) bool {
	declared := int64(s.Info.Memory)
	switch {
	case grown > max(leakAt, declared):
		return true
	case time.Since(began) < leakAfter:
		return false
	case declared > 0:
		s.Untested(fmt.Sprintf("its memory has grown by %d MiB in %v and goes on growing, within the %v that it declares (memory:): whether it is given back was not seen", grown>>20, leakAfter, s.Info.Memory))
	}
	return true
}

// memory is what the tree takes now, in bytes.
func memory(s *session.Session) int64 { return observed(s, "the memory", s.Tree().Memory) }

// costOfOne is the memory of a connection that is open and idle: a thread's stack, or
// a process of its own.
func costOfOne(s *session.Session) int64 {
	const idle = 4
	closeAll(opened(s, idle)) // what is taken once is none of it
	s.ServesFresh()
	before := memory(s)
	conns := opened(s, idle)
	cost := (memory(s) - before) / idle
	closeAll(conns)
	s.ServesFresh()
	return max(cost, 0)
}

// bounded lets clients come that do not read, so many a round, until the tree's memory
// is within what they may take, or its growth has ended, or is a leak. How much a heap
// holds that is collected later says nothing; what each further client costs does.
func bounded(s *session.Session, limit, clients int, round func() (memory int64)) {
	each := 4*int64(limit) + 1<<20 + costOfOne(s)
	before, began, last := memory(s), time.Now(), int64(0)
	for n := clients; ; n += clients {
		grown, most := round()-before, int64(n)*each+runtimeShare
		s.Note("%d KiB more memory with %d clients that do not read, %d allowed", grown>>10, n, most>>10)
		if grown <= most || n > clients && grown-last <= int64(clients)*each {
			return
		}
		if leaking(s, grown, began) {
			s.Failf(session.Wrong, fmt.Sprintf("the server's memory grew by %d MiB for %d clients that do not read", grown>>20, n),
				fmt.Sprintf("at most %d MiB with limit=%d, or an end of the growth before %d MiB", most>>20, limit, max(leakAt, int64(s.Info.Memory))>>20),
				fmt.Sprintf("%d MiB, the last %d for %d clients", grown>>20, (grown-last)>>20, clients), "output is queued without bound, or "+declareMemory)
		}
		last = grown
	}
}

// memoryIsBounded has clients write far beyond the limit and read nothing, round by round: the
// memory must stay within a bound for each client, or stop growing.
func memoryIsBounded(s *session.Session) {
	limit := judgedLimit(s)
	clients := min(8, max(2, beyondBuffers/max(limit, 1)))
	s.ServesFresh()
	first := true
	bounded(s, limit, clients, func() int64 {
		for range clients {
			c := s.Open()
			if !first { // there may be many of them: what they hold in the kernel is little
				c.SetReadBuffer(128 << 10)
			}
			t := newTalk(s, c, 256<<10)
			_, _ = t.push(t.requests(24<<20+4*limit), stallPatience)
		}
		first = false
		s.ServesFresh()
		return memory(s)
	})
}

// sourceIsBounded has clients ask SOURCE for a TiB each and read nothing, round by round: the
// memory must stay within a bound for each client, or stop growing.
func sourceIsBounded(s *session.Session) {
	const clients = 8
	limit := unreadLimit(s)
	s.ServesFresh()
	bounded(s, limit, clients, func() (most int64) {
		for range clients {
			s.Converse(fmt.Sprintf("SOURCE %d", int64(1)<<40))
		}
		for range 10 {
			s.Pause(30 * gap)
			most = max(most, memory(s))
		}
		return most
	})
	s.ServesFresh()
}

// resumesReading writes far beyond the limit without reading, and then reads, twice: the server
// must go on reading, and every reply must come.
func resumesReading(s *session.Session) {
	most := beyondLimit(s)
	unlessShed(s, most, func() {
		c := s.Open()
		t := newTalk(s, c, pieceSize)
		total := 0
		for range 2 {
			total += t.requests(most)
			_, _ = t.push(total, stallPatience)
			if len(t.rest) > 0 { // stalled: read all that was asked, while the rest of the last request goes out
				total = t.asked
			}
			t.finish(total)
		}
		c.Exchange(s.Payload(100))
	})
}

// serves fails unless old and new connections are served now.
func serves(s *session.Session, old *session.Conn) {
	for range 3 {
		old = old.Next()
		old.Exchange(s.Payload(300))
		s.ServesFresh()
	}
}

// stalledReadersDelayNobody stalls eight clients that ask and do not read: eight old clients and
// many fresh ones must be served beside them.
func stalledReadersDelayNobody(s *session.Session) {
	old := opened(s, 8)
	stalledReaders(s, 8, beyondBuffers)
	for _, c := range old {
		serves(s, c)
	}
}

// closingWithPendingOutput closes or resets eight connections whose output waits: eight old clients
// and many fresh ones must be served afterwards.
func closingWithPendingOutput(s *session.Session) {
	old := opened(s, 8)
	for i, t := range stalledReaders(s, 8, beyondBuffers) {
		if i%2 == 0 {
			t.c.Reset()
		} else {
			t.c.Close()
		}
	}
	for _, c := range old {
		serves(s, c)
	}
}

// closedBeforeItIsRead has the server close eight connections with more output than their sockets
// hold, and then resets them unread: others must be served before and after.
func closedBeforeItIsRead(s *session.Session) {
	old := opened(s, 8)
	var stalled []*session.Conn
	// SOURCE closes of itself once it has produced its bytes.
	for range 8 {
		stalled = append(stalled, s.Converse(fmt.Sprintf("SOURCE %d", beyondBuffers)))
	}
	s.Pause(20 * gap)
	for _, c := range old {
		serves(s, c)
	}
	s.ServesFresh()
	for _, c := range stalled {
		c.Reset()
	}
	for _, c := range old {
		serves(s, c)
	}
}

// slowWritersDelayNobody stops up to 30 clients amid a request: others must be served meanwhile,
// and each of the 30 must be answered, or have been let go, when it sends the rest.
func slowWritersDelayNobody(s *session.Session) {
	const served, stopped, fresh = 8, 30, 1 // clients
	room := s.Room(served + stopped + fresh)
	if room < 3 {
		s.Untested(fmt.Sprintf("there is room for %d clients only, and the check needs one that stops and two that are served", room))
	}
	old := opened(s, min(served, max(1, (room-fresh)/4)))
	slow := make([]*talk, min(stopped, room-len(old)-fresh))
	for i := range slow {
		slow[i] = newFramedTalk(s, 2000)
		request := slow[i].request(0)
		slow[i].c.Send(request[:len(request)/2])
		slow[i].rest = request[len(request)/2:]
	}
	for _, c := range old {
		serves(s, c)
	}
	if offers(s, "idle-timeout") {
		return
	}
	for _, t := range slow {
		answeredOrLetGo(t)
	}
}

// answeredOrLetGo has a client that stopped amid a request send the rest of it, and
// fails unless it is answered, or the server had let it go: no page promises that a
// request may take as long as it likes, and a busy machine makes the stop a long one.
// Where a server may quit, it may say something first that is not the reply (408 in
// HTTP, 421, * BYE, FATAL). In echo half a request is one as well, and the target
// contract names its timeouts: there the server has to wait.
func answeredOrLetGo(t *talk) {
	if name := t.s.Dialect.Name(); name == "echo" || name == "probe" {
		t.c.Send(t.rest)
		t.hear(1)
		return
	}
	if _, err := t.c.TrySend(t.rest); err != nil {
		return
	}
	if _, err := t.c.Input().Peek(1); err != nil && t.c.Ended(err) != session.Timeout {
		return
	}
	const timedOut = "HTTP/1.1 408"
	if dialect.Ends(t.s.Dialect) {
		if status, _ := t.c.Input().Peek(len(timedOut)); string(status) == timedOut {
			return
		}
	}
	failure := t.s.Trial(func() { t.hear(1) })
	if failure != nil && !(dialect.MayQuit(t.s.Dialect) && t.c.LetGo(failure)) {
		t.s.Fail(failure)
	}
}

// fairShare is how many bytes of the firehoses may pass before a small exchange
// is through. Fair servers let 1 to 4 MiB pass, on a busy machine; ones that
// stay with a connection 20 MiB and more. Counted, not timed, so that a slow
// machine changes little.
const fairShare = 12 << 20

// fairBesideAFirehose has small exchanges beside four connections that ask without a pause: on
// average at most 12 MiB of theirs may pass before each small reply.
func fairBesideAFirehose(s *session.Session) {
	const hoses, outstanding, exchanges = 4, 64, 24
	old := opened(s, 8)
	var stop atomic.Bool
	var moved atomic.Int64
	var meanwhile int64
	for range hoses {
		t := newTalk(s, s.Open(), 64<<10)
		asked := make(chan int, outstanding)
		s.Go(func() {
			defer close(asked)
			for n := 0; !stop.Load(); n++ {
				if s.Context().Err() != nil {
					return
				}
				asked <- n
				t.c.Request(t.payload(n))
			}
		})
		s.Go(func() {
			defer func() {
				if raised := recover(); raised != nil {
					stop.Store(true)
					for range asked { // let the writer go on to its end
					}
					panic(raised)
				}
			}()
			for n := range asked {
				t.c.Reply(t.payload(n))
				moved.Add(int64(t.size))
			}
		})
	}
	func() {
		defer stop.Store(true)
		s.Until("the firehoses flow", s.Budget.Await, func() bool { return moved.Load() > hoses<<20 })
		before := moved.Load()
		for round := range exchanges {
			old[round%len(old)].Exchange(s.Payload(100))
		}
		meanwhile = moved.Load() - before
	}()
	s.Join()
	s.Note("%d MiB moved during %d exchanges", meanwhile>>20, exchanges)
	if meanwhile > exchanges*fairShare {
		s.Failf(session.Late, fmt.Sprintf("%d MiB of the firehoses passed before each of %d small exchanges", meanwhile/exchanges>>20, exchanges),
			fmt.Sprintf("at most %d MiB for each", fairShare>>20), fmt.Sprintf("%d MiB in all", meanwhile>>20), "a connection with much input is served for as long as more comes")
	}
}
