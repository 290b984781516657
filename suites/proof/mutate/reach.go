package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/tools/cover"

	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/clauses"
	"github.com/reactorspec/reactorspec/suites/proof"
	"github.com/reactorspec/reactorspec/suites/report"
)

// Reach is which code of the reference each part of the judges runs, so that a
// mutant is shown to those alone that can meet it. Code that no part is known to
// run or to leave out, as an initialiser of a package, is shown to all.
type Reach struct {
	Blocks  []Block          `json:"blocks"`
	Clauses map[string][]int `json:"clauses"` // the blocks a clause runs, in serve's own configuration; none if it is not judged there
	Ways    map[string][]int `json:"ways"`    // the blocks all clauses run, by the flags of a configuration
	// Unfit are the clauses, by the flags of a configuration, that the sound
	// reference itself breaks there, be it by what bounds it here: of a mutant they say nothing.
	Unfit map[string][]string `json:"unfit"`
	Tests []Test              `json:"tests"`
	Doors []Test              `json:"doors"` // the in-process doors of the suites
}

// Block is a piece of a file that runs as one: lines and columns from 1, its end excluded.
type Block struct {
	File string `json:"file"`
	From [2]int `json:"from"`
	To   [2]int `json:"to"`
}

// Test is a unit test of the reference, or an in-process door.
type Test struct {
	Package string  `json:"package"`
	Name    string  `json:"name"`
	Blocks  []int   `json:"blocks"`
	Seconds float64 `json:"seconds"`
}

// at are the blocks that hold the mutant's place, as a test of a set of blocks.
// An empty set is of a part whose run left no trace: it may meet any place.
func (r *Reach) at(m Mutant) func(blocks []int) bool {
	place := [2]int{m.Line, m.Column}
	var holding []int
	for i, b := range r.Blocks {
		if b.File == m.File && slices.Compare(b.From[:], place[:]) <= 0 && slices.Compare(place[:], b.To[:]) < 0 {
			holding = append(holding, i)
		}
	}
	return func(blocks []int) bool {
		if len(holding) == 0 || len(blocks) == 0 {
			return true
		}
		return slices.ContainsFunc(holding, func(i int) bool { _, found := slices.BinarySearch(blocks, i); return found })
	}
}

// reached finds the reach, or reads it from the file of an earlier run.
func reached(ctx context.Context, root, dir, file string, workers int) (*Reach, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err == nil {
			r := new(Reach)
			if err := json.Unmarshal(text, r); err != nil {
				return nil, fmt.Errorf("%s: %w: remove it to begin anew", file, err)
			}
			if len(r.Doors) == 0 {
				return nil, fmt.Errorf("%s knows of no in-process doors: remove it to begin anew", file)
			}
			return r, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	trace := &tracing{root: root, dir: dir, known: map[Block]int{}, Reach: Reach{Clauses: map[string][]int{}, Ways: map[string][]int{}, Unfit: map[string][]string{}}}
	if err := trace.all(ctx, workers); err != nil {
		return nil, err
	}
	if file != "" {
		text, err := json.Marshal(trace.Reach)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
			return nil, err
		}
	}
	return &trace.Reach, nil
}

// tracing finds a reach.
type tracing struct {
	root, dir string
	tree      string // a copy of what the reference is built from
	mu        sync.Mutex
	known     map[Block]int
	Reach
}

// tracePeriod is how often a process that is traced writes its counters.
const tracePeriod = 20 * time.Millisecond

// writer is added to a copy of the reference, for the coverage tool takes no
// overlay. A target is ended by SIGKILL, so a process that is traced writes its
// counters again and again.
const writer = `package reference

import (
	"os"
	"path/filepath"
	"runtime/coverage"
	"slices"
	"strings"
	"time"
)

func init() {
	dir := os.Getenv("GOCOVERDIR")
	if dir == "" || slices.ContainsFunc(os.Args, func(arg string) bool { return strings.HasPrefix(arg, "-test.") }) {
		return
	}
	own, err := os.MkdirTemp(dir, "process")
	if err != nil {
		return
	}
	go func() {
		for coverage.WriteMetaDir(own) != nil {
			time.Sleep(time.Millisecond) // not before all packages are initialised
		}
		for {
			before, _ := filepath.Glob(filepath.Join(own, "covcounters.*"))
			if coverage.WriteCountersDir(own) == nil {
				for _, name := range before {
					os.Remove(name)
				}
			}
			time.Sleep(PERIOD)
		}
	}()
}
`

// all runs every clause and every test by itself, and the other configurations.
func (t *tracing) all(ctx context.Context, workers int) error {
	t.tree = filepath.Join(t.dir, "trace")
	for _, name := range []string{"reference", "spec"} {
		if err := os.CopyFS(filepath.Join(t.tree, name), os.DirFS(filepath.Join(t.root, name))); err != nil {
			return err
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(t.root, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(t.tree, name), text, 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(t.tree, "reference", "trace.go"), []byte(strings.ReplaceAll(writer, "PERIOD", fmt.Sprint(int64(tracePeriod)))), 0o644); err != nil {
		return err
	}
	server := filepath.Join(t.dir, "trace.server")
	if err := t.build(ctx, server, proof.Standalone, append([]string{"build"}, covered...)); err != nil {
		return err
	}
	plain := filepath.Join(t.dir, "plain.server")
	if err := t.build(ctx, plain, proof.Standalone, []string{"build"}); err != nil {
		return err
	}
	var jobs []job
	for _, args := range allWays() {
		jobs = append(jobs, func(ctx context.Context, _ int) error { return t.way(ctx, server, plain, args) })
	}
	for _, check := range clauses.All() {
		jobs = append(jobs, func(ctx context.Context, _ int) error { return t.clause(ctx, server, check.Clause) })
	}
	for i, p := range packages {
		binary := filepath.Join(t.dir, fmt.Sprintf("trace%d.test", i))
		if err := t.build(ctx, binary, p, append([]string{"test", "-c"}, covered...)); err != nil {
			return err
		}
		list := command(ctx, filepath.Join(t.tree, p), binary, "-test.list", ".")
		names, err := list.Output()
		if err != nil {
			return fmt.Errorf("%s -test.list: %w", binary, err)
		}
		for _, name := range regexp.MustCompile(`(?m)^(Test|Fuzz|Example)\w*$`).FindAllString(string(names), -1) {
			jobs = append(jobs, func(ctx context.Context, _ int) error { return t.test(ctx, binary, t.tree, p, name, &t.Tests) })
		}
	}
	binary := filepath.Join(t.dir, "trace.doors")
	if err := t.buildIn(ctx, t.root, binary, doorsPackage, append([]string{"test", "-c"}, covered...)); err != nil {
		return err // in the tree itself: it needs all of it, and a test writes its counters at its end
	}
	for _, name := range doors {
		jobs = append(jobs, func(ctx context.Context, _ int) error {
			return t.test(ctx, binary, t.root, doorsPackage, name, &t.Doors)
		})
	}
	return beside(ctx, workers, jobs)
}

// covered are the flags of a build whose run leaves a trace.
var covered = []string{"-cover", "-covermode=atomic", "-coverpkg=./reference/..."}

// build has the go command build what of the copy, with the verb and flags.
func (t *tracing) build(ctx context.Context, binary, what string, verb []string) error {
	return t.buildIn(ctx, t.tree, binary, what, verb)
}

func (t *tracing) buildIn(ctx context.Context, tree, binary, what string, verb []string) error {
	words := slices.Concat([]string{"go"}, verb, []string{"-o", binary, what})
	if out, err := command(ctx, tree, words...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (t *tracing) clause(ctx context.Context, server, id string) error {
	judged := true
	blocks, err := t.traced(func(into string) (err error) {
		judged, err = t.check(ctx, into, server, nil, id)
		return err
	})
	if !judged {
		blocks = nil // what it runs elsewhere is not known
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Clauses[id] = blocks
	return err
}

// way traces a configuration, and judges it without the trace, whose writing
// keeps a server awake, to learn what is unfit there.
func (t *tracing) way(ctx context.Context, server, plain string, args []string) error {
	blocks, err := t.traced(func(into string) error {
		_, err := t.check(ctx, into, server, args)
		return err
	})
	if err != nil {
		return err
	}
	run, err := suites.Check(ctx, asTarget(bounded(started(plain, args)...)), suites.NoAdvice())
	t.mu.Lock()
	defer t.mu.Unlock()
	name := strings.Join(args, " ")
	t.Ways[name] = blocks
	for _, result := range run.Results {
		if breaks(result) {
			t.Unfit[name] = append(t.Unfit[name], result.Clause)
		}
	}
	return err
}

// check judges the sound reference for the sake of its trace, and reports whether a clause was judged at all.
func (t *tracing) check(ctx context.Context, into, server string, args []string, ids ...string) (judged bool, err error) {
	start := append([]string{"/usr/bin/env", "GOCOVERDIR=" + into}, started(server, args)...)
	untilTraced := suites.Watch(func(p suites.Progress) {
		if p.Result != nil {
			judged = judged || p.Result.Outcome != report.Unsupported
			awaitTrace(into)
		}
	})
	if _, err := suites.Check(ctx, asTarget(start), suites.Clauses(ids...), suites.NoAdvice(), untilTraced); err != nil {
		return judged, err
	}
	if traces, err := filepath.Glob(filepath.Join(into, "process*", "covcounters.*")); err != nil || len(traces) == 0 {
		return judged, fmt.Errorf("the reference left no trace in %s while %q was judged: %v", into, ids, err)
	}
	return judged, nil
}

// awaitTrace returns when a process has written what it ran until now: a clause
// may be judged, and its server killed, sooner than that. It does not wait for
// ever, for the server may have ended.
func awaitTrace(into string) {
	from, given := time.Now(), time.After(time.Second)
	for tick := time.Tick(tracePeriod / 4); ; {
		traces, _ := filepath.Glob(filepath.Join(into, "process*", "covcounters.*"))
		for _, trace := range traces {
			begun, err := strconv.ParseInt(strings.TrimPrefix(filepath.Ext(trace), "."), 10, 64) // of the writing, in ns
			if err == nil && begun > from.UnixNano() {
				return
			}
		}
		select {
		case <-tick:
		case <-given:
			return
		}
	}
}

// test traces a test of package p of a tree, and adds it to the list.
func (t *tracing) test(ctx context.Context, binary, tree, p, name string, list *[]Test) error {
	from := time.Now()
	blocks, err := t.traced(func(into string) error {
		test := command(ctx, filepath.Join(tree, p), binary, "-test.run", "^"+name+"$", "-test.gocoverdir", into, "-test.timeout", "120s")
		test.Env = append(os.Environ(), "GOCOVERDIR="+into)
		_ = test.Run() // a test that counts goroutines or allocations may fail here: what it ran is what is asked
		return ctx.Err()
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	*list = append(*list, Test{p, name, blocks, time.Since(from).Seconds()})
	return err
}

// traced are the blocks that do runs; it has a folder for the counters.
func (t *tracing) traced(do func(into string) error) ([]int, error) {
	into, err := os.MkdirTemp(t.dir, "counters")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(into)
	if err := do(into); err != nil {
		return nil, err
	}
	folders, err := filepath.Glob(filepath.Join(into, "process*"))
	if err != nil {
		return nil, err
	}
	text := filepath.Join(into, "profile")
	covdata := exec.Command("go", "tool", "covdata", "textfmt", "-i", strings.Join(append(folders, into), ","), "-o", text)
	if out, err := covdata.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go tool covdata: %w: %s", err, strings.TrimSpace(string(out)))
	}
	profiles, err := cover.ParseProfiles(text)
	if err != nil {
		return nil, err
	}
	return t.ran(profiles), nil
}

// ran numbers the blocks of the profiles, and gives those that ran.
func (t *tracing) ran(profiles []*cover.Profile) []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ran []int
	for _, p := range profiles {
		_, file, _ := strings.Cut(p.FileName, "/reactorspec/reactorspec/")
		for _, b := range p.Blocks {
			block := Block{file, [2]int{b.StartLine, b.StartCol}, [2]int{b.EndLine, b.EndCol}}
			i, found := t.known[block]
			if !found {
				i = len(t.Blocks)
				t.known[block] = i
				t.Blocks = append(t.Blocks, block)
			}
			if b.Count > 0 {
				ran = append(ran, i)
			}
		}
	}
	slices.Sort(ran)
	return ran
}
