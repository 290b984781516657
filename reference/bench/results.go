package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Results are everything one run of the benchmark measured; RESULTS.md and the
// plot are views of it and of nothing else.
type Results struct {
	Head    Head
	Samples []Sample
	Calls   []CallSample
}

// Measured says when, where and of which tree something was measured, and what was
// left out of it.
type Measured struct {
	When    time.Time `json:"when"`
	Machine Machine   `json:"machine"`
	Commit  string    `json:"commit"`
	Seed    uint64    `json:"seed"`
	Rounds  int       `json:"rounds"`
	SliceMS int64     `json:"slice_ms"`
	Servers []Shown   `json:"servers"`
	Notes   []string  `json:"notes,omitempty"`
}

// measured is what a plan measures here and now.
func (p plan) measured(seed uint64) Measured {
	return Measured{When: time.Now().UTC().Truncate(time.Second), Machine: describe(), Commit: commit(), Seed: seed,
		Rounds: p.Rounds, SliceMS: p.Slice.Milliseconds(), Servers: shown(p.Servers), Notes: p.Notes}
}

// Head is what there is to know about a run besides its samples.
type Head struct {
	Measured
	RoundsN1   int     `json:"rounds_n1,omitempty"`
	CallRounds int     `json:"call_rounds"`
	Grid       []Cell  `json:"grid"`
	Micro      []Micro `json:"micro,omitempty"`
}

// Shown is a server as the tables show it.
type Shown struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Kind    kind   `json:"kind"`
	Version string `json:"version,omitempty"`
}

// name is what the tables call it.
func (s Shown) name() string {
	name := s.Title
	if s.Version != "" {
		name += " " + s.Version
	}
	if s.Kind == ours {
		name = "**" + name + "**"
	}
	return name
}

// Machine says where the numbers come from.
type Machine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	CC         string `json:"cc"`
	Congestion string `json:"congestion"`
}

// describe looks at this machine. What cannot be read stays empty.
func describe() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version()}
	m.Kernel = line("/proc/sys/kernel/osrelease")
	m.Congestion = line("/proc/sys/net/ipv4/tcp_congestion_control")
	if found := regexp.MustCompile(`model name\s*: (.*)`).FindStringSubmatch(line("/proc/cpuinfo")); found != nil {
		m.CPU = found[1]
	}
	if out, err := exec.Command("cc", "--version").Output(); err == nil {
		m.CC, _, _ = strings.Cut(string(out), "\n")
	}
	return m
}

func line(path string) string {
	b, _ := os.ReadFile(path)
	return strings.TrimSpace(string(b))
}

// commit names the measured tree: the last commit that touched what is
// measured, with + when the tree differs from it.
func commit() string {
	measured := []string{"--", "..", ":!../bench", "../../suites/load"}
	out, err := exec.Command("git", append([]string{"log", "-1", "--format=%h"}, measured...)...).Output()
	if err != nil {
		return ""
	}
	id := strings.TrimSpace(string(out))
	if dirty, err := exec.Command("git", append([]string{"status", "--porcelain"}, measured...)...).Output(); err == nil && len(bytes.TrimSpace(dirty)) > 0 {
		id += "+"
	}
	return id
}

// save writes the results with one sample a line.
func (r Results) save(path string) error {
	var b bytes.Buffer
	head, err := json.MarshalIndent(r.Head, "", " ")
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "{\"head\": %s,\n\"samples\": [\n", head)
	if err := lines(&b, r.Samples, Sample.rounded); err != nil {
		return err
	}
	b.WriteString("],\n\"calls\": [\n")
	if err := lines(&b, r.Calls, CallSample.rounded); err != nil {
		return err
	}
	b.WriteString("]}\n")
	return replace(path, b.Bytes())
}

// replace writes a file whole or not at all: what earlier rounds brought is not lost by the end of this one.
func replace(path string, text []byte) error {
	next := path + ".next"
	if err := os.WriteFile(next, text, 0o644); err != nil {
		return err
	}
	return os.Rename(next, path)
}

func lines[T any](b *bytes.Buffer, all []T, rounded func(T) T) error {
	for i, one := range all {
		text, err := json.Marshal(rounded(one))
		if err != nil {
			return err
		}
		b.Write(text)
		if i+1 < len(all) {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	return nil
}

func (s Sample) rounded() Sample {
	s.CPU, s.Rate, s.P50, s.P99 = round(s.CPU, 4), round(s.Rate, 0), round(s.P50, 1), round(s.P99, 1)
	return s
}

func (s CallSample) rounded() CallSample {
	c := &s.Calls
	c.Reads, c.Writes, c.Polls, c.Total = round(c.Reads, 5), round(c.Writes, 5), round(c.Polls, 5), round(c.Total, 5)
	return s
}

func round(x float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(x*scale) / scale
}

func loadResults(path string) (Results, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Results{}, err
	}
	var r Results
	if err := json.Unmarshal(b, &r); err != nil {
		return Results{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// values are one server's figures at one grid point, in order of rounds.
func (r Results) values(cell int, name string, figure func(Sample) float64) []float64 {
	var xs []float64
	for _, s := range r.Samples {
		if s.Cell == cell && s.Server == name {
			xs = append(xs, figure(s))
		}
	}
	return xs
}

// beside are the same, and those of another server in the same rounds.
func (r Results) beside(cell int, name, other string, figure func(Sample) float64) (xs, ys []float64) {
	rounds := map[int]float64{}
	for _, s := range r.Samples {
		if s.Cell == cell && s.Server == other {
			rounds[s.Round] = figure(s)
		}
	}
	for _, s := range r.Samples {
		if y, both := rounds[s.Round]; both && s.Cell == cell && s.Server == name {
			xs, ys = append(xs, figure(s)), append(ys, y)
		}
	}
	return xs, ys
}

// calls are one server's system calls a request at one grid point.
func (r Results) calls(cell int, name string, figure func(Syscalls) float64) []float64 {
	var xs []float64
	for _, s := range r.Calls {
		if s.Cell == cell && s.Server == name {
			xs = append(xs, figure(s.Calls))
		}
	}
	return xs
}

func cpu(s Sample) float64     { return s.CPU }
func total(c Syscalls) float64 { return c.Total }

// ratio is the estimate over pairs: the figures of a and b in the same round,
// divided.
func ratio(a, b []float64) Estimate {
	n := min(len(a), len(b))
	xs := make([]float64, n)
	for i := range n {
		xs[i] = a[i] / b[i]
	}
	return estimate(xs)
}

// best is the Go peer with the lowest median of a figure, "" if none was measured.
func (r Results) best(figure func(name string) []float64) string {
	var name string
	var low float64
	for _, s := range r.Head.Servers {
		if xs := figure(s.Name); s.Kind == goPeer && len(xs) > 0 {
			if m := median(slices.Clone(xs)); name == "" || m < low {
				name, low = s.Name, m
			}
		}
	}
	return name
}
