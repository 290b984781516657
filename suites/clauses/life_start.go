package clauses

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// startWithin is how long a server may try for an address that is taken.
const startWithin = 10 * time.Second

// second starts the target's command once more, with that address.
func second(s *session.Session, at net.Addr) *target.Instance {
	other, err := s.Target.Second(at)
	if err != nil {
		s.Inconclusive("the server's command cannot be run a second time: " + err.Error())
	}
	return other
}

// comesTo watches an instance that was started until it has ended, or listens, or the time for both is over.
// A start that exits with another status than 0 has failed and said so, whatever helpers it leaves behind;
// one that exits with 0 may have left a daemon that listens later, and is over when that has ended too.
func comesTo(s *session.Session, other *target.Instance) (exit target.Exit, ended, listens bool) {
	watch := s.Clock()
	for watch.Elapsed() < startWithin && watch.Wall() < 2*startWithin {
		if listens, err := other.Listens(); err == nil && listens {
			return exit, false, true
		}
		ctx, cancel := context.WithTimeout(s.Context(), 10*s.Budget.Poll)
		exit, err := other.Wait(ctx)
		cancel()
		if err == nil && (exit.Known && !exit.Clean() || len(other.Leftover()) == 0) {
			return exit, true, false
		}
		s.Pause(s.Budget.Poll)
	}
	return exit, false, false
}

// elsewhere ends the check unless a second instance serves beside the first at an address that is free: where
// it cannot, for want of a file or another port that both need, its end at one that is taken tells nothing.
func elsewhere(s *session.Session) {
	at, err := s.Target.FreeAddr()
	if err != nil {
		s.Inconclusive(err.Error())
	}
	other := second(s, at)
	defer other.Stop()
	if exit, ended, listens := comesTo(s, other); !listens {
		what := fmt.Sprintf("listens nowhere within %v", startWithin)
		if ended {
			what = exit.String()
		}
		s.Untested("a second instance of the server does not serve at a free address either: it " + what)
	}
}

// takenAddressIsAnError starts a second instance at an address that is taken: it must exit with
// another status than 0 within ten seconds.
func takenAddressIsAnError(s *session.Session) {
	if s.Target.Network() == "unix" {
		s.Untested("who removes a socket file that is in the way finds the address free, unix(7): judge it over TCP")
	}
	holder, err := net.Listen("tcp", "127.0.0.1:0") // a port that was only found to be free may be another program's by now
	if err != nil {
		s.Inconclusive("no address can be taken: " + err.Error())
	}
	defer holder.Close()
	elsewhere(s)
	other := second(s, holder.Addr())
	defer other.Stop()
	watch := s.Clock()
	exit, ended, _ := comesTo(s, other)
	const want = "it says so, and exits with another status than 0, within 10 s"
	switch {
	case !ended:
		s.Failf(session.Late, fmt.Sprintf("a server whose address is taken still runs after %v", startWithin), want, "it runs, and listens nowhere there", "the error of bind(2) or listen(2) is not looked at, or tried for ever")
	case exit.Clean():
		s.Failf(session.Wrong, "a server whose address is taken exits with status 0", want, exit.String(), "whoever started it takes that for success")
	}
	s.Note("it %s after %v", exit, watch.Wall().Round(time.Millisecond))
	s.ServesFresh()
}

// portIsNotShared starts a second instance at the address of the first: it must not come to listen
// there, and the first must serve on.
func portIsNotShared(s *session.Session) {
	if s.Target.Network() == "unix" {
		s.Untested("two sockets never share the path of a unix socket: judge it over TCP")
	}
	if offers(s, "reuseport") {
		s.Untested("the target declares reuseport: instances of it share their port on purpose")
	}
	elsewhere(s)
	other := second(s, s.Target.Addr())
	defer other.Stop()
	if _, _, listens := comesTo(s, other); listens {
		s.Failf(session.Wrong, "a second instance listens at the address of the first", "it fails to start: the address is in use",
			fmt.Sprintf("process %d listens at %s too, and each gets a share of the clients", other.Pid(), s.Target.Addr()),
			"SO_REUSEPORT is set; who means it declares the feature reuseport")
	}
	other.Stop()
	s.ServesFresh()
}

// onUnix is the path of the target's socket file.
func onUnix(s *session.Session) string {
	if s.Target.Network() != "unix" {
		s.Untested("the target listens on no unix socket: judge it with {socket} in its command")
	}
	return s.Target.Addr().String()
}

// leavesTheSuccessorAlone puts a listener of our own in the place of the server's socket file, as a
// new version does, and sends SIGTERM: that file must stay.
func leavesTheSuccessorAlone(s *session.Session) {
	path := onUnix(s)
	s.ServesFresh()
	if err := os.Rename(path, path+".old"); err != nil {
		s.Inconclusive("the socket file cannot be moved: " + err.Error())
	}
	defer os.Remove(path + ".old")
	successor, err := net.Listen("unix", path)
	if err != nil {
		s.Inconclusive("no successor can listen: " + err.Error())
	}
	defer successor.Close()
	if err := s.Target.Signal(syscall.SIGTERM); err != nil {
		s.Failf(session.Wrong, "the server was gone before SIGTERM", "it serves", err.Error(), "")
	}
	if _, err := waitExit(s, s.Clock(), stopWithin); err != nil {
		s.Untested(fmt.Sprintf("the server still runs %v after SIGTERM, and so has not stopped", stopWithin))
	}
	if _, err := os.Lstat(path); err != nil {
		s.Failf(session.Wrong, "the socket file of a successor is gone after the stop", "a file that another server has put there stays", err.Error(),
			"the path is removed without a look at whose file it is")
	}
}

// startsOverAStaleFile kills the server, which leaves its socket file behind, and starts it again:
// it must listen there and serve.
func startsOverAStaleFile(s *session.Session) {
	path := onUnix(s)
	s.ServesFresh()
	if err := s.Target.Kill(); err != nil {
		s.Inconclusive("the server cannot be killed: " + err.Error())
	}
	if _, err := os.Lstat(path); err != nil {
		s.Untested("no socket file is left of a server that was killed")
	}
	if err := s.Target.RestartOver(s.Context()); err != nil {
		s.Failf(session.Wrong, "the server does not start where a killed one has left its socket file", "it listens there", err.Error(),
			"bind(2) says EADDRINUSE of any file at the path; one at which nobody listens can be removed")
	}
	s.ServesFresh()
}

// servesWithoutStandardStreams starts the server with the descriptors 0, 1 and 2 closed, which its
// first sockets get then: every client must get its own bytes and nothing else.
func servesWithoutStandardStreams(s *session.Session) {
	if err := s.Target.RestartBare(s.Context()); err != nil {
		s.Failf(session.Wrong, "the server does not start with the descriptors 0, 1 and 2 closed", "it serves", err.Error(),
			"a descriptor with one of these numbers is taken for none")
	}
	// Whatever the server prints goes to the sockets that have these numbers.
	for range 4 {
		conns := opened(s, 4)
		for _, c := range conns {
			if s.Dialect.Requests() != 1 {
				c = c.Next()
				c.Exchange(s.Payload(200))
			}
			if !serial(s) {
				s.ServesFresh()
			}
		}
		closeAll(conns)
		s.ServesFresh()
	}
}
