package session

import (
	"fmt"
	"strings"
	"time"
)

// Kind says what a failure rests on, and so whether a stalled machine excuses it.
type Kind int

const (
	// Wrong rests on bytes, counts or CPU time: no stall excuses it.
	Wrong Kind = iota
	// Late rests on time: it is repeated where the machine stalled.
	Late
)

func (k Kind) String() string {
	if k == Late {
		return "late"
	}
	return "wrong"
}

// Failure is one broken promise, as a check saw it.
type Failure struct {
	Kind   Kind
	Reason string // one line: what the server did
	Want   string // the expected set
	Got    string // what came
	Why    string // the likely cause; may be empty
	Hint   string // what to change where nothing was served yet; may be empty
	Conn   int    // the connection that showed it, as the evidence counts them; 0: none by itself
	Source string // that connection's local address
	// Untrusted is a certificate that nobody vouches for, or one for another name: what
	// the client was told is at fault as likely as the server.
	Untrusted bool
	// Patience is how long a connection was waited for that had it, with the machine's stalls
	// subtracted; 0 where the failure rests on nothing like that.
	Patience time.Duration
	Ended    bool // the server ended the connection, by FIN or RST, instead of sending anything of what was due

	// beside is how many others were open while this connection waited for its first
	// byte, or how many came beside one that was turned away instead of a first reply, or
	// that was ended without a word where that is allowed: they may be all that the
	// target holds. 0: that is not the failure.
	beside int
	// mute is how many of the others had not had a byte when this connection was met
	// with silence: each may have a thread that waits for it.
	mute int
	away bool // turned away in words
	busy bool // in words that say that the server has too much to do

	// silent is how long nothing had gone over the connection before the server ended it,
	// where that may be the reason; 0: it is not.
	silent time.Duration

	// taken is how many replies had come on a connection on which something else came
	// instead of the next one: a limit may be behind it. other says that this was
	// something whole, and not that reply.
	taken int
	other bool
}

func (f *Failure) Error() string { return f.Reason }

// The values that a check panics with; Attempt recovers them, and nobody
// outside this package can raise or catch one by accident.
type (
	failed       struct{ failure *Failure }
	inconclusive struct{ reason string }
	untested     struct{ reason string } // no vantage from which to see it
	aborted      struct{}                // the attempt is over: the connection was closed under the check
	harnessError struct{ reason string }
)

// Failf ends the check: the target broke the clause. reason is one line that
// says what the server did, want and got the expected set and what came, why
// the likely cause. (The strings are not formats.)
// It may be called from the check and from what Go started.
func (s *Session) Failf(kind Kind, reason, want, got, why string) {
	panic(failed{&Failure{Kind: kind, Reason: oneLine(reason), Want: want, Got: got, Why: why}})
}

// Failf is Session.Failf for what this connection showed: the evidence names it.
func (c *Conn) Failf(kind Kind, reason, want, got, why string) {
	failure := &Failure{Kind: kind, Reason: oneLine(reason), Want: want, Got: got, Why: why,
		Conn: c.number, Source: c.socket.LocalAddr().String()}
	if kind == Late {
		failure.mute, failure.Patience = c.s.mute(c), c.budget()
	}
	if kind == Late && !c.spoke.Load() {
		failure.beside = c.s.beside()
		if why == "" && failure.beside > 0 {
			failure.Why = fmt.Sprintf("it is not served at all beside %d others: not accepted, or not looked at since", failure.beside)
		}
	}
	panic(failed{failure})
}

// Inconclusive ends the check: our own side cannot judge, for that reason.
func (s *Session) Inconclusive(reason string) { panic(inconclusive{oneLine(reason)}) }

// harnessFailed ends the check because the harness, not the target, failed.
func (s *Session) harnessFailed(format string, args ...any) {
	panic(harnessError{oneLine(fmt.Sprintf(format, args...))})
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func milliseconds(d time.Duration) string {
	if d >= 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	if d >= time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}
