package judging

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/onsi/gomega"

	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// TestNoInstanceCanBeStarted: a program that is gone stops the shared instance from
// being started again, while clauses on instances of their own fail to start too.
func TestNoInstanceCanBeStarted(t *testing.T) {
	on := tiny.Target(t, "good")
	program := filepath.Join(t.TempDir(), "server")
	if err := os.Symlink(on.File.Start[0], program); err != nil {
		t.Fatal(err)
	}
	on.File.Start = target.Command{program, "{port}"}
	o := Options{Budget: &brisk, Checks: []session.Check{
		{Clause: "CONN-1", Run: func(s *session.Session) {
			_ = os.Remove(program)
			s.Expect(s.Target.Signal(syscall.SIGKILL)).To(gomega.Succeed())
			exchange(s)
		}},
		{Clause: "CONN-2", Run: exchange}, {Clause: "CONN-3", Own: true, Run: exchange}, {Clause: "CONN-5", Study: true, Run: exchange}, {Clause: "CONN-6", Run: exchange},
	}}
	for _, check := range o.Checks {
		o.Clauses = append(o.Clauses, check.Clause)
	}
	r, err := OnTarget(t.Context(), on, o)
	if err != nil {
		t.Fatal(err)
	}
	r.Judge("CONN-1")
	var beside sync.WaitGroup
	for _, id := range o.Clauses[1:] {
		beside.Go(func() { r.Judge(id) })
	}
	beside.Wait()
	run := r.Finish()
	for id, got := range outcomes(run) {
		switch own := id == "CONN-3" || id == "CONN-5"; {
		case id == "CONN-1" && got == report.Fail, got == report.Untested && id != "CONN-1":
		case got == report.Error && own: // nobody had found out yet that the target is gone
		default:
			t.Errorf("%s: %s (%s)", id, got, reason(run, id))
		}
	}
}

// TestInterruptedWhileGreeting: clauses that are asked for once the run is to end,
// while another still has the first words with the target, are untested. Each
// round gives the race detector a chance: the moment is short.
func TestInterruptedWhileGreeting(t *testing.T) {
	on := tiny.Target(t, "yes-man") // that nobody believes it is noted before what HELLO says is taken over
	on.File.Class = ""
	var end context.CancelFunc
	o := Options{Budget: &brisk, Progress: func(p Progress) {
		if p.Note != "" {
			end()
		}
	}}
	for n := 1; n <= 20; n++ {
		o.Clauses = append(o.Clauses, fmt.Sprintf("CONN-%d", n))
	}
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := OnTarget(ctx, on, o)
		if err != nil {
			t.Fatal(err)
		}
		end = cancel
		var both sync.WaitGroup
		both.Go(func() { r.Judge(o.Clauses[0]) })
		both.Go(func() {
			for ctx.Err() == nil { // without a wait, to be there in time
			}
			for _, id := range o.Clauses[1:] {
				r.Judge(id)
			}
		})
		both.Wait()
		for id, outcome := range outcomes(r.Finish()) {
			if outcome != report.Untested {
				t.Errorf("%s: %s", id, outcome)
			}
		}
	}
}
