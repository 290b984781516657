// Command mutate says how much of the reference its judges would miss: gremlins
// (github.com/go-gremlins/gremlins, pinned in .ci/mutate) lists the mutants, and
// each is judged by the suites, as a server from outside, and where they find
// nothing by the unit tests.
//
// A run judges the next -n mutants of a list shuffled by -seed and adds them to
// results.json, so that the whole product can be had in slices; it writes
// RESULTS.md from all of them. reasons.txt tells why a survivor is let live.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites/proof"
)

// Results is what results.json holds.
type Results struct {
	Seed   uint64   `json:"seed"`
	Listed int      `json:"listed"` // mutants that gremlins found in the tree of the last run
	Rows   []Judged `json:"rows"`
}

// Judged is one mutant and what killed it.
type Judged struct {
	Mutant
	Date   string  `json:"date"`
	Commit string  `json:"commit"`
	Suites string  `json:"suites"`         // the clause and the outcome; "": found nothing
	Units  string  `json:"units,omitzero"` // the test, or Test.* when no test could be named; "": found nothing, or was not asked
	Viable bool    `json:"viable"`         // it compiles
	Took   float64 `json:"seconds"`
}

func main() {
	n := flag.Int("n", 60, "mutants to judge in this run; 0 writes RESULTS.md anew")
	seed := flag.Uint64("seed", 1, "shuffles the list")
	beside := flag.Int("beside", 2, "mutants that are judged at the same time")
	reach := flag.String("reach", "", "what the judges run, of an earlier run on the same tree; found anew, and kept there, when the file is not there")
	list := flag.String("list", "", "a list of mutants by gremlins, instead of a new one")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := mutate(ctx, *n, *beside, *seed, *list, *reach); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func mutate(ctx context.Context, n, beside int, seed uint64, list, reach string) error {
	root, err := proof.Root()
	if err != nil {
		return err
	}
	home := filepath.Join(root, "suites", "proof", "mutate")
	results, err := load(home)
	if err != nil {
		return err
	}
	if n > 0 {
		dir, err := os.MkdirTemp("", "mutate")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		mutants, err := listed(ctx, root, dir, list)
		if err != nil {
			return err
		}
		results.Seed, results.Listed = seed, len(mutants)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
		met, err := reached(ctx, root, dir, reach, beside)
		if err != nil {
			return err
		}
		if err := judgeNext(ctx, root, dir, mutants, n, beside, met, &results); err != nil {
			return err
		}
	}
	return writePage(home, results)
}

// judgeNext judges the first n mutants of the list that have no row, some beside
// each other, and stores the rows as they come.
func judgeNext(ctx context.Context, root, dir string, mutants []Mutant, n, beside int, reach *Reach, results *Results) error {
	known := map[Mutant]bool{}
	for _, row := range results.Rows {
		known[row.place()] = true
	}
	mutants = slices.DeleteFunc(mutants, func(m Mutant) bool { return known[m.place()] })
	next := make(chan Mutant)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var judges sync.WaitGroup
	commit := proof.Commit(root)
	for i := range beside {
		judges.Go(func() {
			for m := range next {
				started := time.Now()
				row, err := judge(ctx, root, filepath.Join(dir, strconv.Itoa(i)), m, reach)
				if ctx.Err() != nil {
					continue // a verdict that was cut short is none
				}
				mu.Lock()
				if err == nil {
					row.Date, row.Commit, row.Took = started.UTC().Format(time.DateOnly), commit, time.Since(started).Round(time.Millisecond).Seconds()
					results.Rows = append(results.Rows, row)
					fmt.Println(row)
					err = store(filepath.Join(root, "suites", "proof", "mutate"), *results)
				}
				mu.Unlock()
				if err != nil {
					cancel(fmt.Errorf("%s:%d:%d %s: %w", m.File, m.Line, m.Column, m.Type, err))
				}
			}
		})
	}
	for _, m := range mutants[:min(n, len(mutants))] {
		select {
		case next <- m:
		case <-ctx.Done():
		}
	}
	close(next)
	judges.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// String is the row's line of progress.
func (j Judged) String() string {
	fate := "LIVES"
	switch {
	case !j.Viable:
		fate = "does not compile"
	case j.Suites != "":
		fate = "killed by the suites: " + j.Suites
	case j.Units != "":
		fate = "killed by the units: " + j.Units
	}
	return fmt.Sprintf("%s:%d:%d %s  %s (%.0f s)", j.File, j.Line, j.Column, j.Type, fate, j.Took)
}

func load(home string) (Results, error) {
	var results Results
	text, err := os.ReadFile(filepath.Join(home, "results.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return results, nil
	}
	if err != nil {
		return results, err
	}
	if err := json.Unmarshal(text, &results); err != nil {
		return results, fmt.Errorf("results.json: %w: remove it to begin anew", err)
	}
	return results, nil
}

func store(home string, results Results) error {
	text, err := json.MarshalIndent(results, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(home, "results.json"), append(text, '\n'), 0o644)
}
