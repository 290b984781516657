package cli

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites/report"
)

// signals is the one owner of the signals that end a run while a target is judged: the
// first ends the run early, with reports; the second ends the process at once,
// and the target with it (its parent's death is its own).
type signals struct {
	owned    []os.Signal
	arrivals chan os.Signal
	pipes    chan os.Signal // SIGPIPE; nobody reads it
	released chan struct{}
	out      io.Writer

	mu     sync.Mutex
	cancel func()
	seen   int
}

// terminal are the signals that end a run, or the embedded server.
var terminal = []os.Signal{os.Interrupt, syscall.SIGTERM}

// endings are those that end a run: a terminal that is closed, and Ctrl-\, are no
// reason to lose what was found. What whoever started us had ignored, as nohup
// does, stays so.
func endings() []os.Signal {
	list := slices.Clone(terminal)
	for _, more := range []os.Signal{syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(more) {
			list = append(list, more)
		}
	}
	return list
}

func ownSignals(out io.Writer) *signals {
	s := &signals{owned: endings(), arrivals: make(chan os.Signal, 2), pipes: make(chan os.Signal, 1), released: make(chan struct{}), out: out}
	signal.Notify(s.arrivals, s.owned...)
	// A reader of standard output that went away is an error of writing, and no reason to
	// end before the reports. Ignored, the signal would be ignored by the target too.
	signal.Notify(s.pipes, syscall.SIGPIPE)
	go s.watch()
	return s
}

// first says what the first signal does.
func (s *signals) first(cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = cancel
	if s.seen > 0 {
		cancel()
	}
}

// release gives the signals back to their default.
func (s *signals) release() {
	signal.Stop(s.arrivals)
	signal.Stop(s.pipes)
	signal.Reset(append(s.owned, syscall.SIGPIPE)...)
	close(s.released)
}

// sameWish is how soon behind the first signal another is no second wish: timeout(1) and
// shells send one to the process, and one to its group.
const sameWish = time.Second

func (s *signals) watch() {
	var first time.Time
	for {
		select {
		case <-s.released:
			return
		case <-s.arrivals:
		}
		s.mu.Lock()
		s.seen++
		seen, cancel := s.seen, s.cancel
		s.mu.Unlock()
		if seen > 1 && time.Since(first) < sameWish {
			continue
		}
		if seen > 1 {
			os.Exit(report.ExitUndecided)
		}
		first = time.Now()
		fmt.Fprintln(s.out, "\nreactorspec: interrupted: stopping the target and writing the reports (again to quit at once)")
		if cancel != nil {
			cancel()
		}
	}
}
