package session

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onsi/gomega"
	"go.uber.org/goleak"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// await is this file's budget; servers here answer at once or never.
const await = 300 * time.Millisecond

var short = Budget{Await: await, Silence: 40 * time.Millisecond, Poll: time.Millisecond,
	Check: 5 * time.Second, Study: 5 * time.Second, Wall: 2 * time.Second, Grace: time.Second}

// attempt runs a check against a server that does this with every connection.
func attempt(t *testing.T, serve func(c *net.TCPConn), run func(s *Session), change ...func(*Setup)) Attempt {
	t.Helper()
	return attemptIn(t.Context(), t, serve, run, change...)
}

func attemptIn(ctx context.Context, t *testing.T, serve func(c *net.TCPConn), run func(s *Session), change ...func(*Setup)) Attempt {
	t.Helper()
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	defer conns.Wait()
	defer listener.Close()
	on := target.Target{File: target.File{Dialect: "echo"}, Addr: "tcp://" + listener.Addr().String()}
	instance, err := on.Launch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	echo, err := dialect.Lookup("echo")
	if err != nil {
		t.Fatal(err)
	}
	setup := Setup{Target: instance, Info: on.File, Dialect: echo, Clause: spec.Clause{ID: "CONN-1"}, Seed: 1, Budget: short}
	for _, f := range change {
		f(&setup)
	}
	return Check{Clause: "CONN-1", Run: run}.Attempt(ctx, setup)
}

func say(text string) func(c *net.TCPConn) {
	return func(c *net.TCPConn) {
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, c)
	}
}

func echo(c *net.TCPConn) { _, _ = io.Copy(c, c) }

func hangUp(*net.TCPConn) {}

func reset(c *net.TCPConn) {
	_, _ = c.Read(make([]byte, 1))
	_ = c.SetLinger(0)
}

func TestWhatOperationsMakeOfServers(t *testing.T) {
	const passes, wrong, late = "", "wrong", "late"
	for name, c := range map[string]struct {
		serve func(*net.TCPConn)
		run   func(*Session)
		kind  string
		says  string
	}{
		"exchange":         {echo, func(s *Session) { s.Open().Exchange(s.Payload(100_000)) }, passes, ""},
		"half close":       {echo, func(s *Session) { c := s.Open(); c.Send([]byte("x")); c.CloseWrite(); c.Read(1); c.WantEOF() }, passes, ""},
		"silence":          {say(""), func(s *Session) { s.Dial().Read(1) }, late, "silence"},
		"end instead":      {hangUp, func(s *Session) { s.Dial().Read(1) }, wrong, "closed the connection"},
		"part, then end":   {func(c *net.TCPConn) { _, _ = c.Write([]byte("ab")) }, func(s *Session) { s.Dial().Read(3) }, wrong, "closed the connection"},
		"reset instead":    {reset, func(s *Session) { c := s.Dial(); c.Send([]byte("xx")); c.Read(1) }, wrong, "reset the connection"},
		"other bytes":      {say("hello wurld"), func(s *Session) { s.Dial().Want([]byte("hello world"), "the greeting") }, wrong, "byte 7 of 11"},
		"eof as promised":  {hangUp, func(s *Session) { s.Dial().WantEOF() }, passes, ""},
		"reset for eof":    {reset, func(s *Session) { c := s.Dial(); c.Send([]byte("xx")); c.WantEOF() }, wrong, "reset"},
		"reset is closed":  {reset, func(s *Session) { c := s.Dial(); c.Send([]byte("xx")); c.WantClosed() }, passes, ""},
		"bytes for eof":    {say("more"), func(s *Session) { s.Dial().WantEOF() }, wrong, "none were due"},
		"open for eof":     {say(""), func(s *Session) { s.Dial().WantEOF() }, late, "still open"},
		"quiet":            {say(""), func(s *Session) { s.Dial().Quiet(s.Silence()) }, passes, ""},
		"noise":            {say("boo"), func(s *Session) { s.Dial().Quiet(s.Silence()) }, wrong, "none were due"},
		"noise, buffered":  {say("aboo"), func(s *Session) { c := s.Dial(); c.Read(1); c.Quiet(s.Silence()) }, wrong, "none were due"},
		"quiet wants open": {hangUp, func(s *Session) { s.Dial().Quiet(s.Silence()) }, wrong, "closed"},
		"line":             {say("OK 1\r\nrest"), func(s *Session) { s.Expect(s.Dial().WantLine()).To(gomega.Equal("OK 1")) }, passes, ""},
		"endless line":     {say(strings.Repeat("x", 9000)), func(s *Session) { s.Dial().WantLine() }, wrong, "does not end"},
		"unread":           {say(""), func(s *Session) { c := s.Dial(); c.SendInPieces([]byte("abc")); c.Quiet(s.Silence()) }, passes, ""},
		"deaf":             {func(c *net.TCPConn) { <-time.After(8 * await) }, func(s *Session) { s.Dial().Send(make([]byte, 64<<20)) }, late, "stopped reading"},
		"sent to the dead": {hangUp, func(s *Session) { c := s.Dial(); c.WantEOF(); c.Send(make([]byte, 8<<20)) }, wrong, "closed the connection"},
		"drain": {func(c *net.TCPConn) { _, _ = c.Write(make([]byte, 100_000)) }, func(s *Session) {
			n, end := s.Dial().Drain()
			s.Expect(n).To(gomega.Equal(int64(100_000)))
			s.Expect(end).To(gomega.Equal(EOF))
		}, passes, ""},
		"read all": {say("abc"), func(s *Session) {
			b, end := s.Dial().ReadAll(10)
			s.Expect(string(b)).To(gomega.Equal("abc"))
			s.Expect(end).To(gomega.Equal(Timeout))
		}, passes, ""},
		"read all, limited": {say("abc"), func(s *Session) {
			b, end := s.Dial().ReadAll(2)
			s.Expect(string(b)).To(gomega.Equal("ab"))
			s.Expect(end).To(gomega.Equal(End("")))
		}, passes, ""},
		"assertion":  {echo, func(s *Session) { s.Expect(1).To(gomega.Equal(2), "one is two") }, wrong, "one is two"},
		"unasserted": {echo, func(s *Session) { s.Expect(1).NotTo(gomega.Equal(1)) }, wrong, "Expected <int>: 1 not to equal <int>: 1"},
		"until":      {echo, func(s *Session) { s.Until("it snows", 20*time.Millisecond, func() bool { return false }) }, late, "it snows"},
		"serves":     {echo, func(s *Session) { s.ServesFresh() }, passes, ""},
		"serves not": {hangUp, func(s *Session) { s.ServesFresh() }, wrong, "a fresh connection is not served"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := attempt(t, c.serve, c.run)
			if a.HarnessError != "" || a.Hung || a.Cancelled {
				t.Fatalf("attempt %+v", a)
			}
			got, reason := passes, ""
			if a.Failure != nil {
				got, reason = a.Failure.Kind.String(), a.Failure.Reason
			}
			if got != c.kind || !strings.Contains(reason, c.says) || strings.Contains(reason, "\n") {
				t.Errorf("%q: %q, want %q: %q", got, reason, c.kind, c.says)
			}
		})
	}
}

// TestReadsAreProgressBased: a slow server is not a silent one.
func TestReadsAreProgressBased(t *testing.T) {
	const bytes = 5
	started := time.Now()
	a := attempt(t, func(c *net.TCPConn) {
		for range bytes {
			<-time.After(await / 2)
			_, _ = c.Write([]byte("z"))
		}
		_, _ = io.Copy(io.Discard, c)
	}, func(s *Session) { s.Dial().Want([]byte("zzzzz"), "the drops") })
	if a.Failure != nil || time.Since(started) < bytes*await/2 {
		t.Errorf("failure %v after %s", a.Failure, time.Since(started))
	}
}

// TestIdleTimeoutsAreLegal: who declares one closes a silent connection, and no other.
func TestIdleTimeoutsAreLegal(t *testing.T) {
	const timeout, pause = 50 * time.Millisecond, 80 * time.Millisecond
	declares := func(timeout time.Duration) func(*Setup) {
		return func(s *Setup) { s.Info.IdleTimeout = target.Duration(timeout) }
	}
	declared := declares(timeout)
	impatient := func(c *net.TCPConn) { // an echo that leaves after a silence
		for b := make([]byte, 64); ; {
			_ = c.SetReadDeadline(time.Now().Add(timeout))
			n, err := c.Read(b)
			if err != nil {
				return
			}
			_, _ = c.Write(b[:n])
		}
	}
	lulled := func(s *Session) { c := s.Open(); c.Exchange([]byte("a")); s.Pause(pause); c.Exchange([]byte("b")) }
	for name, x := range map[string]struct {
		serve  func(*net.TCPConn)
		run    func(*Session)
		change []func(*Setup)
		unseen bool
	}{
		"silent, declared":     {impatient, lulled, []func(*Setup){declared}, true},
		"silent, not declared": {impatient, lulled, nil, false},
		"waits for an answer":  {impatient, func(s *Session) { s.Open().Read(1) }, []func(*Setup){declared}, true},
		"should stay open":     {impatient, func(s *Session) { s.Open().Quiet(short.Wall) }, []func(*Setup){declared}, true}, // it ends when the server leaves
		// A minute, or the silence while this test waits for a CPU would excuse the server.
		"closed at once": {hangUp, func(s *Session) { s.Open().Read(1) }, []func(*Setup){declares(time.Minute)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := attempt(t, x.serve, x.run, x.change...)
			if x.unseen != (a.Untested != "") || x.unseen == (a.Failure != nil) {
				t.Errorf("unseen %q, failure %v; want unseen: %t", a.Untested, a.Failure, x.unseen)
			}
		})
	}
}

func TestPatience(t *testing.T) {
	a := attempt(t, func(c *net.TCPConn) {
		<-time.After(2 * await)
		_, _ = c.Write([]byte("z"))
	}, func(s *Session) { s.Dial().Patience(3 * await).Read(1) })
	if a.Failure != nil {
		t.Error(a.Failure)
	}
}

func TestEvidenceIsBoundedAndQuoted(t *testing.T) {
	a := attempt(t, echo, func(s *Session) {
		c := s.Open()
		for range 500 {
			c.Exchange([]byte("\x1b[31m\u202ered" + strings.Repeat("x", 100)))
		}
		s.Note("one\ntwo %d", 3)
		s.Failf(Wrong, "on purpose\n", "", "", "")
	})
	if len(a.Events) > firstEvents+lastEvents+1 || a.Events[0].Kind != "dial" || a.Events[len(a.Events)-1].Kind == "note" {
		t.Errorf("%d events", len(a.Events))
	}
	skipped := false
	for i, e := range a.Events {
		skipped = skipped || strings.Contains(e.Head, "left out")
		if strings.ContainsAny(e.Head, "\x1b\u202e\n") || len(e.Head) > 8*sentBytes {
			t.Errorf("event %d: %q", i, e.Head)
		}
		if i > 0 && e.At < a.Events[i-1].At {
			t.Errorf("event %d is earlier than the one before", i)
		}
	}
	if !skipped || len(a.Notes) != 1 || a.Notes[0] != "one two 3" || a.Source == "" || a.Failure.Reason != "on purpose" {
		t.Errorf("skipped %v, notes %q, source %q, %+v", skipped, a.Notes, a.Source, a.Failure)
	}
}

// A flood of receives is one event, so that what led to it stays in the evidence.
func TestEvidenceAddsUpWhatIsAlike(t *testing.T) {
	log := newRecorder()
	for range firstEvents {
		log.add(1, "dial", nil)
	}
	log.add(2, "send", []byte("GET /"))
	log.add(2, "send", []byte(" HTTP/1.1"))
	for range 500 {
		log.add(2, "recv", []byte(strings.Repeat("y", 100)))
	}
	log.add(3, "recv", []byte("z"))
	log.add(2, "eof", nil)
	log.add(2, "eof", nil)
	events, _ := log.events()
	var got []string
	for _, e := range events[firstEvents:] {
		got = append(got, fmt.Sprintf("%d%s %d %d %d %t", e.Conn, e.Kind, e.Bytes, e.Times, len(e.Head), strings.HasSuffix(e.Head, "…")))
	}
	want := "2send 14 2 16 false; 2recv 50000 500 53 true; 3recv 1 0 3 false; 2eof 0 0 0 false; 2eof 0 0 0 false"
	if strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
	if events[firstEvents].Head != `"GET / HTTP/1.1"` {
		t.Error(events[firstEvents].Head)
	}
}

// The evidence names the connection that failed, not the one that was dialled last.
func TestAFailureNamesItsConnection(t *testing.T) {
	var source, tag string
	a := attempt(t, say("hello"), func(s *Session) {
		s.Dial()
		c := s.Dial()
		source, tag = c.Local().String(), c.Tag()
		s.Dial()
		c.Want([]byte("hullo"), "the greeting")
	})
	if a.Failure == nil || a.Failure.Conn != 2 || tag != "#2" || a.Source != source {
		t.Errorf("%+v from %q, want #2 from %q", a.Failure, a.Source, source)
	}
}

func TestAFailureBesideEndsTheCheck(t *testing.T) {
	a := attempt(t, say(""), func(s *Session) {
		s.Go(func() { s.Failf(Wrong, "beside", "", "", "") })
		s.Go(func() { s.Dial().Patience(time.Hour).Read(1) }) // closed under it
		s.Until("never", time.Hour, func() bool { return s.Context().Err() != nil })
	}, func(setup *Setup) { setup.Budget.Check = 400 * time.Millisecond })
	if a.Failure == nil || a.Failure.Reason != "beside" {
		t.Errorf("attempt %+v", a)
	}
}

func TestAHungCheckIsLate(t *testing.T) {
	a := attempt(t, say(""), func(s *Session) { s.Dial().Patience(time.Hour).Read(1) },
		func(setup *Setup) { setup.Budget.Check = 50 * time.Millisecond })
	if !a.Hung || a.Failure == nil || a.Failure.Kind != Late {
		t.Errorf("attempt %+v", a)
	}
}

func TestACheckThatNeverReturnsIsTheHarnesss(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	a := attempt(t, say(""), func(*Session) { <-release }, func(setup *Setup) {
		setup.Budget.Check, setup.Budget.Grace = 20*time.Millisecond, 20*time.Millisecond
	})
	if a.HarnessError == "" {
		t.Errorf("attempt %+v", a)
	}
}

func TestCancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := attemptIn(ctx, t, say(""), func(s *Session) {
		c := s.Dial().Patience(time.Hour)
		cancel()
		c.Read(1)
	})
	if !a.Cancelled || a.Failure != nil {
		t.Errorf("attempt %+v", a)
	}
}

func TestPanicsAndEndings(t *testing.T) {
	var nothing *int
	for name, c := range map[string]struct {
		run func(*Session)
		ok  func(Attempt) bool
	}{
		"panic":        {func(*Session) { *nothing = 1 }, func(a Attempt) bool { return strings.Contains(a.HarnessError, "nil pointer") }},
		"panic beside": {func(s *Session) { s.Go(func() { panic("oh") }) }, func(a Attempt) bool { return strings.Contains(a.HarnessError, "oh") }},
		"undecided":    {func(s *Session) { s.Inconclusive("no right") }, func(a Attempt) bool { return a.Inconclusive == "no right" && a.Failure == nil }},
		"untested":     {func(s *Session) { s.Tree() }, func(a Attempt) bool { return a.Untested != "" && a.Failure == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			if a := attempt(t, echo, c.run); !c.ok(a) {
				t.Errorf("attempt %+v", a)
			}
		})
	}
}

// reversed answers two requests in the other order, with a stranger before them.
func reversed(c *net.TCPConn) {
	_, _ = io.WriteString(c, "OK 7\n")
	var in []byte
	var requests []probe.Request
	for len(requests) < 2 {
		piece := make([]byte, 512)
		n, err := c.Read(piece)
		if err != nil {
			return
		}
		in = append(in, piece[:n]...)
		if rest, signOn := strings.CutPrefix(string(in), "PROBE\n"); signOn {
			in = []byte(rest)
		}
		for {
			body, n, _ := probe.TakeFrame(in)
			if n == 0 {
				break
			}
			r, _ := probe.ParseRequest(body)
			requests = append(requests, probe.Request{ID: r.ID, Verb: r.Verb, Args: append([]byte(nil), r.Args...)})
			in = in[n:]
		}
	}
	var out []byte
	for _, r := range []probe.Request{{ID: 99}, requests[1], requests[0]} {
		out = probe.AppendReply(out, probe.Reply{ID: r.ID, Status: probe.OK, Fields: fmt.Appendf(nil, "args=%d", len(r.Args))})
	}
	for i := range out { // byte by byte
		_, _ = c.Write(out[i : i+1])
	}
	_, _ = io.Copy(io.Discard, c)
}

func TestProbeMatchesRepliesToRequests(t *testing.T) {
	a := attempt(t, reversed, func(s *Session) {
		p := s.Probe()
		s.Expect(p.Conn().Number()).To(gomega.Equal(uint64(7)))
		first := p.Start("POST", "-", 3)
		second := p.Start("TIMER", 1, time.Millisecond, 0, 1)
		s.Expect(p.Int(p.Await(first), "args")).To(gomega.Equal(int64(3)))
		s.Expect(p.Int(p.Await(second), "args")).To(gomega.Equal(int64(len("1 1000000 0 1"))))
		s.Expect(p.Next().ID).To(gomega.Equal(uint32(99)))
		p.Quiet(s.Silence())
	}, func(setup *Setup) { setup.Dialect, _ = dialect.Lookup("probe") })
	if a.Failure != nil || a.HarnessError != "" {
		t.Errorf("%+v %s", a.Failure, a.HarnessError)
	}
}

func TestSignOnMustBeAnswered(t *testing.T) {
	for _, answer := range []string{"OK\n", "OK x\n", "ok 1\n", "OK 1 2\n", "ERR\n"} {
		a := attempt(t, say(answer), func(s *Session) { s.Converse("SINK") })
		if a.Failure == nil || a.Failure.Kind != Wrong {
			t.Errorf("%q was taken for an answer", answer)
		}
	}
}

func TestTheStopwatchSubtractsStalls(t *testing.T) {
	meter := StartMeter(nil)
	defer meter.Close()
	watch := startStopwatch(nil, meter)
	<-time.After(20 * time.Millisecond)
	if watch.Stalled() != 0 || watch.Elapsed() < 20*time.Millisecond || watch.Slack() != 1 {
		t.Errorf("steady: stalled %s, elapsed %s, slack %f", watch.Stalled(), watch.Elapsed(), watch.Slack())
	}
	meter.delay.Add(int64(15 * time.Millisecond))
	if stalled := watch.Stalled(); stalled != 15*time.Millisecond {
		t.Errorf("stalled %s, want 15ms", stalled)
	}
	meter.cpu.Add(int64(time.Hour)) // the target burns every core itself
	if stalled := watch.Stalled(); stalled != 0 {
		t.Errorf("stalled %s through the target's own doing", stalled)
	}
	meter.cpu.Add(-int64(time.Hour))
	meter.delay.Add(int64(time.Hour))
	if watch.Elapsed() > time.Millisecond || watch.Stalled() > watch.Wall() {
		t.Errorf("elapsed %s of %s", watch.Elapsed(), watch.Wall())
	}
}

// TestAStalledMachineStretchesWaits: what comes late in wall time is in time.
func TestAStalledMachineStretchesWaits(t *testing.T) {
	meter := StartMeter(nil)
	defer meter.Close()
	a := attempt(t, func(c *net.TCPConn) {
		<-time.After(await / 2) // the wait has begun, so that the stall falls into it
		meter.delay.Add(int64(20 * await))
		<-time.After(2 * await)
		_, _ = c.Write([]byte("z"))
	}, func(s *Session) { s.Dial().Read(1) }, func(setup *Setup) { setup.Meter = meter })
	if a.Failure != nil {
		t.Errorf("blamed for a stall: %v", a.Failure)
	}
	if a.Steady() {
		t.Errorf("steady although %s of %s were stalled", a.Stalled, a.Took)
	}
}

// A step that fails is nobody's: the clause is untested, whoever of the check saw it.
func TestStep(t *testing.T) {
	for name, step := range map[string]func(s *Session){
		"in the check": func(s *Session) { s.Failf(Wrong, "the tea is cold", "", "", "") },
		"beside it": func(s *Session) {
			s.Go(func() { s.Failf(Wrong, "the tea is cold", "", "", "") })
			s.Join()
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := attempt(t, echo, func(s *Session) {
				s.Step("a step that does not fail", func() {})
				s.Step("making tea", func() { step(s) })
			})
			if a.Failure != nil || a.HarnessError != "" || a.Untested != "a step before it failed, making tea: the tea is cold" {
				t.Errorf("%+v", a)
			}
		})
	}
}
