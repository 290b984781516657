package main

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sampleSection has the reference at 1.2 times raw C epoll in every round.
func sampleSection() Section {
	s := Section{Measured: Measured{Rounds: 3, Servers: shown(servers[:4]), Notes: []string{"a note"}}, Cases: []string{"one", "two"}}
	for round := range s.Rounds {
		for k := range s.Cases {
			for i, name := range []string{"epoll", "reference", "gonet"} {
				s.Runs = append(s.Runs, Run{Case: k, Server: name, Round: round, Figures: Figures{"cpu": float64(round+1) * []float64{10, 12, 15}[i]}})
			}
		}
	}
	return s
}

func TestSectionsComeBackAsWritten(t *testing.T) {
	dir := t.TempDir()
	want := sampleSection()
	if err := want.save(filepath.Join(dir, "churn.json")); err != nil {
		t.Fatal(err)
	}
	got, err := loadSection(dir, "churn")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if never, err := loadSection(dir, "growth"); err != nil || len(never.Runs) > 0 {
		t.Errorf("a section that was never measured: %+v, %v", never, err)
	}
}

// Pairs are of one round: the machine may slow down threefold from round to round.
func TestSectionRatiosArePairs(t *testing.T) {
	s := sampleSection()
	if e := s.ratio(0, "reference", "epoll", "cpu"); e.Low != 1.2 || e.High != 1.2 {
		t.Errorf("ratio is %+v, want 1.2 in every round", e)
	}
	if e := s.ratio(0, "gnet", "epoll", "cpu"); e != (Estimate{}) {
		t.Errorf("ratio of one that did not run: %+v", e)
	}
	s.Runs = s.Runs[:1] // epoll's first round alone
	if e := s.ratio(0, "reference", "epoll", "cpu"); e != (Estimate{}) {
		t.Errorf("ratio without a pair: %+v", e)
	}
}

func TestBarsOfASection(t *testing.T) {
	var b strings.Builder
	s := sampleSection()
	s.bars(&b, "cpu", "CPU ≤ 1.10", func(k int) (float64, bool) { return 1.10, k == 0 })
	for _, want := range []string{"| one | 3 | 1.200 [1.200, 1.200] | missed | none |", "| two | 3 | 1.200 [1.200, 1.200] | no bar | none |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no line %q in\n%s", want, b.String())
		}
	}
}

func TestMemoryIsReadInBytes(t *testing.T) {
	if n, err := kib([]byte("Rss:   10 kB\nPss:  3 kB\n"), "Pss:"); err != nil || n != 3072 {
		t.Errorf("Pss of 3 kB: %v, %v", n, err)
	}
	if _, err := kib([]byte("Rss: 10 kB\n"), "Pss:"); err == nil {
		t.Error("a line that is not there was found")
	}
}

func TestSeldomPeersTakePartInAPartOfTheRounds(t *testing.T) {
	n := 0
	for round := range 16 {
		if (server{Every: seldom}).takesPart(round) {
			n++
		}
	}
	if n != 16/seldom || !(server{}).takesPart(3) {
		t.Errorf("%d of 16 rounds, want %d", n, 16/seldom)
	}
}
