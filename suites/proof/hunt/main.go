// Command hunt measures what fuzzing is worth: how long `reactorspec fuzz` takes to
// find faults that a run of check seldom or never sees, once with draws that are weighted
// by what showed new behaviour, once blindly; and how often CONN-22 sees the same faults.
//
//	go run ./suites/proof/hunt [-seeds 10] [-limit 10m] [-checks 100] [-faults name,name]
//
// Each measurement goes into hunt.json as soon as it is made, and is not repeated while
// the server's code stays as it is; RESULTS.md is written from it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/internal/fuzzing"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/proof"
	"github.com/reactorspec/reactorspec/suites/target"
)

// rare are the faults of servers/rare.
var rare = []struct{ name, why string }{
	{"length", "one length in 4,096 comes back wrong"},
	{"age", "from the 5,000th connection on, each begins with a wrong byte"},
	{"third", "of the reads of a turn that ends with the client's FIN, the third is lost"},
	{"resets", "after two resets in one turn, the next client is not heard"},
	{"field", "dies of one length field in 16,384"},
	{"twice", "the byte behind the second partial write in a row is lost"},
	{"continue", "what waits to be written when the server is continued is dropped"},
	{"small-big", "a full read right behind one of a single byte loses its first byte"},
	{"leftover", "what a client that reset has not read is sent to the next one"},
	{"six", "when one of six connections resets, another is closed"},
	{"leak", "the descriptor of a client that resets behind its FIN, with output that waits, stays open"},
	{"seventeenth", "the 17th read of a connection comes back with two bytes swapped"},
	{"thread", "each client that resets after three reads leaves a thread behind"},
	{"short", "who comes while no descriptor is left has the next read of another lost"},
	{"interrupt", "a signal that ends the poll while output waits has the first byte of that lost"},
}

// hunted is one run of the fuzzer.
type hunted struct {
	Fault   string  `json:"fault"`
	Blind   bool    `json:"blind"`
	Seed    uint64  `json:"seed"`
	Limit   float64 `json:"limit"`   // s
	Seconds float64 `json:"seconds"` // until it was found, its replays included; 0: it was not
	Rate    float64 `json:"rate"`    // transcripts a second
	As      string  `json:"as,omitempty"`
	Server  string  `json:"server"` // digest of its code
}

// checked is how often CONN-22 called a fault broken.
type checked struct {
	Fault  string `json:"fault"`
	Found  int    `json:"found"`
	Of     int    `json:"of"`
	Server string `json:"server"` // digest of its code
}

// record is all that was measured.
type record struct {
	Date    string    `json:"date"`
	Commit  string    `json:"commit"`
	Hunted  []hunted  `json:"hunted"`
	Checked []checked `json:"checked"`
}

func main() {
	seeds := flag.Int("seeds", 10, "runs of the fuzzer for each fault and way of drawing")
	limit := flag.Duration("limit", 10*time.Minute, "for how long each run goes on, at most")
	checks := flag.Int("checks", 100, "runs of CONN-22 for each fault")
	only := flag.String("faults", "", "comma-separated faults instead of all")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := measure(ctx, *seeds, *limit, *checks, *only); err != nil {
		fmt.Fprintln(os.Stderr, "hunt:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, seeds int, limit time.Duration, checks int, only string) error {
	root, err := proof.Root()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "hunt")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := os.Setenv("TMPDIR", scratch); err != nil { // where the fuzzer writes what it finds
		return err
	}
	dir := filepath.Join(root, "suites", "proof", "hunt")
	r, err := load(dir)
	if err != nil {
		return err
	}
	commit := proof.Commit(root)
	measured := func() { r.Date, r.Commit = time.Now().UTC().Format(time.DateOnly), commit }
	for _, f := range rare {
		if only != "" && !slices.Contains(strings.Split(only, ","), f.name) {
			continue
		}
		fault := proof.Fault{Name: f.name, Why: f.why, Server: "rare", Args: []string{"{port}", f.name}, Control: []string{"{port}", "none"},
			Dialect: "echo", Class: "reactor"}
		command, err := fault.Build(ctx, root, scratch)
		if err != nil {
			return err
		}
		server, err := fault.Digest(root)
		if err != nil {
			return err
		}
		r.Hunted = slices.DeleteFunc(r.Hunted, func(h hunted) bool { return h.Fault == f.name && h.Server != server })
		r.Checked = slices.DeleteFunc(r.Checked, func(c checked) bool { return c.Fault == f.name && c.Server != server })
		if err := r.check(ctx, dir, fault, command, server, checks, measured); err != nil {
			return err
		}
		for seed := range uint64(seeds) {
			for _, blind := range []bool{false, true} { // pairs, side by side in time
				if err := r.hunt(ctx, dir, f.name, command, server, seed+1, limit, blind, measured); err != nil {
					return err
				}
			}
		}
	}
	return r.save(dir)
}

// hunt fuzzes until something is found that stands its replays.
func (r *record) hunt(ctx context.Context, dir, name string, command []string, server string, seed uint64, limit time.Duration, blind bool, measured func()) error {
	if slices.ContainsFunc(r.Hunted, func(h hunted) bool {
		return h.Fault == name && h.Blind == blind && h.Seed == seed && (h.Seconds > 0 || h.Limit >= limit.Seconds())
	}) {
		return nil
	}
	t := target.Target{File: target.File{Name: name, Dialect: "echo", Class: "reactor", Start: command}}
	run, stop := context.WithCancel(ctx)
	defer stop()
	h := hunted{Fault: name, Blind: blind, Seed: seed, Limit: limit.Seconds(), Server: server}
	began := time.Now()
	_, err := fuzzing.Run(run, t, fuzzing.Options{Time: limit, Blind: blind, Shrink: time.Second, Judging: judging.Options{Seed: seed},
		Progress: func(p fuzzing.Progress) {
			h.Rate = float64(p.Played) / time.Since(began).Seconds()
			if p.Found != nil && !p.Found.Apart && h.Seconds == 0 {
				h.Seconds, h.As = time.Since(began).Seconds(), p.Found.Clause+": "+p.Found.Reason
				stop()
			}
		}})
	if err = errors.Join(err, ctx.Err()); err != nil {
		return fmt.Errorf("%s with seed %d: %w", name, seed, err)
	}
	fmt.Printf("%-12s blind %-5v seed %-2d found after %.1f s (%.0f a second) %s\n", name, blind, seed, h.Seconds, h.Rate, h.As)
	r.Hunted = slices.DeleteFunc(r.Hunted, func(old hunted) bool { return old.Fault == name && old.Blind == blind && old.Seed == seed })
	r.Hunted = append(r.Hunted, h)
	measured()
	return r.save(dir)
}

// check counts in how many of n runs CONN-22 sees the fault.
func (r *record) check(ctx context.Context, dir string, fault proof.Fault, command []string, server string, n int, measured func()) error {
	if slices.ContainsFunc(r.Checked, func(c checked) bool { return c.Fault == fault.Name && c.Of >= n }) || n == 0 {
		return nil
	}
	c := checked{Fault: fault.Name, Of: n, Server: server}
	for seed := range uint64(n) {
		finding, err := fault.Judge(ctx, command, []string{"CONN-22"}, suites.Seed(seed+1))
		if err = errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("%s by CONN-22: %w", fault.Name, err)
		}
		if slices.Contains(finding.Broken, "CONN-22") {
			c.Found++
		}
	}
	fmt.Printf("%-12s CONN-22 saw it in %d of %d runs\n", c.Fault, c.Found, c.Of)
	r.Checked = slices.DeleteFunc(r.Checked, func(old checked) bool { return old.Fault == c.Fault })
	r.Checked = append(r.Checked, c)
	measured()
	return r.save(dir)
}

func load(dir string) (*record, error) {
	var r record
	text, err := os.ReadFile(filepath.Join(dir, "hunt.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return &r, nil
	}
	if err != nil {
		return nil, err
	}
	return &r, json.Unmarshal(text, &r)
}

func (r *record) save(dir string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "hunt.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "RESULTS.md"), []byte(r.page()), 0o644)
}

func (r *record) page() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# What fuzzing finds that a check does not

Made by %sgo run ./suites/proof/hunt%s from hunt.json; do not edit. Last measured %s at %s.

Each fault stands alone in an echo server in C ([servers/rare](../servers/rare/main.c)). “CONN-22” says in how many runs of %scheck%s that clause saw the fault. The other columns are about
%sreactorspec fuzz%s: in how many runs it found the fault within its time limit, and the median time that this took, including replays, over all runs (a run that found nothing counts as the limit). Blind drawing weighs nothing by what it showed, changes nothing that it drew, and does not remember which lengths were sent; its runs and the others took turns, on the same machine.

| fault | what is wrong | CONN-22 | weighted: found | median | blind: found | median | limit |
|---|---|---|---|---|---|---|---|
`, "`", "`", r.Date, r.Commit, "`", "`", "`", "`")
	var all [2][]float64
	for _, f := range rare {
		seen := "not measured"
		for _, c := range r.Checked {
			if c.Fault == f.name {
				seen = fmt.Sprintf("%d of %d", c.Found, c.Of)
			}
		}
		row := []string{f.name, f.why, seen}
		limit := 0.0
		for i, blind := range []bool{false, true} {
			var took []float64
			found := 0
			for _, h := range r.Hunted {
				if h.Fault != f.name || h.Blind != blind {
					continue
				}
				limit = max(limit, h.Limit)
				if h.Seconds > 0 {
					found++
					took = append(took, h.Seconds)
				} else {
					took = append(took, h.Limit)
				}
			}
			all[i] = append(all[i], took...)
			row = append(row, fmt.Sprintf("%d of %d", found, len(took)), seconds(took))
		}
		fmt.Fprintf(&b, "| %s | %.0f s |\n", strings.Join(row, " | "), limit)
	}
	fmt.Fprintf(&b, "\nOver all runs the median is %s weighted, and %s blind.\n", seconds(all[0]), seconds(all[1]))
	return b.String()
}

func seconds(took []float64) string {
	if len(took) == 0 {
		return "–"
	}
	slices.Sort(took)
	return fmt.Sprintf("%.1f s", (took[(len(took)-1)/2]+took[len(took)/2])/2)
}
