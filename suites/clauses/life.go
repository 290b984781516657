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
	{Clause: "LIFE-3", Own: true, Needs: session.Words, Run: deliversWhatIsDue},
	{Clause: "LIFE-4", Own: true, Long: true, Needs: session.Words, Run: stopsBesideStalledClient},
	{Clause: "LIFE-5", Own: true, Needs: session.Words, Run: acceptsNoMore},
	{Clause: "LIFE-6", Own: true, Run: stopsAtOnce},
	{Clause: "LIFE-7", Own: true, Run: leavesNoProcess},
	{Clause: "LIFE-8", Own: true, Run: removesSocketFile},
	{Clause: "LIFE-9", Study: true, Long: true, Run: idleTimeout},
	{Clause: "LIFE-10", Study: true, Long: true, Needs: session.Several, Run: usedConnectionsStay},
	{Clause: "LIFE-11", Own: true, Run: stopsUnderTraffic},
	{Clause: "LIFE-12", Own: true, Long: true, Run: stopsBesideWork},
	{Clause: "LIFE-13", Study: true, Long: true, Needs: session.Words, Run: unreadIsClosed},
	{Clause: "LIFE-14", Study: true, Long: true, Needs: session.Words, Run: slowReaderStays},
	{Clause: "LIFE-15", Study: true, Long: true, Needs: session.Several, Run: suspendedInputCounts},
	{Clause: "LIFE-16", Own: true, Needs: session.Words, Run: unreadInputTakesNothing},
	{Clause: "LIFE-17", Own: true, Run: takenAddressIsAnError},
	{Clause: "LIFE-18", Own: true, Run: portIsNotShared},
	{Clause: "LIFE-19", Own: true, Run: leavesTheSuccessorAlone},
	{Clause: "LIFE-20", Own: true, Run: startsOverAStaleFile},
	{Clause: "LIFE-21", Own: true, Run: servesWithoutStandardStreams},
	{Clause: "LIFE-22", Study: true, Watch: true, Needs: session.Words, Run: steadyReaderGetsAll},
	{Clause: "LIFE-23", Own: true, Needs: session.Words, Run: servesThoughNobodyReads},
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

// stopsAlone sends SIGTERM to a server without clients: it must exit with status 0 within five seconds.
func stopsAlone(s *session.Session) {
	s.ServesFresh()
	s.Pause(settle)
	terminate(s, stopWithin, "without clients", nil)
}

// stopsWithSilentClients sends SIGTERM beside clients that say nothing: their connections must be
// closed, and the server must exit with status 0 within five seconds.
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

// stopsAtOnce starts the server anew and sends SIGTERM at once, three times: it must exit with
// status 0 within five seconds.
func stopsAtOnce(s *session.Session) {
	for range 3 {
		if err := s.Target.Restart(s.Context()); err != nil {
			s.Inconclusive("the server cannot be started anew: " + err.Error())
		}
		terminate(s, stopWithin, "right after its start", nil)
	}
}

// leavesNoProcess sends SIGTERM to a server with four clients: when it has exited, no process of
// its tree may be left.
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

// removesSocketFile sends SIGTERM to a server that listens on a unix socket: when it has exited,
// the file of the socket must be gone.
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

// stopsUnderTraffic sends SIGTERM while clients ask without a pause and others connect: the server
// must exit with status 0 in time, and all connections must end.
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

// stopsBesideWork sends SIGTERM while four pieces of work of ten seconds go on: the server must
// exit with status 0 within six seconds.
func stopsBesideWork(s *session.Session) {
	for range 4 {
		s.Probe().Start("OFFLOAD", 10_000, "slow")
	}
	s.Pause(settle)
	terminate(s, stopWithin+stopGrace, "while offloaded work goes on", nil)
}
