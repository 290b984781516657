package clauses

import (
	"fmt"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/session"
)

var work = []session.Check{
	{Clause: "WORK-1", Study: true, Run: responsiveBesideWork},
	{Clause: "WORK-2", Run: resultsComeHome},
	{Clause: "WORK-3", Study: true, Run: boundedWork},
	{Clause: "WORK-4", Study: true, Run: roomAgain},
	{Clause: "WORK-5", Study: true, Run: failingWork},
	{Clause: "WORK-6", Study: true, Run: resultsOfTheGone},
	{Clause: "WORK-7", Study: true, Run: idleWorkersWork},
}

// responsiveBesideWork offloads work of 0.8 s and sends PINGs behind and beside it: each must be
// answered in 250 ms, and the work not before its time.
func responsiveBesideWork(s *session.Session) {
	const slow = 800 * time.Millisecond
	p := s.Probe().Patience(slow)
	var beside []*session.Probe
	for range 2 * loops(s) {
		beside = append(beside, s.Probe())
	}
	beside = append(beside, p)
	working := s.Clock()
	const id, ping = 1_000_000, 1_000_001
	batch := probe.AppendRequest(nil, probe.Request{ID: id, Verb: "OFFLOAD", Args: fmt.Appendf(nil, "%d slow", slow.Milliseconds())})
	batch = probe.AppendRequest(batch, probe.Request{ID: ping, Verb: "PING"})
	p.Conn().Send(batch)
	if first := p.Next(); first.ID != ping {
		s.Failf(session.Wrong, "a PING behind offloaded work was answered only when the work was done", "the PING's answer, then the work's",
			string(first.Status)+" "+session.Quoted(first.Fields), "the work blocks the loop's own thread")
	}
	for working.Wall() < slow*3/4 {
		for _, q := range beside {
			watch := s.Clock()
			q.OK("PING", "beside")
			inTime(s, "a reply beside offloaded work", watch.Elapsed(), punctual, "the work blocks the loop's own thread")
		}
		s.Pause(10 * time.Millisecond)
	}
	reply := p.Await(id)
	wantStatusOf(s, reply, probe.OK, "OFFLOAD")
	if took := working.Wall(); took < slow {
		s.Failf(session.Wrong, fmt.Sprintf("work of %v was done after %v", slow, took), "not before its time", took.String(), "")
	}
	wantField(s, "OFFLOAD", session.Fields(reply), "word", "slow")
}

func wantStatusOf(s *session.Session, reply probe.Reply, status probe.Status, what string) {
	if reply.Status != status {
		s.Failf(session.Wrong, fmt.Sprintf("%s was answered %s", what, reply.Status), string(status), string(reply.Status)+" "+session.Quoted(reply.Fields), "")
	}
}

// resultsComeHome offloads 20 pieces of work from each loop: each must run on a thread that is no
// loop, and its result come back to the loop that asked.
func resultsComeHome(s *session.Session) {
	found := onLoops(s)
	tids := map[string]int64{}
	for k, p := range found {
		_, tid := where(p)
		tids[fmt.Sprint(tid)] = k
	}
	for k, p := range found {
		_, tid := where(p)
		var ids []uint32
		for range 20 {
			ids = append(ids, p.Start("OFFLOAD", 1, "home"))
		}
		for _, id := range ids {
			reply := p.Await(id)
			wantStatusOf(s, reply, probe.OK, "OFFLOAD")
			fields := session.Fields(reply)
			wantField(s, "OFFLOAD", fields, "home", tid)
			wantField(s, "OFFLOAD", fields, "loop", k)
			if loop, same := tids[fields["worker"]]; same {
				s.Failf(session.Wrong, fmt.Sprintf("the work ran on the thread of loop %d", loop), "a worker of its own", string(reply.Fields), "")
			}
		}
	}
}

const (
	burst      = 20_000
	burstPiece = 5 // milliseconds
	// burstPatience covers work that others left in the queue; what a burst
	// itself brings answers all the time.
	burstPatience = 3 * time.Second
	// burstWall is how long taking the burst in may last, 20 times what it
	// takes on a quiet machine.
	burstWall = 10 * time.Second
)

// workBurst offers the burst and answers how many pieces were done and refused
// when a PING behind all of them had come back; rest is what was still due. ok is
// false where the burst was taken in so slowly that no queue can have filled up.
func workBurst(s *session.Session, p *session.Probe) (done, full, rest int, ok bool) {
	p.Patience(burstPatience)
	watch := s.Clock()
	answered := map[uint32]bool{}
	s.Go(func() {
		var batch []byte
		for i := range burst {
			batch = probe.AppendRequest(batch, probe.Request{ID: uint32(1_000_000 + i), Verb: "OFFLOAD", Args: fmt.Appendf(nil, "%d w%d", burstPiece, i)})
		}
		batch = probe.AppendRequest(batch, probe.Request{ID: 999_999, Verb: "PING"})
		p.Conn().Send(batch)
	})
	for {
		reply := p.Next()
		if reply.ID == 999_999 {
			break
		}
		if watch.Wall() > burstWall {
			s.Note("of %d pieces %d were done and %d refused after %v, and the rest was not taken in", burst, done, full, burstWall)
			p.Conn().Close()
			return done, full, 0, false
		}
		n := reply.ID - 1_000_000
		if n >= burst || answered[n] {
			s.Failf(session.Wrong, "a request was answered twice, or an answer belongs to none", "one answer for each", fmt.Sprintf("another to request %d: %s", reply.ID, reply.Status), "")
		}
		answered[n] = true
		switch reply.Status {
		case probe.OK:
			wantField(s, "OFFLOAD", session.Fields(reply), "word", fmt.Sprintf("w%d", n))
			done++
		case probe.Full:
			full++
		default:
			wantStatusOf(s, reply, probe.OK, "OFFLOAD")
		}
	}
	s.Join()
	return done, full, burst - done - full, true
}

// boundedWork offers 20,000 pieces of work in one burst: where most of them wait at its end, some
// must have been refused, and each piece must be answered once.
func boundedWork(s *session.Session) {
	p := s.Probe()
	done, full, rest, ok := workBurst(s, p)
	if !ok {
		return
	}
	s.Note("of %d pieces %d were done, %d refused and %d queued when the last was taken in", burst, done, full, rest)
	if full == 0 && rest > burst/2 { // many workers may have kept up with the burst
		s.Failf(session.Wrong, fmt.Sprintf("%d pieces of work were queued at once and none was refused", rest),
			"some are answered full", fmt.Sprintf("%d done, %d waiting, none refused", done, rest), "the queue has no bound, or none that a burst of this size meets")
	}
	for range rest {
		reply := p.Next()
		if reply.Status != probe.OK && reply.Status != probe.Full {
			wantStatusOf(s, reply, probe.OK, "OFFLOAD")
		}
	}
	p.Quiet(s.Silence() / 3)
	p.Conn().Close()
	s.ServesFresh()
}

// roomAgain offers work until some is refused, and waits until the rest is done: five pieces after
// that must be taken and done.
func roomAgain(s *session.Session) {
	p := s.Probe()
	_, full, rest, ok := workBurst(s, p)
	if full == 0 || !ok {
		s.Note("the queue was never full: there is nothing to judge")
		return
	}
	for range rest {
		p.Next()
	}
	for i := range 5 {
		word := fmt.Sprintf("again%d", i)
		reply := p.Call("OFFLOAD", 1, word)
		wantStatusOf(s, reply, probe.OK, "OFFLOAD after the queue had emptied")
		wantField(s, "OFFLOAD", session.Fields(reply), "word", word)
	}
	p.Conn().Close()
	s.ServesFresh()
}

// failingWork has 64 pieces of work fail: each must be answered failed, and eight good pieces and a
// PING must be answered ok after that.
func failingWork(s *session.Session) {
	p := s.Probe()
	for range 64 {
		wantFailed(s, p, p.Start("FAIL", "worker"), "FAIL worker")
	}
	for i := range 8 {
		word := fmt.Sprintf("alive%d", i)
		wantField(s, "OFFLOAD after failing work", session.Fields(p.OK("OFFLOAD", 1, word)), "word", word)
	}
	p.OK("PING", "alive")
}

// resultsOfTheGone closes and resets 100 connections whose work is under way, and opens 100 new
// ones: these must get no result of it, and other work must be done.
func resultsOfTheGone(s *session.Session) {
	const conns, piece = 100, 10 // milliseconds
	for round := range 3 {
		var gone []*session.Probe
		for range conns {
			p := s.Probe()
			p.Start("OFFLOAD", piece, "ghost")
			gone = append(gone, p)
		}
		for i, p := range gone {
			if (i+round)%2 == 0 {
				p.Conn().Reset()
			} else {
				p.Conn().Close()
			}
		}
		var fresh []*session.Probe
		for range conns {
			fresh = append(fresh, s.Probe())
		}
		// Work is taken in order, so one more piece at the end says when all is done;
		// a server that drops the work of the gone is through at once.
		// The queue may be full of theirs until then.
		last := s.Probe().Patience(burstPatience)
		var reply probe.Reply
		if _, held := s.Holds(s.Budget.Await+burstPatience, func() bool {
			reply = last.Call("OFFLOAD", piece, "last")
			return reply.Status != probe.Full
		}); !held {
			s.Failf(session.Late, "OFFLOAD was answered full long after the work of the gone was done", "ok", "full", "their places in the queue were not given back")
		}
		wantStatusOf(s, reply, probe.OK, "OFFLOAD")
		wantField(s, "OFFLOAD", session.Fields(reply), "word", "last")
		s.Pause(5 * piece * time.Millisecond)
		for _, p := range fresh {
			payload := s.Payload(16)
			reply := p.Call("PING", payload)
			if reply.Status != probe.OK || string(reply.Fields) != string(payload) {
				why := ""
				if strings.Contains(string(reply.Fields), "ghost") {
					why = "the result went to the descriptor or slot of a connection that had closed"
				}
				s.Failf(session.Wrong, "a connection got a reply that is not its own", "the answer to its PING", string(reply.Status)+" "+session.Quoted(reply.Fields), why)
			}
			p.Quiet(time.Millisecond)
			p.Conn().Close()
		}
		last.Conn().Close()
	}
}

// idleWorkersWork offloads two pieces of work at a time, twelve times: where there are several
// workers, most pairs must be done by two of them.
func idleWorkersWork(s *session.Session) {
	const piece, pairs = 60, 12 // milliseconds
	p := s.Probe()
	workers := map[string]bool{}
	turns := 0
	for range pairs {
		var pair []byte
		for id := range 2 {
			pair = probe.AppendRequest(pair, probe.Request{ID: uint32(1_000_000 + id), Verb: "OFFLOAD", Args: fmt.Appendf(nil, "%d pair", piece)})
		}
		p.Conn().Send(pair)
		var by [2]string
		for i := range by {
			reply := p.Next()
			wantStatusOf(s, reply, probe.OK, "OFFLOAD")
			by[i] = session.Fields(reply)["worker"]
			workers[by[i]] = true
		}
		if by[0] == by[1] {
			turns++
		}
	}
	if len(workers) > 1 && turns > pairs/2 {
		s.Failf(session.Wrong, fmt.Sprintf("%d of %d pairs of work took turns on one worker though %d were there", turns, pairs, len(workers)),
			fmt.Sprintf("most pairs of %d ms are done by two workers at the same time", piece), fmt.Sprintf("%d by one worker after the other", turns),
			"an idle worker is not woken when work is queued behind other work")
	}
}
