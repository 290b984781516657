package clauses

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

var life = []session.Check{
	{Clause: "LIFE-1", Own: true, Run: stopsAlone},
	{Clause: "LIFE-2", Own: true, Run: stopsWithSilentClients},
	{Clause: "LIFE-3", Own: true, Run: deliversWhatIsDue},
	{Clause: "LIFE-4", Own: true, Long: true, Run: stopsBesideStalledClient},
	{Clause: "LIFE-5", Own: true, Run: acceptsNoMore},
	{Clause: "LIFE-6", Own: true, Run: stopsAtOnce},
	{Clause: "LIFE-7", Own: true, Run: leavesNoProcess},
	{Clause: "LIFE-8", Own: true, Run: removesSocketFile},
	{Clause: "LIFE-9", Study: true, Long: true, Run: idleTimeout},
	{Clause: "LIFE-10", Study: true, Long: true, Needs: session.Several, Run: usedConnectionsStay},
	{Clause: "LIFE-11", Own: true, Run: stopsUnderTraffic},
	{Clause: "LIFE-12", Own: true, Long: true, Run: stopsBesideWork},
}

const (
	// stopWithin is the promise of target.md; stopGrace is what a target whose
	// own deadline is the same 5 s gets on top.
	stopWithin = 5 * time.Second
	stopGrace  = time.Second
	// stopWall ends the waiting, however much the machine stalls.
	stopWall = 15 * time.Second
)

// terminate sends SIGTERM, runs meanwhile (which may be nil), and fails the
// clause unless the server exits with status 0 within limit.
func terminate(s *session.Session, limit time.Duration, state string, meanwhile func()) {
	watch := s.Clock()
	if err := s.Target.Signal(syscall.SIGTERM); err != nil {
		s.Failf(session.Wrong, "the server was gone before SIGTERM", "it serves", err.Error(), "")
	}
	if meanwhile != nil {
		meanwhile()
	}
	exit, err := waitExit(s, watch, limit)
	switch {
	case err != nil:
		s.Failf(session.Late, fmt.Sprintf("the server still runs %v after SIGTERM, %s", watch.Elapsed().Round(10*time.Millisecond), state),
			fmt.Sprintf("it exits within %v", stopWithin), err.Error(), "its stop waits for something that does not come")
	case exit.Known && !exit.Clean():
		s.Failf(session.Wrong, fmt.Sprintf("the server %s on SIGTERM, %s", exit, state), "exit status 0", exit.String(), "SIGTERM is not handled, or the stop fails")
	}
	inTime(s, "the stop "+state, watch.Elapsed(), limit, "its stop waits for something that does not come")
	s.Note("the server %s after %v, of which this machine stalled for %v", exit, watch.Wall().Round(time.Millisecond), watch.Stalled().Round(time.Millisecond))
}

// waitExit waits until the server has exited or limit of undisturbed time is over.
func waitExit(s *session.Session, watch session.Stopwatch, limit time.Duration) (exit target.Exit, err error) {
	for {
		left := max(limit-watch.Elapsed(), 0) + 50*time.Millisecond
		ctx, cancel := context.WithTimeout(s.Context(), left)
		exit, err = s.Target.Wait(ctx)
		cancel()
		if err == nil || watch.Elapsed() > limit || watch.Wall() > stopWall {
			return exit, err
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			s.Inconclusive("the server's exit cannot be waited for: " + err.Error())
		}
	}
}

func stopsAlone(s *session.Session) {
	s.ServesFresh()
	s.Pause(settle)
	terminate(s, stopWithin, "without clients", nil)
}

func stopsWithSilentClients(s *session.Session) {
	conns := opened(s, 8)
	var mute *session.Conn
	if !serial(s) {
		mute = s.Dial()
		if s.Dialect.Name() == "probe" {
			p := s.Probe()
			p.OK("PING", "silent")
			conns = append(conns, p.Conn())
		}
		if offers(s, "login") {
			conns = append(conns, s.Converse("MAIN"))
		}
	}
	s.Pause(settle)
	if mute != nil && handedOver(s, mute) {
		conns = append(conns, mute)
	}
	terminate(s, stopWithin, "with silent clients", func() {
		for _, c := range conns {
			c.Patience(stopWithin)
			c.WantClosed()
		}
	})
	if mute != nil {
		// Who never said anything may never have reached the server: under
		// TCP_DEFER_ACCEPT there is no socket before the first byte, tcp(7).
		if _, err := mute.TrySend([]byte("?")); err == nil {
			mute.WantClosed()
		}
	}
}

// handedOver reports whether the target has been given a client that has said nothing.
// With TCP_DEFER_ACCEPT the kernel keeps it back, and nobody tells it of the stop.
func handedOver(s *session.Session, c *session.Conn) bool {
	if s.Target.Network() == "unix" {
		return true
	}
	for _, socket := range observed(s, "the sockets", s.Tree().Sockets) {
		if socket.Remote == c.Local().String() {
			return true
		}
	}
	s.Note("the kernel has not handed over the client that said nothing; the stop is no matter of its")
	return false
}

func deliversWhatIsDue(s *session.Session) {
	const due = 8 << 20
	c := s.Converse(fmt.Sprintf("SOURCE %d", due)).Patience(stopWithin)
	s.Pause(settle)
	terminate(s, stopWithin, "with output due", func() {
		s.Pause(settle)
		sourceArrives(s, c, due)
		c.WantEOF()
	})
}

// sourceArrives reads n bytes of a SOURCE conversation.
func sourceArrives(s *session.Session, c *session.Conn, n int) {
	const cycle = 251
	pattern := make([]byte, 256*cycle)
	for i := range pattern {
		pattern[i] = byte(i % cycle)
	}
	for done := 0; done < n; {
		piece := min(len(pattern), n-done)
		c.Want(pattern[:piece], fmt.Sprintf("the output that was due, from byte %d of %d on,", done, n))
		done += piece
	}
}

func stopsBesideStalledClient(s *session.Session) {
	s.Converse("SOURCE 268435456")
	s.Pause(settle)
	terminate(s, stopWithin+stopGrace, "beside a client that never reads", nil)
}

func acceptsNoMore(s *session.Session) {
	s.Converse("SOURCE 268435456") // holds the drain up
	s.Pause(settle)
	if err := s.Target.Signal(syscall.SIGTERM); err != nil {
		s.Failf(session.Wrong, "the server was gone before SIGTERM", "it serves", err.Error(), "")
	}
	const deaf = 700 * time.Millisecond
	s.Pause(deaf)
	for range 4 {
		watch := s.Clock()
		c, err := s.TryDial()
		if err != nil {
			continue
		}
		if _, err := c.TrySend([]byte("ECHO\nare you there?")); err != nil {
			continue
		}
		c.Patience(deaf - s.Budget.Await)
		if answer, _ := c.ReadAll(64); len(answer) > 0 {
			s.Failf(session.Late, fmt.Sprintf("a new connection was served %v after SIGTERM", deaf), "it is refused, closed, or never answered",
				session.Quoted(answer)+" after "+watch.Elapsed().String(), "the listener is still on")
		}
		c.Close()
	}
}

func stopsAtOnce(s *session.Session) {
	for range 3 {
		if err := s.Target.Restart(s.Context()); err != nil {
			s.Inconclusive("the server cannot be started anew: " + err.Error())
		}
		terminate(s, stopWithin, "right after its start", nil)
	}
}

func leavesNoProcess(s *session.Session) {
	conns := opened(s, 4)
	tree := s.Tree()
	before := observed(s, "the processes", tree.Processes)
	terminate(s, stopWithin, "with silent clients", nil)
	var left []observe.Process
	gone := func() bool {
		left = left[:0]
		for _, p := range append(before, s.Target.Leftover()...) {
			if p.Check() == nil {
				left = append(left, p)
			}
		}
		return len(left) == 0
	}
	if _, held := s.Holds(s.Await(), gone); !held {
		s.Failf(session.Wrong, fmt.Sprintf("process %d outlives the server", left[0].Pid), "no process of its tree is left",
			fmt.Sprintf("%d of %d still run", len(left), len(before)), "a child was started and never stopped")
	}
	for _, p := range s.Target.Strays() {
		name, _ := p.Name()
		s.Note("process %d (%s) is an orphan that nobody can be charged with", p.Pid, name)
	}
	closeAll(conns)
}

func removesSocketFile(s *session.Session) {
	if s.Target.Network() != "unix" {
		s.Untested("the target listens on no unix socket: judge it with {socket} in its command")
	}
	path := s.Target.Addr().String()
	s.ServesFresh()
	terminate(s, stopWithin, "without clients", nil)
	if _, err := os.Lstat(path); err == nil {
		s.Failf(session.Wrong, "the unix socket file is still there after the stop", path+" is gone", "it exists", "close(2) does not remove it, unlink(2) does")
	}
}

const (
	// longestTimeout is the longest idle timeout that a run waits for, and
	// longestSoak the longest that --soak waits for: two and a half of them must
	// fit into a study.
	longestTimeout = 10 * time.Second
	longestSoak    = 30 * time.Second
	// timeoutGrace is what a server gets that looks for silent connections once
	// a second, and counts in whole seconds.
	timeoutGrace = 2 * time.Second
)

// declaredTimeout is the idle timeout that the target declares. Without one
// nobody can say that a connection was silent for too long.
func declaredTimeout(s *session.Session) time.Duration {
	timeout, longest := time.Duration(s.Info.IdleTimeout), longestTimeout
	if s.Soak() {
		longest = longestSoak
	}
	switch {
	case timeout == 0:
		s.Untested("the target does not say how long its idle timeout is: declare idle_timeout in its file, --idle-timeout, or idle-timeout in HELLO")
	case timeout > longest:
		s.Untested(fmt.Sprintf("its idle timeout of %v is more than the %v that a run waits: give it a shorter one (--soak waits for %v)", timeout, longest, longestSoak))
	}
	return timeout
}

// closedWhenSilent waits until a connection that says nothing more is closed.
func closedWhenSilent(s *session.Session, c *session.Conn, timeout time.Duration, what string) {
	watch := s.Clock()
	c.Patience(timeout + timeoutGrace - s.Budget.Await)
	if rest, end := c.ReadAll(1 << 10); end != session.EOF && end != session.Reset {
		c.Failf(session.Late, fmt.Sprintf("%s is still open after %v", what, watch.Elapsed().Round(10*time.Millisecond)),
			fmt.Sprintf("it is closed within the declared %v and %v", timeout, timeoutGrace), fmt.Sprintf("%d bytes, and the connection is open", len(rest)), "")
	}
	s.Note("%s was closed after %v", what, watch.Wall().Round(time.Millisecond))
}

func idleTimeout(s *session.Session) {
	timeout := declaredTimeout(s)
	mute := func() { closedWhenSilent(s, s.Dial(), timeout, "a connection that never said anything") }
	used := func() { closedWhenSilent(s, opened(s, 1)[0], timeout, "a connection that fell silent") }
	if serial(s) { // the next is served when the last is closed
		mute()
		used()
		s.ServesFresh()
		return
	}
	s.Go(mute)
	s.Go(used)
	if s.Dialect.Name() == "probe" {
		p := s.Probe()
		p.OK("PING", "silent")
		s.Go(func() { closedWhenSilent(s, p.Conn(), timeout, "a PROBE conversation that fell silent") })
	}
	s.Join()
	s.ServesFresh()
}

func usedConnectionsStay(s *session.Session) {
	timeout := declaredTimeout(s)
	c := s.Open()
	for start := time.Now(); time.Since(start) < timeout*5/2; {
		payload := s.Payload(32)
		watch := s.Clock()
		c.Exchange(payload)
		s.Pause(timeout / 4)
		if watch.Wall() > timeout*3/4 {
			s.Inconclusive("this machine stalled for most of the idle timeout")
		}
	}
	c.Exchange(s.Payload(32))
	c.Close()
}

func stopsUnderTraffic(s *session.Session) {
	conns := opened(s, 6)
	var going atomic.Int32
	for _, c := range conns {
		request := c.Dialect().Request(s.Payload(2000))
		going.Add(1)
		s.Go(func() { // until the server ends it; what comes is another clause's business
			socket, back := c.Raw(), make([]byte, 64<<10)
			defer going.Add(-1)
			defer c.Close()
			for {
				_ = socket.SetDeadline(time.Now().Add(stopWall))
				if _, err := socket.Write(request); err != nil {
					return
				}
				if _, err := socket.Read(back); err != nil {
					return
				}
			}
		})
	}
	if !serial(s) { // who serves one client at a time serves the one that is there
		for range 2 {
			s.Go(func() { knock(s) })
		}
		if offers(s, "post") {
			keepAsking(s, probe.Request{ID: 1, Verb: "CROSS", Args: []byte("- 4 20")})
		}
		if offers(s, "offload") {
			keepAsking(s, probe.Request{ID: 1, Verb: "OFFLOAD", Args: []byte("1 brief")})
		}
	}
	s.Pause(settle)
	terminate(s, stopWithin, "under traffic", nil)
	if _, ended := s.Holds(s.Await(), func() bool { return going.Load() == 0 }); !ended {
		s.Failf(session.Wrong, "connections are still served though the server has exited", "each connection ends", fmt.Sprintf("%d of %d go on", going.Load(), len(conns)),
			"a process of it was left behind")
	}
}

// knock connects and leaves, again and again, until it is turned away or the check
// is over.
func knock(s *session.Session) {
	address := s.Target.Addr()
	dialer := net.Dialer{Timeout: stopWall}
	for {
		c, err := dialer.DialContext(s.Context(), address.Network(), address.String())
		if err != nil {
			return
		}
		over := context.AfterFunc(s.Context(), func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(stopWall))
		_, err = c.Write([]byte("ECHO\nwho is there?"))
		if err == nil {
			_, err = c.Read(make([]byte, 64))
		}
		over()
		_ = c.Close()
		if err != nil {
			return // reset in the queue: the listener is closed
		}
	}
}

// keepAsking sends the request on a PROBE conversation until the server ends it.
func keepAsking(s *session.Session, request probe.Request) {
	socket := s.Converse("PROBE").Raw()
	frame := probe.AppendRequest(nil, request)
	s.Go(func() {
		defer socket.Close()
		back := make([]byte, 4<<10)
		for {
			_ = socket.SetDeadline(time.Now().Add(stopWall))
			if _, err := socket.Write(frame); err != nil {
				return
			}
			if _, err := socket.Read(back); err != nil {
				return
			}
		}
	})
}

func stopsBesideWork(s *session.Session) {
	for range 4 {
		s.Probe().Start("OFFLOAD", 10_000, "slow")
	}
	s.Pause(settle)
	terminate(s, stopWithin+stopGrace, "while offloaded work goes on", nil)
}
