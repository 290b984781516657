package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The bars of one loop by itself.
const (
	barPosts  = 9.0  // million posts a second from another core, at least
	barWrites = 0.01 // writes to the waker a post, at most
	barTimers = 0.5  // ns of add + cancel + fire over those of container/heap, at most
)

// Micro is one line of `go test -bench`.
type Micro struct {
	Name    string             `json:"name"` // without "Benchmark" and the -GOMAXPROCS suffix
	Metrics map[string]float64 `json:"metrics"`
}

// parseMicro reads the output of go test -bench.
func parseMicro(text string) []Micro {
	var all []Micro
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		m := Micro{Name: strings.TrimPrefix(f[0], "Benchmark"), Metrics: map[string]float64{}}
		if at := strings.LastIndexByte(m.Name, '-'); at > 0 {
			m.Name = m.Name[:at]
		}
		for i := 2; i+1 < len(f); i += 2 {
			if x, err := strconv.ParseFloat(f[i], 64); err == nil {
				m.Metrics[f[i+1]] = x
			}
		}
		all = append(all, m)
	}
	return all
}

// metrics are the medians of each benchmark's repeats, and the benchmarks in
// the order in which they ran.
func (r Results) metrics() (medians map[string]map[string]float64, order []string) {
	medians = map[string]map[string]float64{}
	for _, m := range r.Head.Micro {
		if medians[m.Name] != nil {
			continue
		}
		order = append(order, m.Name)
		medians[m.Name] = map[string]float64{}
		for unit := range m.Metrics {
			var xs []float64
			for _, same := range r.Head.Micro {
				if x, found := same.Metrics[unit]; found && same.Name == m.Name {
					xs = append(xs, x)
				}
			}
			medians[m.Name][unit] = median(xs)
		}
	}
	return medians, order
}

// micro shows what one loop costs by itself.
func (r Results) micro(w io.Writer) {
	medians, order := r.metrics()
	if len(order) == 0 {
		return
	}
	fmt.Fprint(w, "\n## One loop by itself\n\nBy `go test -bench` in the reference, on both cores; medians of its repeats.\n\n")
	fmt.Fprint(w, "| bar | measured | |\n|---|---|---|\n")
	for _, name := range order {
		m := medians[name]
		kind, flood := strings.CutPrefix(name, "PostFlood/")
		if kind, one := strings.CutSuffix(kind, "/1"); flood && one { // one producer; several slow each other down on two cores
			fmt.Fprintf(w, "| a flood of posts from another core, %s: ≥ 9 M/s, ≤ 0.01 writes a post | %.1f M/s, %.4f writes a post | %s |\n", kind,
				m["Mposts/s"], m["writes/post"], met(m["Mposts/s"] >= barPosts && m["writes/post"] <= barWrites))
		}
		if span, found := strings.CutPrefix(name, "Timers/wheel/"); found {
			theirs := medians["Timers/container-heap/"+span]["ns/sum"]
			fmt.Fprintf(w, "| 1,000,000 timers over %s, add + cancel + fire: ≤ half of container/heap's | %.0f ns of %.0f ns: %.2f | %s |\n", span,
				m["ns/sum"], theirs, m["ns/sum"]/theirs, met(m["ns/sum"] <= barTimers*theirs))
		}
	}
	fmt.Fprint(w, "\n| benchmark | |\n|---|---|\n")
	for _, name := range order {
		var parts []string
		for _, unit := range slices.Sorted(maps.Keys(medians[name])) {
			parts = append(parts, fmt.Sprintf("%.4g %s", medians[name][unit], unit))
		}
		fmt.Fprintf(w, "| %s | %s |\n", name, strings.Join(parts, ", "))
	}
}

func met(yes bool) string {
	if yes {
		return "met"
	}
	return "missed"
}
