package proof

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// TestLegal is the other half of the proof: what is legal breaks nothing.
func TestLegal(t *testing.T) {
	root, dir := mustRoot(t), t.TempDir()
	for _, v := range Legal {
		t.Run(v.Name, func(t *testing.T) {
			if v.Server == "" {
				if _, err := v.Apply(root); err != nil {
					t.Fatal(err)
				}
			}
			if testing.Short() {
				t.Skip("builds and judges a server; left out by -short")
			}
			if plain() && !v.shortest() {
				t.Skip("a plain run judges one variant for each rule: make proof judges them all")
			}
			require(t, v.Fault)
			command, err := v.Build(t.Context(), root, dir)
			if err != nil {
				t.Fatal(err)
			}
			run := v.judge(t, slices.Concat(v.Wrap, command))
			if run.Problem != nil && len(run.Results) == 0 {
				t.Fatal(run.Problem.Message)
			}
			for _, r := range run.Results {
				if wrong := v.wronged(r); wrong != "" {
					t.Errorf("%s (%s): %s %s: %s: %s", v.Name, v.Why, r.Clause, r.Outcome, r.Reason, wrong)
					if e := r.Evidence; e != nil {
						t.Logf("want %s\ngot  %s\nnotes %q", e.Want, e.Got, e.Notes)
					}
				} else if r.Outcome == report.Untested && slices.Contains(v.Clauses, r.Clause) {
					t.Logf("%s untested: %s", r.Clause, r.Reason)
				}
			}
		})
	}
}

// shortest reports whether of the variants that one of its rules is about, and that are
// not slow, this one is judged by the fewest clauses.
func (v Variant) shortest() bool {
	return v.Slow == "" && slices.ContainsFunc(v.Rules, func(rule spec.Rule) bool {
		about := slices.DeleteFunc(slices.Clone(Legal), func(other Variant) bool { return other.Slow != "" || !slices.Contains(other.Rules, rule) })
		return slices.MinFunc(about, func(a, b Variant) int { return cmp.Compare(len(a.Clauses), len(b.Clauses)) }).Name == v.Name
	})
}

// wronged says what is wrong with an outcome of a server that breaks nothing; empty
// if nothing is.
func (v Variant) wronged(r report.Result) string {
	named := slices.Contains(v.Clauses, r.Clause)
	switch {
	case slices.Contains(v.True, r.Clause):
		return ""
	case r.Outcome == report.Pass, !named && (r.Outcome == report.Unsupported || r.Outcome == report.Untested):
		return ""
	case r.Outcome != report.Untested:
		return "it breaks nothing"
	case v.Untested[r.Clause] == "":
		return "nothing keeps the check from the state that it is about"
	case !strings.Contains(r.Reason, v.Untested[r.Clause]):
		return fmt.Sprintf("the reason does not say %q", v.Untested[r.Clause])
	}
	return ""
}

// judge judges the variant by its clauses or, where it is asked for, the whole spec.
func (v Variant) judge(t *testing.T, command []string) report.Run {
	t.Helper()
	judged := v.Target(command)
	if v.Attached {
		judged = attached(t, judged)
	}
	options := []suites.Option{suites.NoAdvice()}
	if !v.Whole || !*every {
		options = append(options, suites.Clauses(v.Clauses...))
	}
	run, err := suites.Check(t.Context(), judged, options...)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// attached starts the target and gives its address away, and nothing more.
func attached(t *testing.T, judged target.Target) target.Target {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	_, port, _ := net.SplitHostPort(address)
	words := slices.Clone(judged.File.Start)
	for i, word := range words {
		words[i] = strings.ReplaceAll(word, "{port}", port)
	}
	server := exec.Command(words[0], words[1:]...)
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%v does not listen: %v", words, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	judged.File.Start = nil
	judged.Addr = "tcp://" + address
	return judged
}

// TestEveryRuleHasItsVariant asks for an odd but correct server for each clause and
// each rule that its check touches: without one nobody knows that the check keeps it.
func TestEveryRuleHasItsVariant(t *testing.T) {
	for _, clause := range spec.Clauses() {
		for _, rule := range clause.Rests {
			tried := slices.ContainsFunc(Legal, func(v Variant) bool {
				return slices.Contains(v.Rules, rule) && v.judgedBy(clause)
			})
			if !tried && UntriedClauses[clause.ID] == "" {
				t.Errorf("%s rests on rule %d, and no variant that the rule is about is judged by it: name it in Clauses of one, or have one judged by the Whole spec", clause.ID, rule)
			}
		}
	}
}

func TestLegalRows(t *testing.T) {
	names := map[string]bool{}
	for _, v := range Legal {
		if names[v.Name] {
			t.Errorf("two variants are named %s", v.Name)
		}
		names[v.Name] = true
		if v.Why == "" || len(v.Clauses) == 0 || len(v.Rules) == 0 {
			t.Errorf("variant %s: Why, Clauses and Rules must all be given", v.Name)
		}
		for _, id := range v.Clauses {
			clause, ok := spec.Lookup(id)
			if !ok || clause.Withdrawn {
				t.Errorf("variant %s names %s, which the spec does not have", v.Name, id)
			} else if !v.binds(clause) {
				t.Errorf("variant %s names %s, which does not bind it", v.Name, id)
			}
		}
		for id := range v.Untested {
			if !slices.Contains(v.Clauses, id) {
				t.Errorf("variant %s: %s may be untested, and is none of its clauses", v.Name, id)
			}
		}
	}
}
