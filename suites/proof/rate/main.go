// Command rate measures how often a stochastic check finds its fault: it judges
// the fault by that one clause, many times, each with a seed of its own, and
// prints and stores in how many of the runs the clause was called broken.
//
//	go run ./suites/proof/rate [-n 100] [-search] [CLAUSE…]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/clauses"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/proof"
	"github.com/reactorspec/reactorspec/suites/session"
)

func main() {
	n := flag.Int("n", 100, "runs of each")
	search := flag.Bool("search", false, "measure the clauses about whatever clients do by their random search alone, without the kept transcripts")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := measure(ctx, *n, *search, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "rate:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, n int, search bool, only []string) error {
	root, err := proof.Root()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	results := filepath.Join(root, "suites", "proof", "rate", "RESULTS.txt")
	kept, err := os.ReadFile(results)
	if err != nil {
		return err
	}
	if search { // where the sequences go that it finds
		if err := os.Setenv("TMPDIR", dir); err != nil {
			return err
		}
	}
	lines := strings.Split(strings.TrimSpace(string(kept)), "\n")
	for _, s := range proof.Stochastic {
		searched := slices.ContainsFunc(clauses.Searching(), func(c session.Check) bool { return c.Clause == s.Clause })
		if len(only) > 0 && !slices.Contains(only, s.Clause) || search && !searched {
			continue
		}
		started := time.Now()
		found, err := runs(ctx, root, dir, s, n, search)
		if err == nil {
			err = ctx.Err() // a rate of runs that were cut short is none
		}
		if err != nil {
			return err
		}
		name := s.Clause
		if search {
			name += "-search"
		}
		line := fmt.Sprintf("%-9s %3d of %d  %s  (%s at %s, %.0f s)", name, found, n, s.Fault,
			started.UTC().Format(time.DateOnly), proof.Commit(root), time.Since(started).Seconds())
		fmt.Println(line)
		lines = slices.DeleteFunc(lines, func(old string) bool { return strings.HasPrefix(old, name+" ") })
		lines = append(lines, line)
		if err := os.WriteFile(results, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// atOnce runs are judged beside each other: such a check waits more than it
// works. A search has a time, and the processors to itself.
const atOnce = 4

// runs counts how many of n runs call the clause broken.
func runs(ctx context.Context, root, dir string, s proof.Chance, n int, search bool) (int, error) {
	beside, by := atOnce, suites.Option(func(*judging.Options) {})
	if search {
		beside, by = 1, func(o *judging.Options) { o.Checks = clauses.Searching() }
	}
	fault, err := s.Row()
	if err != nil {
		return 0, err
	}
	command, err := fault.Build(ctx, root, dir)
	if err != nil {
		return 0, err
	}
	var mu sync.Mutex
	var failed error
	found := 0
	var workers sync.WaitGroup
	for w := range beside {
		workers.Go(func() {
			for i := w; i < n; i += beside {
				finding, err := fault.Judge(ctx, command, []string{s.Clause}, suites.Seed(uint64(i+1)), by)
				mu.Lock()
				if err != nil {
					failed = err
				}
				if slices.Contains(finding.Broken, s.Clause) {
					found++
				}
				stop := failed != nil
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	workers.Wait()
	return found, failed
}
