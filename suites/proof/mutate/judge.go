package main

import (
	"context"
	"errors"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"time"

	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/proof"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// ways are the configurations that run a file's code, where serve's own do not.
var ways = map[string][][]string{
	"class_thread.go":  {{"--class", "thread-per-connection"}, {"--class", "iterative"}},
	"class_reactor.go": {{}, {"--class", "reactor"}},
	"acceptor.go":      {{}, {"--class", "reactor"}},
	"waker.go":         {{}, {"--wakeup", "pipe"}, {"--wakeup", "socketpair"}},
	"wake.go":          {{}, {"--wakeup", "pipe"}, {"--wakeup", "socketpair"}},
	"blocking.go":      {{"--class", "thread-per-connection"}},
	"epoll.go":         {{}, {"--poller", "epollet"}},
	"pollset.go":       {{"--poller", "poll"}},
	"selectset.go":     {{"--poller", "select"}},
	"balance.go":       {{}, {"--balance", "least-connections"}, {"--balance", "source-hash"}},
}

// slow bounds one run of the suites: a mutant that makes every clause late is
// killed by its first.
const slow = 3 * time.Minute

// judge builds the mutant and asks its judges.
func judge(ctx context.Context, root, dir string, m Mutant) (Judged, error) {
	row := Judged{Mutant: m}
	text, err := m.mutated(root)
	if err != nil {
		return row, err
	}
	overlay, err := proof.Overlay(root, dir, "mutant", map[string][]byte{m.File: text})
	if err != nil {
		return row, err
	}
	binary := filepath.Join(dir, "mutant.server")
	if err := command(ctx, root, "go", "build", "-overlay", overlay, "-o", binary, proof.Standalone).Run(); err != nil {
		return row, nil
	}
	row.Viable = true
	for _, args := range waysOf(m) {
		if row.Suites, err = bySuites(ctx, append([]string{binary, "--listen", "127.0.0.1:{port}"}, args...)); err != nil || row.Suites != "" {
			return row, err
		}
	}
	row.Units = byUnits(ctx, root, overlay)
	return row, nil
}

func waysOf(m Mutant) [][]string {
	if args, ok := ways[path.Base(m.File)]; ok {
		return args
	}
	return [][]string{{}}
}

// bySuites names the first clause that the mutant breaks, or says how it does
// not start.
func bySuites(ctx context.Context, start []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, slow)
	defer cancel()
	killer := ""
	t := target.Target{File: target.File{Name: "mutant", Dialect: "probe", Start: start}}
	run, err := suites.Check(ctx, t, func(o *suites.Options) {
		o.Progress = func(p suites.Progress) {
			if p.Result != nil && killer == "" && (p.Result.Outcome == report.Fail || p.Result.Outcome == report.Warn) {
				killer = p.Result.Clause + " " + string(p.Result.Outcome)
				cancel()
			}
		}
	})
	switch {
	case err != nil:
		return "", err
	case killer == "" && run.Problem != nil && run.Problem.Kind == report.Start:
		return "start: " + run.Problem.Message, nil
	case killer == "" && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "the run was not over in time", nil
	}
	return killer, nil
}

var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// byUnits names the first unit test of the reference that fails.
func byUnits(ctx context.Context, root, overlay string) string {
	out, err := command(ctx, root, "go", "test", "-overlay", overlay, "-vet=off", "-failfast", "-timeout", "180s",
		"./reference", "./reference/internal/...").CombinedOutput()
	switch found := failed.FindSubmatch(out); {
	case err == nil:
		return ""
	case found != nil:
		return string(found[1])
	default:
		return "a panic or the time limit"
	}
}

// command runs in the root, and ends with its children when ctx does.
func command(ctx context.Context, root string, words ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.WaitDelay = root, 5*time.Second
	return cmd
}
