package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Figures are what one run measured, by name: "cpu", "p99", …
type Figures map[string]float64

// Run is one run of one server in one case of a section.
type Run struct {
	Case    int     `json:"case"` // index into Section.Cases
	Server  string  `json:"server"`
	Round   int     `json:"round"` // runs of one case and round are neighbours in time and make pairs
	Figures Figures `json:"figures"`
}

// Section is one table of measurements beside the grid: the tails, the churn, the
// growth, the idle connections. Each stands in a file of its own, so that one can
// be measured again without the others.
type Section struct {
	Measured
	Cases []string `json:"cases"`
	Runs  []Run    `json:"runs"`
}

// sections are those that -section takes, in the order of the page.
var sections = []section{
	{"tails", tailCases, 12, plan.tail, plan.capacity, tailReport},
	{"churn", churnCases, 16, plan.churn, nil, churnReport},
	{"growth", growthCases, 8, plan.grow, nil, growthReport},
	{"idle", []string{"10,000 idle"}, 3, plan.idle, nil, idleReport},
}

type section struct {
	name    string
	cases   []string
	rounds  int // unless -rounds says otherwise
	measure func(p plan, ctx context.Context, s *Section, k int, server server) (Figures, error)
	prepare func(p plan, ctx context.Context, s *Section) error // once, before the rounds; may be nil
	report  func(s Section) string
}

// section measures one of them: round after round, in each round every case in
// random order, and in each case every server in random order, each as a fresh
// process. What was measured is written after each round.
func (p plan) section(ctx context.Context, index int, seed uint64, path string, say func(string, ...any)) (Section, error) {
	what := sections[index]
	if p.Rounds == 0 {
		p.Rounds = what.rounds
	}
	s := Section{Measured: p.measured(seed), Cases: what.cases}
	if what.prepare != nil {
		if err := what.prepare(p, ctx, &s); err != nil {
			return s, err
		}
	}
	random := rand.New(rand.NewPCG(seed, uint64(index)))
	cases := make([]int, len(what.cases))
	for i := range cases {
		cases[i] = i
	}
	for round := range p.Rounds {
		began := time.Now()
		for _, k := range shuffled(random, cases) {
			for _, server := range shuffled(random, p.Servers) {
				if !server.takesPart(round) {
					continue
				}
				figures, err := what.measure(p, ctx, &s, k, server)
				if errors.Is(err, errLeftOut) {
					continue
				}
				if err != nil {
					return s, fmt.Errorf("%s, %s: %w", server.Name, what.cases[k], err)
				}
				s.Runs = append(s.Runs, Run{Case: k, Server: server.Name, Round: round, Figures: figures})
			}
		}
		if err := s.save(path); err != nil {
			return s, err
		}
		say("%s: round %d of %d took %v", what.name, round+1, p.Rounds, time.Since(began).Round(time.Millisecond))
	}
	return s, nil
}

// errLeftOut is what a measurement returns of a server for which it makes no sense.
var errLeftOut = errors.New("left out")

func shown(servers []server) (all []Shown) {
	for _, s := range servers {
		all = append(all, Shown{Name: s.Name, Title: s.Title, Kind: s.Kind, Version: s.version()})
	}
	return all
}

// save writes the section with one run a line, through a file of its own, so that
// a full disk or an interrupt leaves what was there.
func (s Section) save(path string) error {
	runs := s.Runs
	s.Runs = nil
	head, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	text := append(slices.Clone(head[:len(head)-len("null\n}")]), "[\n"...)
	for i, run := range runs {
		for name, x := range run.Figures {
			run.Figures[name] = round(x, 4)
		}
		one, err := json.Marshal(run)
		if err != nil {
			return err
		}
		text = append(text, one...)
		if i+1 < len(runs) {
			text = append(text, ',')
		}
		text = append(text, '\n')
	}
	text = append(text, "]}\n"...)
	return replace(path, text)
}

// loadSection reads what save wrote; a section that was never measured is empty.
func loadSection(dir, name string) (Section, error) {
	var s Section
	b, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("%s.json: %w", name, err)
	}
	return s, nil
}

// figure is one server's figure in one case, by round.
func (s Section) figure(k int, server, name string) map[int]float64 {
	all := map[int]float64{}
	for _, run := range s.Runs {
		if x, ok := run.Figures[name]; ok && run.Case == k && run.Server == server {
			all[run.Round] = x
		}
	}
	return all
}

// median of a figure; false if there is none.
func (s Section) median(k int, server, name string) (float64, bool) {
	var xs []float64
	for _, x := range s.figure(k, server, name) {
		xs = append(xs, x)
	}
	if len(xs) == 0 {
		return 0, false
	}
	return median(xs), true
}

// ratio is the estimate over the pairs of two servers in one case.
func (s Section) ratio(k int, of, to, name string) Estimate {
	a, b := s.figure(k, of, name), s.figure(k, to, name)
	var xs []float64
	for round := range s.Rounds {
		x, one := a[round]
		y, other := b[round]
		if one && other && y > 0 {
			xs = append(xs, x/y)
		}
	}
	return estimate(xs)
}

// number is the median of a figure, as the tables show it.
func (s Section) number(k int, server, name string, digits int) string {
	x, ok := s.median(k, server, name)
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.*f", digits, x)
}

// table is one row a server, one column a case.
func (s Section) table(w io.Writer, show func(k int, server Shown) string) {
	fmt.Fprintf(w, "| |%s\n|---|%s\n", cells(s.Cases), strings.Repeat("---|", len(s.Cases)))
	for _, server := range s.Servers {
		var row []string
		for k := range s.Cases {
			row = append(row, show(k, server))
		}
		fmt.Fprintf(w, "| %s |%s\n", server.name(), cells(row))
	}
}

func cells(texts []string) string { return " " + strings.Join(texts, " | ") + " |" }

// bars are the promises about a figure: a bar beside raw C epoll in some cases,
// and in all to be ahead of every Go peer.
func (s Section) bars(w io.Writer, name, bar string, limit func(k int) (float64, bool)) {
	fmt.Fprintf(w, "| | pairs | %s | | behind any Go peer |\n|---|---|---|---|---|\n", bar)
	for k, title := range s.Cases {
		own := s.ratio(k, "reference", "epoll", name)
		said := "no bar"
		if most, there := limit(k); there {
			said = verdict(own, most)
		}
		var behind []string
		for _, server := range s.Servers {
			if e := s.ratio(k, "reference", server.Name, name); server.Kind == goPeer && e != (Estimate{}) {
				if v := verdict(e, barPeer); v != "met" {
					behind = append(behind, fmt.Sprintf("%s: %s, %s", server.Title, v, interval(e)))
				}
			}
		}
		fmt.Fprintf(w, "| %s | %d | %s | %s | %s |\n", title, len(s.figure(k, "reference", name)), interval(own), said, cmp.Or(strings.Join(behind, "; "), "none"))
	}
}
