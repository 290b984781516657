// Command mutate measures how many small edits (mutants) of the reference its judges
// would miss. gremlins (github.com/go-gremlins/gremlins, pinned in .ci/mutate) lists
// the mutants. The suites judge each as a server, from outside; if they find nothing,
// the in-process doors judge it, and after them the unit tests. Only those clauses, doors
// and tests are used that run the mutated line when the unchanged reference is judged:
// the others cannot see a difference.
//
// A run judges the next -n mutants of a list shuffled by -seed and adds them to
// results.json, so the whole list can be judged in slices. It writes
// RESULTS.md and WANTED.md from all of them. reasons.txt says why a survivor may
// live. A mutant that unit tests alone killed stands in a group of private.txt, with the
// reason why no promise forbids it, or in one of wanted.txt, with the check that it wants.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

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
	By     judge   `json:"by,omitzero"`     // who killed it; "": nobody
	Killer string  `json:"killer,omitzero"` // the clause and the outcome, or the test; Test.* when none could be named
	Doors  bool    `json:"doors,omitzero"`  // the in-process doors have had their say
	Viable bool    `json:"viable"`          // it compiles
	Took   float64 `json:"seconds"`
}

// judge is who judges a mutant. Each is asked where the one before it found nothing.
type judge string

const (
	bySocket judge = "socket" // the suites, over a socket and through /proc
	byInproc judge = "inproc" // the suites, through their in-process doors
	byUnit   judge = "unit"   // the unit tests of the reference
)

// order is what one call of the command is to do.
type order struct {
	n, beside   int
	seed        uint64
	list, reach string
	again       judge
	wanting     string
	doors       bool
}

func main() {
	var o order
	flag.IntVar(&o.n, "n", 60, "mutants to judge in this run; 0 writes the pages anew")
	flag.Uint64Var(&o.seed, "seed", 1, "shuffles the list")
	flag.IntVar(&o.beside, "beside", 2, "mutants that are judged at the same time")
	flag.StringVar(&o.list, "list", "", "a list of mutants by gremlins, instead of a new one")
	flag.StringVar(&o.reach, "reach", "", "what the judges run, of an earlier run on the same tree; found anew, and kept there, when the file is not there")
	flag.Func("again", "judge those again, and no others, that `judge` killed: unit, the unit tests alone; or nobody, without a reason in reasons.txt", func(s string) error {
		if o.again = judge(s); o.again != nobody && o.again != byUnit {
			return fmt.Errorf("want %s or %s", byUnit, nobody)
		}
		return nil
	})
	flag.StringVar(&o.wanting, "wanting", "", "with -again unit: only the groups of wanted.txt whose check has these `words`")
	flag.BoolVar(&o.doors, "doors", false, "with -again: ask the in-process doors alone, where they were not asked yet; whom they do not kill keeps its judge")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := o.fill(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// fill judges mutants and writes the pages.
func (o order) fill(ctx context.Context) error {
	if o.n < 0 || o.beside < 1 {
		return fmt.Errorf("-n %d -beside %d: want 0 or more, and 1 or more", o.n, o.beside)
	}
	if o.doors && o.again == "" {
		return fmt.Errorf("-doors is about mutants that have a row: say which with -again")
	}
	if o.wanting != "" && o.again != byUnit {
		return fmt.Errorf("-wanting is about mutants that unit tests alone killed: it needs -again %s", byUnit)
	}
	root, err := proof.Root()
	if err != nil {
		return err
	}
	home := filepath.Join(root, "suites", "proof", "mutate")
	results, err := load(home)
	if err != nil {
		return err
	}
	if o.n > 0 {
		if err := o.judge(ctx, root, home, &results); err != nil {
			return err
		}
	}
	return writePages(home, results)
}

func (o order) judge(ctx context.Context, root, home string, results *Results) error {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	mutants, err := listed(ctx, root, dir, o.list)
	if err != nil {
		return err
	}
	results.Seed, results.Listed = o.seed, len(mutants)
	results.keepOnly(mutants)
	if err := store(home, *results); err != nil {
		return err
	}
	rand.New(rand.NewPCG(o.seed, 0)).Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
	r := run{root: root, dir: dir, home: home, commit: proof.Commit(root), results: results}
	switch o.again {
	case "":
		mutants = r.unjudged(mutants)
	case nobody:
		mutants, err = r.unexplained(mutants)
	default:
		mutants = r.killedBy(mutants, o.again)
	}
	if o.wanting != "" && err == nil {
		if mutants, err = wanting(home, mutants, o.wanting); err == nil && len(mutants) == 0 {
			err = fmt.Errorf("no group of wanted.txt that has open mutants says %q in its check", o.wanting)
		}
	}
	if o.doors {
		mutants = slices.DeleteFunc(mutants, func(m Mutant) bool { return r.row(m).Doors })
	}
	if err != nil || len(mutants) == 0 {
		return err
	}
	if r.reach, err = reached(ctx, root, dir, o.reach, o.beside); err != nil {
		return err
	}
	return r.all(ctx, mutants, o)
}

// lives says that no judge killed it.
func (j Judged) lives() bool { return j.Viable && j.By == "" }

// nobody is who killed the mutants that live, to -again.
const nobody judge = "nobody"

// String is the row's line of progress.
func (j Judged) String() string {
	fate := "LIVES"
	switch {
	case !j.Viable:
		fate = "does not compile"
	case j.By != "":
		fate = fmt.Sprintf("killed by %s: %s", j.By, j.Killer)
	}
	return fmt.Sprintf("%s:%d:%d %s  %s (%.0f s)", j.File, j.Line, j.Column, j.Type, fate, j.Took)
}
