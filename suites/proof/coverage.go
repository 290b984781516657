package proof

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/clauses"
	"github.com/reactorspec/reactorspec/suites/inproc"
)

// Unproven gives the reason for each MUST clause that no fault breaks.
var Unproven = map[string]string{
	"TASK-14": "seen in-process only: loops of suites/inproc that drop tasks at their end, or take them after it, break it (TestFaultsAreFound)",
	"CONN-21": "the reference sends no greeting; the pair g1 of suites/proof/regress breaks it (gnet v2.4.1 fails, v2.4.2 passes)",
}

// Coverage renders spec/coverage.txt: for each clause its check and its faults.
func Coverage() string {
	faults := map[string][]string{}
	for _, f := range Faults() {
		for _, id := range f.Breaks {
			faults[id] = append(faults[id], f.Name)
		}
	}
	checked := map[string]string{}
	for _, check := range (inproc.Vantage{}).Checks() {
		checked[check.Clause] = "inproc"
	}
	for _, check := range clauses.All() {
		switch {
		case check.Study:
			checked[check.Clause] = "study"
		case check.Own:
			checked[check.Clause] = "own"
		default:
			checked[check.Clause] = "shared"
		}
	}
	var b strings.Builder
	b.WriteString("# clause level check-runs-on fault[,fault…]; written by: go test ./suites/proof -args -write\n")
	for _, clause := range spec.Clauses() {
		if clause.Withdrawn {
			fmt.Fprintf(&b, "%-9s withdrawn\n", clause.ID)
			continue
		}
		how, ok := checked[clause.ID]
		if !ok {
			how = "unchecked"
		}
		by := strings.Join(faults[clause.ID], ",")
		if by == "" {
			by = "- " + Unproven[clause.ID]
		}
		fmt.Fprintf(&b, "%-9s %-6s %-9s %s\n", clause.ID, clause.Level, how, strings.TrimSpace(by))
	}
	return b.String()
}

// Words renders spec/faults.txt: what is wrong in each fault that breaks a clause.
func Words() string {
	var b strings.Builder
	b.WriteString("# fault: what is wrong; written by: go test ./suites/proof -args -write\n")
	for _, f := range Faults() {
		if len(f.Breaks) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", f.Name, strings.Join(strings.Fields(f.Why), " "))
		}
	}
	return b.String()
}

// alike gives the sets of clauses that the same faults break, and no other: of
// such a set no run can tell which of its checks found the fault.
func alike(faults []Fault) [][]string {
	by := map[string][]string{} // the faults of a clause
	for _, f := range faults {
		for _, id := range f.Breaks {
			by[id] = append(by[id], f.Name)
		}
	}
	sets := map[string][]string{} // the clauses of a set of faults
	for _, id := range slices.Sorted(maps.Keys(by)) {
		key := strings.Join(by[id], " ")
		sets[key] = append(sets[key], id)
	}
	var all [][]string
	for _, key := range slices.Sorted(maps.Keys(sets)) {
		if len(sets[key]) > 1 {
			all = append(all, sets[key])
		}
	}
	return all
}

// Gaps names what the traceability rule forbids: a clause without a check, a
// check without a clause, a MUST with neither a fault nor a reason, clauses that
// no fault tells apart, a soak that no page mentions.
func Gaps() []string {
	var gaps []string
	faults := map[string]bool{}
	for _, f := range Faults() {
		for _, id := range f.Breaks {
			faults[id] = true
		}
	}
	checks := map[string]bool{}
	for _, check := range slices.Concat(clauses.All(), inproc.Vantage{}.Checks()) {
		checks[check.Clause] = true
		if clause, ok := spec.Lookup(check.Clause); !ok || clause.Withdrawn {
			gaps = append(gaps, check.Clause+": has a check and no clause")
		}
	}
	for _, check := range clauses.Soaking() {
		if clause, _ := spec.Lookup(check.Clause); check.Soak != strings.Contains(clause.Method, "--soak") {
			gaps = append(gaps, fmt.Sprintf("%s: its check does more in a soak: %t; its page says otherwise", check.Clause, check.Soak))
		}
	}
	for _, clause := range spec.Clauses() {
		switch {
		case clause.Withdrawn:
		case clause.Kind != spec.Untested && !checks[clause.ID]:
			gaps = append(gaps, clause.ID+": has no check")
		case clause.Level == spec.Must && !faults[clause.ID] && Unproven[clause.ID] == "":
			gaps = append(gaps, clause.ID+": no fault breaks it and no reason is written")
		}
	}
	for _, ids := range alike(Faults()) {
		gaps = append(gaps, strings.Join(ids, " ")+": the same faults break them all: one that breaks some and not the others is needed")
	}
	slices.Sort(gaps)
	return gaps
}
