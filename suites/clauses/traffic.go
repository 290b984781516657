package clauses

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

// Sizes that several families share.
const (
	// beyondBuffers is more than both socket buffers of a loopback connection
	// hold in both directions (some 4 MB each), so that output which nobody
	// reads waits in the server or stops it.
	beyondBuffers = 16 << 20
	// pieceSize is the payload of one request of a long talk, in bytes: large
	// enough to be fast, small enough that no server treats it as special.
	pieceSize = 32 << 10
	// mostRequests is how many answers one connection of an http server owes
	// (spec/dialects/http.md); Apache's default is 100 requests.
	mostRequests = 100
	// stallPatience is how long a write has to be refused before a peer counts
	// as stalled. Nothing is blamed for it: it only says when to go on.
	stallPatience = 100 * time.Millisecond
	// gap separates two writes so that a server can take each by itself. No
	// verdict rests on it.
	gap = time.Millisecond
)

// serial reports whether the target serves one client at a time, so that a
// check may hold only one connection open.
func serial(s *session.Session) bool { return string(s.Info.Class) == "iterative" }

// offers reports whether the target declares a feature, in its file or in its
// answer to HELLO.
func offers(s *session.Session, feature string) bool {
	for _, declared := range s.Info.Features {
		if string(declared) == feature {
			return true
		}
	}
	return s.Dialect.Name() == "probe" && slices.Contains(strings.Split(s.Hello()["features"], ","), feature)
}

// unreadLimit returns the declared limit L of unread output in bytes, 0 where
// the target declares none.
func unreadLimit(s *session.Session) int {
	if s.Info.Limit > 0 || s.Dialect.Name() != "probe" { // where the file and HELLO differ, the file wins
		return int(s.Info.Limit)
	}
	limit, err := strconv.Atoi(s.Hello()["limit"])
	if err != nil {
		s.Failf(session.Wrong, "HELLO gives no numeric limit", "limit=<bytes>", "limit="+strconv.Quote(s.Hello()["limit"]), "")
	}
	return limit
}

// talk is a long series of requests on one connection. Payloads are computed
// from their number, so that nothing has to be kept. One goroutine may push
// while another reads.
type talk struct {
	s      *session.Session
	c      *session.Conn
	size   int // payload bytes of a request
	seed   uint64
	before int64  // bytes that came on the connection before the talk began
	frame  bool   // requests are PING frames of a PROBE conversation
	asked  int    // requests begun; the writer's
	stood  bool   // the server has taken nothing for a while; the writer's
	cut    bool   // the server has closed it while nothing was read
	rest   []byte // what is left of the request begun last; the writer's
	heard  int    // replies read; the reader's
}

func newTalk(s *session.Session, c *session.Conn, size int) *talk {
	size = min(max(size, s.Dialect.MinPayload(), 8), s.Dialect.MaxPayload())
	return &talk{s: s, c: c, size: size, seed: s.Rand.Uint64()}
}

// newFramedTalk is newTalk on a new connection; in the probe dialect it is a
// PROBE conversation, because its ECHO knows no requests.
func newFramedTalk(s *session.Session, size int) *talk {
	if s.Dialect.Name() != "probe" {
		return newTalk(s, s.Open(), size)
	}
	t := newTalk(s, s.Converse("PROBE"), size)
	t.frame = true
	return t
}

// request and reply are the bytes of request n, and what reads its reply.
func (t *talk) request(n int) []byte {
	if t.frame {
		return ping(uint32(n), t.payload(n))
	}
	return t.c.Dialect().Request(t.payload(n))
}

func (t *talk) reply(n int) {
	if t.frame {
		t.c.Want(pong(uint32(n), t.payload(n)), fmt.Sprintf("the reply to request %d", n))
		return
	}
	t.c.Reply(t.payload(n))
}

// payload computes the payload of request n.
func (t *talk) payload(n int) []byte {
	source := rand.NewPCG(t.seed, uint64(n))
	b := make([]byte, t.size, t.size+8)
	for i := 0; i < t.size; i += 8 {
		binary.LittleEndian.PutUint64(b[i:i+8:i+8], source.Uint64())
	}
	return b
}

// requests returns how many requests carry at least that many bytes of payload,
// or have that many where they carry none.
func (t *talk) requests(bytes int) int {
	each := t.size
	if each == 0 {
		each = max(len(t.request(0)), 1)
	}
	return (bytes + each - 1) / each
}

// push writes requests until total of them are written (stalled is false), until
// the server takes nothing for patience (stalled is true), or until the
// connection fails. A half-written request is gone on with by the next push.
func (t *talk) push(total int, patience time.Duration) (stalled bool, err error) {
	socket := t.c.Raw()
	defer socket.SetWriteDeadline(time.Time{})
	quiet := 0
	for {
		if len(t.rest) == 0 {
			if t.asked == total {
				return false, nil
			}
			t.rest = t.request(t.asked)
			t.asked++
		}
		_ = socket.SetWriteDeadline(time.Now().Add(patience / 4))
		n, err := socket.Write(t.rest)
		t.c.Sent(t.rest[:n])
		t.rest = t.rest[n:]
		switch quiet++; {
		case err == nil || n > 0:
			quiet = 0
		case quiet < 4 && errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, os.ErrDeadlineExceeded):
			t.s.Note("%s: %d requests of %d bytes begun, then the server took nothing for %s", t.c.Tag(), t.asked, t.size, patience)
			t.stood = true
			return true, nil
		default:
			t.s.Note("%s: %d requests of %d bytes begun, then: %v", t.c.Tag(), t.asked, t.size, err)
			return false, err
		}
		if t.s.Context().Err() != nil {
			return true, nil
		}
	}
}

// hear reads and compares replies until total have been read.
func (t *talk) hear(total int) {
	defer func() {
		if t.heard < total {
			t.s.Note("%s: of %d requests of %d bytes begun, %d were answered whole", t.c.Tag(), t.asked, t.size, t.heard)
		}
	}()
	for ; t.heard < total; t.heard++ {
		t.reply(t.heard)
	}
}

// finish pushes what is left of total requests while it reads all replies, in
// bursts with gaps between them.
func (t *talk) finish(total int) {
	written := make(chan error, 1)
	t.s.Go(func() {
		_, err := t.push(total, t.s.Budget.Check)
		written <- err
	})
	burst := max(1, total/16)
	for t.heard < total {
		t.hear(min(total, t.heard+burst))
		t.s.Pause(gap)
	}
	<-written
}

// unlessShed runs f, which leaves up to pushed bytes of output unread. If it
// fails, and the target turns out to close every connection beyond a declared
// limit that f may have passed, that is legal and the failure is dropped.
func unlessShed(s *session.Session, pushed int, f func()) {
	excusable := mayPassLimit(s, pushed) // asked while the server is free to answer
	defer func() {
		if raised := recover(); raised != nil {
			if s.Context().Err() != nil || !excusable {
				panic(raised)
			}
			s.Forget()
			if !shedsBeyondLimit(s) {
				panic(raised)
			}
			s.Note("the target closes connections beyond its declared limit of unread output, which is legal")
		}
	}()
	f()
}

// mayPassLimit reports whether that many bytes of payload, with what frames them
// and what the server spends on each reply, can be more than the declared limit.
func mayPassLimit(s *session.Session, pushed int) bool {
	limit := unreadLimit(s)
	return limit > 0 && pushed+pushed/4 > limit
}

// shedsBeyondLimit reports whether the target closes a connection, of the
// plainest kind, whose unread output exceeds the limit that it declares.
func shedsBeyondLimit(s *session.Session) bool {
	c := s.Open()
	c.Patience(s.Budget.Silence - s.Budget.Await) // an end that was on its way follows the output at once
	defer c.Close()
	t := newTalk(s, c, pieceSize)
	if _, err := t.push(t.requests(beyondLimit(s)), stallPatience); err != nil {
		return true
	}
	_, end := c.ReadAll((t.asked - 1) * t.size)
	return end == session.EOF || end == session.Reset
}

// beyondLimit is how many bytes stop a server from reading: more than its
// declared limit and every socket buffer hold together.
func beyondLimit(s *session.Session) int { return beyondBuffers + min(unreadLimit(s), 64<<20) }

// owedBySockets is more than the sockets on both sides hold of what a server sends to a
// client with a read buffer of fewBytes, in bytes: the server's grows to 4 MiB (tcp(7),
// tcp_wmem).
const (
	owedBySockets = 8 << 20
	fewBytes      = 128 << 10
)

// replySize is how many bytes the reply to a request with so large a payload has, at
// least. It is to be asked while the check holds no connection.
func replySize(s *session.Session, payload int) int {
	if payload = min(payload, s.Dialect.MaxPayload()); payload >= pieceSize {
		return payload // large enough to be told by
	}
	c := s.Open()
	defer c.Close()
	before := c.Received()
	c.Exchange(s.Payload(payload))
	return int(c.Received() - before)
}

// owes reports whether the server has output for this client that it cannot send: it
// took no more requests, or owes more bytes in replies, of so many bytes each, than most,
// which is what the sockets hold.
func (t *talk) owes(each, most int) bool { return t.stood || t.asked*each >= most }

// unlessOwed ends a check that passed and is about output that waits, where on most of
// these connections none did: they were not stalled, and all replies that are due fit
// into the sockets. A server that closes beyond a limit which it declares had some.
func unlessOwed(s *session.Session, talks []*talk, each int) {
	waiting, most := 0, 0
	for _, t := range talks {
		if t.owes(each, owedBySockets) || t.cut && unreadLimit(s) > 0 {
			waiting++
		}
		most = max(most, t.asked)
	}
	if 2*waiting < len(talks) || len(talks) == 0 {
		s.Untested(short(waiting, len(talks), most, each))
	}
}

// short words how far a check came that wanted output to wait.
func short(waiting, of, requests, each int) string {
	return fmt.Sprintf("output came to wait on %d of %d connections: the others took %d requests at most before they ended or the check did, and the replies, %d bytes each, fit into the sockets (%d KiB)",
		waiting, of, requests, each, requests*each>>10)
}

// stalledReader opens a connection and writes to it until the server stops
// taking, or has taken most bytes; nothing is read. ok is false where the
// server closed it, as it may beyond a declared limit.
func stalledReader(s *session.Session, most int) (t *talk, ok bool) {
	const mostAhead = 20_000 // requests: where they are small, a server works through more for too long
	t = newTalk(s, s.Open(), pieceSize)
	t.c.SetReadBuffer(fewBytes) // or small replies would need too many requests
	total := min(t.requests(most), mostAhead)
	if !s.Dialect.Pipelines() {
		total = 1
	}
	_, err := t.push(total, stallPatience)
	t.cut = err != nil
	return t, err == nil
}

// stalledReaders makes n of them at the same time.
func stalledReaders(s *session.Session, n, most int) []*talk {
	talks := make([]*talk, n)
	var cut atomic.Int32
	for i := range talks {
		s.Go(func() {
			t, ok := stalledReader(s, most)
			if !ok {
				cut.Add(1)
			}
			talks[i] = t
		})
	}
	s.Join()
	// Who does not promise that a client may read as late as it likes may close instead: an http server
	// after any number of requests, nats a slow consumer.
	page, _ := s.Info.Page()
	if _, keeps := page.Promises["CONN-5"]; keeps && cut.Load() > 0 && unreadLimit(s) == 0 {
		s.Failf(session.Wrong, "the server closed connections whose output was not read, and declares no limit",
			"the connections stay open", fmt.Sprintf("%d of %d were closed", cut.Load(), n), "")
	}
	return talks
}

// inPieces sends b cut at the given offsets, with a gap after each piece.
func inPieces(s *session.Session, c *session.Conn, b []byte, cuts ...int) {
	from := 0
	for _, at := range append(cuts, len(b)) {
		if at > from && at <= len(b) {
			c.Send(b[from:at])
			from = at
			if from < len(b) {
				s.Pause(gap)
			}
		}
	}
}

// everyByte returns the offsets that cut n bytes into single ones.
func everyByte(n int) []int {
	var cuts []int
	for i := 1; i < n; i++ {
		cuts = append(cuts, i)
	}
	return cuts
}
