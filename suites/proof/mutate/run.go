package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// run judges mutants, some beside each other, and stores the rows as they come.
type run struct {
	root, dir, home string
	reach           *Reach
	commit          string
	mu              sync.Mutex
	results         *Results
}

// unjudged are the mutants that have no row.
func (r *run) unjudged(mutants []Mutant) []Mutant {
	known := map[Mutant]bool{}
	for _, row := range r.results.Rows {
		known[row.place()] = true
	}
	return slices.DeleteFunc(mutants, func(m Mutant) bool { return known[m.place()] })
}

// unexplained are the mutants that lived without a reason.
func (r *run) unexplained(mutants []Mutant) ([]Mutant, error) {
	reasons, err := readReasons(filepath.Join(r.home, "reasons.txt"))
	if err != nil {
		return nil, err
	}
	open := map[Mutant]bool{}
	for _, row := range r.results.Rows {
		open[row.place()] = row.lives() && reasons[key(row.Mutant)] == ""
	}
	return slices.DeleteFunc(mutants, func(m Mutant) bool { return !open[m.place()] }), nil
}

// killedBy are the mutants whose row names that judge.
func (r *run) killedBy(mutants []Mutant, by judge) []Mutant {
	open := map[Mutant]bool{}
	for _, row := range r.results.Rows {
		open[row.place()] = row.By == by
	}
	return slices.DeleteFunc(mutants, func(m Mutant) bool { return !open[m.place()] })
}

// row is the row of a mutant that has one.
func (r *run) row(m Mutant) Judged {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.results.Rows, func(old Judged) bool { return old.place() == m.place() })
	return r.results.Rows[i]
}

// all judges the first of the mutants, as many as the order says.
func (r *run) all(ctx context.Context, mutants []Mutant, o order) error {
	ask := r.judge
	if o.doors {
		ask = r.judgeByDoors
	}
	var jobs []job
	for _, m := range mutants[:min(o.n, len(mutants))] {
		jobs = append(jobs, func(ctx context.Context, worker int) error {
			started := time.Now()
			row, err := ask(ctx, filepath.Join(r.dir, strconv.Itoa(worker)), m)
			if ctx.Err() != nil {
				return nil // a verdict that was cut short is none
			}
			if err != nil { // it has no row, and is tried again by the next run
				fmt.Fprintf(os.Stderr, "mutate: %s:%d:%d %s is not judged: %v\n", m.File, m.Line, m.Column, m.Type, err)
				return nil
			}
			row.Date, row.Commit, row.Took = started.UTC().Format(time.DateOnly), r.commit, time.Since(started).Round(time.Millisecond).Seconds()
			return r.keep(row)
		})
	}
	if err := beside(ctx, o.beside, jobs); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil // what was judged is kept, and the page is of that
}

// keep stores the row, in place of the mutant's earlier one.
func (r *run) keep(row Judged) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Println(row)
	rows := &r.results.Rows
	if i := slices.IndexFunc(*rows, func(old Judged) bool { return old.place() == row.place() }); i >= 0 {
		(*rows)[i] = row
	} else {
		*rows = append(*rows, row)
	}
	return store(r.home, *r.results)
}

// keepOnly drops the rows of code that has changed, and brings the lines of the
// others up to date.
func (r *Results) keepOnly(mutants []Mutant) {
	now := map[Mutant]Mutant{}
	for _, m := range mutants {
		now[m.place()] = m
	}
	r.Rows = slices.DeleteFunc(r.Rows, func(row Judged) bool { return now[row.place()].File == "" })
	for i := range r.Rows {
		r.Rows[i].Mutant = now[r.Rows[i].place()]
	}
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
