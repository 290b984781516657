package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/clauses"
	"github.com/reactorspec/reactorspec/suites/proof"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// slow bounds one run of the suites on a mutant. A sound server needs some 20 s
// beside a second judge; a mutant that makes every clause late is killed by its first.
const slow = 2 * time.Minute

// memory bounds the address space of a mutant, in KiB: a loop that runs the
// wrong way may ask for all there is. A thread for each of 1,200 connections
// takes 8 MiB of it.
const memory = "14000000"

// judge builds the mutant below dir and asks those of its judges that meet it.
func (r *run) judge(ctx context.Context, dir string, m Mutant) (Judged, error) {
	row := Judged{Mutant: m}
	overlay, err := r.overlay(dir, m)
	if err != nil {
		return row, err
	}
	binary := filepath.Join(dir, "mutant.server")
	if err := command(ctx, r.root, "go", "build", "-overlay", overlay, "-o", binary, proof.Standalone).Run(); err != nil {
		return row, ctx.Err()
	}
	row.Viable = true
	meets := r.reach.at(m)
	for _, args := range waysOf(m, r.reach, meets) {
		killer, err := bySuites(ctx, bounded(started(binary, args)...), r.reach.asked(meets, args))
		if row.killed(bySocket, killer) || err != nil {
			return row, err
		}
	}
	killer, err := throughDoors(ctx, r.root, overlay, dir, r.reach, meets)
	if row.Doors = err == nil; row.killed(byInproc, killer) || err != nil {
		return row, err
	}
	killer, err = byUnits(ctx, r.root, overlay, dir, r.reach, meets)
	row.killed(byUnit, killer)
	return row, err
}

// judgeByDoors asks the in-process doors alone. Where they find nothing, what is known
// of the mutant stands.
func (r *run) judgeByDoors(ctx context.Context, dir string, m Mutant) (Judged, error) {
	row := r.row(m)
	overlay, err := r.overlay(dir, m)
	if err != nil {
		return row, err
	}
	killer, err := throughDoors(ctx, r.root, overlay, dir, r.reach, r.reach.at(m))
	row.Doors = err == nil
	row.killed(byInproc, killer)
	return row, err
}

// killed notes who killed it, if there is a killer, and reports whether there is.
func (j *Judged) killed(by judge, killer string) bool {
	if killer != "" {
		j.By, j.Killer = by, killer
	}
	return killer != ""
}

// overlay is what builds the mutant in place of the reference.
func (r *run) overlay(dir string, m Mutant) (string, error) {
	text, err := m.mutated(r.root)
	if err != nil {
		return "", err
	}
	return proof.Overlay(r.root, dir, "mutant", map[string][]byte{m.File: text})
}

// asked are the clauses that meet a place, with those that are not judged in serve's own
// configuration, and may meet it in this one. A place that none is known to meet there is
// met in another by clauses that no trace tells apart: all are asked.
func (r *Reach) asked(meets func([]int) bool, args []string) [2][]string {
	stages := inStages()
	met := func(id string) bool { return len(r.Clauses[id]) > 0 && meets(r.Clauses[id]) }
	if slices.ContainsFunc(slices.Concat(stages[:]...), met) {
		for i := range stages {
			stages[i] = slices.DeleteFunc(stages[i], func(id string) bool { return !meets(r.Clauses[id]) })
		}
	}
	unfit := r.Unfit[strings.Join(args, " ")]
	for i := range stages {
		stages[i] = slices.DeleteFunc(stages[i], func(id string) bool { return slices.Contains(unfit, id) })
	}
	return stages
}

// started is the command of a server by itself.
func started(binary string, args []string) []string {
	if slices.Contains(args, "--listen") {
		return append([]string{binary}, args...)
	}
	return append([]string{binary, "--listen", "127.0.0.1:{port}"}, args...)
}

// bounded is the command under the limit of memory.
func bounded(words ...string) []string {
	return append([]string{"/bin/sh", "-c", "ulimit -v " + memory + ` && exec "$@"`, "mutant"}, words...)
}

// bySuites names the first clause that the mutant breaks, or says how it does
// not start. The clauses that are judged quickly have their say first. A clause
// counts that breaks again when it is judged by itself: a mutant lives rather
// than that noise kills it.
func bySuites(ctx context.Context, start []string, stages [2][]string) (string, error) {
	for _, ids := range stages {
		for len(ids) > 0 {
			clause, killer, err := firstBroken(ctx, start, ids)
			if clause == "" || err != nil {
				if killer != "" || err != nil {
					return killer, err
				}
				break
			}
			_, again, err := firstBroken(ctx, start, []string{clause})
			if again != "" || err != nil {
				return again, err
			}
			ids = slices.DeleteFunc(ids, func(id string) bool { return id == clause })
		}
	}
	return "", nil
}

// inStages are the clauses whose checks neither wait nor need an instance of
// their own, and the others.
func inStages() [2][]string {
	var stages [2][]string
	for _, check := range clauses.All() {
		i := 0
		if check.Study || check.Own || check.Long {
			i = 1
		}
		stages[i] = append(stages[i], check.Clause)
	}
	return stages
}

// firstBroken judges until a clause is broken. Without a clause, killer says
// what else ended the run: no start, or no end in time.
func firstBroken(ctx context.Context, start, ids []string) (clause, killer string, err error) {
	run, cancel := context.WithTimeout(ctx, slow)
	defer cancel()
	result, err := suites.Check(run, asTarget(start), suites.Clauses(ids...), suites.NoAdvice(), suites.Watch(func(p suites.Progress) {
		if p.Result != nil && clause == "" && breaks(*p.Result) {
			clause, killer = p.Result.Clause, p.Result.Clause+" "+string(p.Result.Outcome)
			cancel()
		}
	}))
	switch {
	case ctx.Err() != nil:
		return "", "", ctx.Err()
	case clause != "":
		return clause, killer, nil
	case result.Problem != nil && result.Problem.Kind == report.Start:
		return "", "start: " + result.Problem.Message, nil
	case errors.Is(run.Err(), context.DeadlineExceeded):
		return "", timedOut, nil
	}
	return "", "", err
}

func breaks(r report.Result) bool { return r.Outcome == report.Fail || r.Outcome == report.Warn }

// asTarget is a server of the reference as the suites start it.
func asTarget(start []string) target.Target {
	return target.Target{File: target.File{Name: "mutant", Dialect: "probe", Start: start}}
}

// timedOut is a kill of its own kind: nothing was broken, and no end was in sight.
const timedOut = "the run was not over in time"

// command runs in the folder, and ends with its children when ctx does.
func command(ctx context.Context, folder string, words ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.WaitDelay = folder, 5*time.Second
	return cmd
}
