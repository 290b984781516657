package cli

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/reactorspec/reactorspec/suites/report"
)

// signals is the one owner of SIGINT and SIGTERM while a target is judged: the
// first ends the run early, with reports; the second ends the process at once,
// and the target with it (its parent's death is its own).
type signals struct {
	arrivals chan os.Signal
	released chan struct{}
	out      io.Writer

	mu     sync.Mutex
	cancel func()
	seen   int
}

// terminal are the signals that end a run.
var terminal = []os.Signal{os.Interrupt, syscall.SIGTERM}

func ownSignals(out io.Writer) *signals {
	s := &signals{arrivals: make(chan os.Signal, 2), released: make(chan struct{}), out: out}
	signal.Notify(s.arrivals, terminal...)
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
	signal.Reset(terminal...)
	close(s.released)
}

func (s *signals) watch() {
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
		if seen > 1 {
			os.Exit(report.ExitUndecided)
		}
		fmt.Fprintln(s.out, "\nreactorspec: interrupted: stopping the target and writing the reports (again to quit at once)")
		if cancel != nil {
			cancel()
		}
	}
}
