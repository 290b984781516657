package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// The bars of the reference's CPU time and system calls a request, as ratios.
const (
	barLimit = 1.10 // to raw C epoll, where there are 100 connections or more
	barPeer  = 1.00 // to every Go peer, everywhere
	barCalls = 1.00 // system calls to raw C epoll, with many connections; to the best Go peer with one
)

// tie is how far the median numbers of calls of one and the same server differ
// between two measurements: batches are as long as chance makes them.
const tie = 0.005

const manyConns = 100

// render writes both views.
func (r Results) render() error {
	var b strings.Builder
	r.report(&b)
	if err := reportSections(&b, "."); err != nil {
		return err
	}
	if err := os.WriteFile("RESULTS.md", []byte(b.String()), 0o644); err != nil {
		return err
	}
	return r.plot("results.svg")
}

func (r Results) report(w io.Writer) {
	h := r.Head
	fmt.Fprintf(w, `# Results

Made by %smake bench%s from %sresults.json%s; do not edit. Measured %s on %s (%d cores, Linux %s, %s, %s, %s),
tree %s, seed %d.

Echo over loopback TCP, closed loop: N connections, S bytes a request, P requests in flight on each. The server is pinned to one core, the
generator to the other; SCHED_IDLE spinners keep both from halting. Each figure is the median of several runs; the first table says how many. A run takes %d ms, in a fresh process, and the
rounds are shuffled. A ratio is the median over pairs of the same round, with its 95 %% bootstrap interval in brackets. CPU is that of all threads of the server (schedstat).
%sMet%s: the whole interval is under the bar; %snot shown%s: it straddles the bar.
Absolute figures from one machine at one hour say little; ratios say more. With two cores for everything, nothing is said about scaling over loops.

![CPU and system calls a request](results.svg)
`, "`", "`", "`", "`", h.When.Format("2006-01-02 15:04 UTC"), h.Machine.CPU, h.Machine.Cores, h.Machine.Kernel, h.Machine.Go, h.Machine.CC, h.Machine.Congestion,
		h.Commit, h.Seed, h.SliceMS, "“", "”", "“", "”")
	for _, note := range h.Notes {
		fmt.Fprintf(w, "\n%s\n", note)
	}
	r.bars(w)
	fmt.Fprint(w, "\n## Server CPU a request, µs\n\n")
	r.table(w, func(k int, s Shown) string { return number(r.values(k, s.Name, cpu), 3) })
	fmt.Fprint(w, "\n## CPU of each server over that of raw C epoll\n\n")
	r.table(w, func(k int, s Shown) string {
		return interval(ratio(r.beside(k, s.Name, "epoll", cpu)))
	})
	fmt.Fprint(w, "\n## System calls a request\n\nAll calls of all threads, by the raw_syscalls tracepoint, in runs of their own: total (reads + writes + polls).\n"+
		"The counts are exact, and vary all the same. A turn of a loop makes one poll, and a read and a write for each connection that it finds ready. How many are ready\n"+
		"depends on how generator and server fall into step in that run. A request's share of the poll is anything from one in N·P to 1.\n\n")
	r.table(w, func(k int, s Shown) string {
		part := func(f func(Syscalls) float64) string { return number(r.calls(k, s.Name, f), 2) }
		return fmt.Sprintf("%s (%s + %s + %s)", number(r.calls(k, s.Name, total), 3),
			part(func(c Syscalls) float64 { return c.Reads }), part(func(c Syscalls) float64 { return c.Writes }), part(func(c Syscalls) float64 { return c.Polls }))
	})
	fmt.Fprint(w, "\n## Requests a second, thousands\n\n")
	r.table(w, func(k int, s Shown) string {
		return number(r.values(k, s.Name, func(s Sample) float64 { return s.Rate / 1e3 }), 1)
	})
	fmt.Fprint(w, "\n## Latency, µs: median / 99th percentile\n\nThese are latencies of a closed loop: each reply waits for its turn among N·P requests.\n\n")
	r.table(w, func(k int, s Shown) string {
		return number(r.values(k, s.Name, func(s Sample) float64 { return s.P50 }), 0) + " / " + number(r.values(k, s.Name, func(s Sample) float64 { return s.P99 }), 0)
	})
	r.micro(w)
}

// headings of the sections.
var headings = map[string]string{
	"tails":  "Tails: latency at a fixed offered load",
	"churn":  "Churn: what a connection costs",
	"growth": "Growth: many connections, few of them active",
	"idle":   "Idle connections: memory",
}

// reportSections shows what was measured beside the grid, each with its own date
// and tree.
func reportSections(w io.Writer, dir string) error {
	for _, what := range sections {
		s, err := loadSection(dir, what.name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n## %s\n\n", headings[what.name])
		if len(s.Runs) == 0 {
			fmt.Fprintf(w, "Not measured yet: `make bench-%s`.\n", what.name)
			continue
		}
		fmt.Fprintf(w, "Measured %s on %s (Linux %s, %s), tree %s, seed %d; %d rounds of %d ms.\n", s.When.Format("2006-01-02 15:04 UTC"), s.Machine.CPU, s.Machine.Kernel,
			s.Machine.Go, s.Commit, s.Seed, s.Rounds, s.SliceMS)
		for _, note := range s.Notes {
			fmt.Fprintln(w, note)
		}
		fmt.Fprintf(w, "%s", what.report(s))
	}
	return nil
}

// bars are the promises and what the data says of them.
func (r Results) bars(w io.Writer) {
	fmt.Fprint(w, "\n## The bars\n\n| (N,S,P) | pairs: CPU, calls | CPU / raw C epoll ≤ 1.10 | | CPU / best Go peer < 1 | | behind any Go peer | system calls | |\n|---|---|---|---|---|---|---|---|---|\n")
	for k, c := range r.Head.Grid {
		mine := r.values(k, "reference", cpu)
		if len(mine) == 0 {
			continue
		}
		toLimit := ratio(mine, r.values(k, "epoll", cpu))
		first := verdict(toLimit, barLimit)
		if c.Conns < manyConns {
			first = "no bar"
		}
		best := r.best(func(name string) []float64 { return r.values(k, name, cpu) })
		toBest := ratio(mine, r.values(k, best, cpu))
		behind := "none"
		var names []string
		for _, s := range r.Head.Servers {
			if xs := r.values(k, s.Name, cpu); s.Kind == goPeer && len(xs) > 0 {
				if v := verdict(ratio(mine, xs), barPeer); v != "met" {
					names = append(names, s.Title+": "+v)
				}
			}
		}
		if len(names) > 0 {
			behind = strings.Join(names, ", ")
		}
		against := "epoll"
		if c.Conns < manyConns {
			against = r.best(func(name string) []float64 { return r.calls(k, name, total) })
		}
		calls := ratio(r.calls(k, "reference", total), r.calls(k, against, total))
		fmt.Fprintf(w, "| %v | %d, %d | %s | %s | %s %s | %s | %s | %s of %s's | %s |\n", c, len(mine), len(r.calls(k, "reference", total)), interval(toLimit), first,
			interval(toBest), r.title(best), verdict(toBest, barPeer), behind, interval(calls), r.title(against), callVerdict(calls))
	}
}

// callVerdict is verdict with equality: what is the same but for chance has met the bar.
func callVerdict(e Estimate) string {
	if e.High > barCalls && e.High <= barCalls+tie {
		return "met (equal within 0.5 %)"
	}
	return verdict(e, barCalls)
}

func (r Results) title(name string) string {
	for _, s := range r.Head.Servers {
		if s.Name == name {
			return s.Title
		}
	}
	return name
}

// table is one row a server, one column a grid point.
func (r Results) table(w io.Writer, show func(cell int, s Shown) string) {
	fmt.Fprint(w, "| (N,S,P) |")
	for _, c := range r.Head.Grid {
		fmt.Fprintf(w, " %v |", c)
	}
	fmt.Fprint(w, "\n|---|"+strings.Repeat("---|", len(r.Head.Grid))+"\n")
	for _, s := range r.Head.Servers {
		fmt.Fprintf(w, "| %s |", s.name())
		for k := range r.Head.Grid {
			fmt.Fprintf(w, " %s |", show(k, s))
		}
		fmt.Fprintln(w)
	}
}

// summary is what a terminal shows of any run, whole or partial.
func (r Results) summary(w io.Writer) {
	for k, c := range r.Head.Grid {
		for _, s := range r.Head.Servers {
			xs := r.values(k, s.Name, cpu)
			calls := r.calls(k, s.Name, total)
			if len(xs)+len(calls) == 0 {
				continue
			}
			part := func(f func(Syscalls) float64) string { return number(r.calls(k, s.Name, f), 3) }
			fmt.Fprintf(w, "%-14v %-12s cpu %7s µs  /epoll %-22s /reference %-22s calls %s (%s %s %s)  rate %s/s  p50 %s\n", c, s.Title, number(xs, 3),
				interval(ratio(r.beside(k, s.Name, "epoll", cpu))), interval(ratio(r.beside(k, s.Name, "reference", cpu))), number(calls, 3),
				part(func(c Syscalls) float64 { return c.Reads }), part(func(c Syscalls) float64 { return c.Writes }), part(func(c Syscalls) float64 { return c.Polls }),
				number(r.values(k, s.Name, func(s Sample) float64 { return s.Rate }), 0), number(r.values(k, s.Name, func(s Sample) float64 { return s.P50 }), 1))
		}
	}
}

func number(xs []float64, digits int) string {
	if len(xs) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.*f", digits, median(slices.Clone(xs)))
}

func interval(e Estimate) string {
	if e == (Estimate{}) {
		return "–"
	}
	return fmt.Sprintf("%.3f [%.3f, %.3f]", e.Mid, e.Low, e.High)
}
