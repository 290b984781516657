package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestEstimateBracketsTheMedian(t *testing.T) {
	var xs []float64
	for i := range 41 {
		xs = append(xs, float64((i*17)%41)) // 0…40 in some order, median 20
	}
	e := estimate(xs)
	if e.Mid != 20 || e.Low > 20 || e.High < 20 || e.Low < 8 || e.High > 32 {
		t.Errorf("estimate of 0…40 is %+v", e)
	}
	if one := estimate([]float64{7}); one != (Estimate{7, 7, 7}) {
		t.Errorf("estimate of one value is %+v", one)
	}
}

func TestVerdict(t *testing.T) {
	for want, e := range map[string]Estimate{
		"met":       {1.05, 1.02, 1.10},
		"not shown": {1.05, 1.02, 1.101},
		"missed":    {1.2, 1.11, 1.3},
	} {
		if got := verdict(e, 1.10); got != want {
			t.Errorf("%+v at 1.10: %s, want %s", e, got, want)
		}
	}
}

func TestRatioPairsByRound(t *testing.T) {
	// Each pair doubles, while the level drifts tenfold.
	e := ratio([]float64{2, 20, 200}, []float64{1, 10, 100})
	if e != (Estimate{2, 2, 2}) {
		t.Errorf("ratio %+v, want 2 without spread", e)
	}
}

func TestParseMicro(t *testing.T) {
	got := parseMicro("goos: linux\nBenchmarkPost/eventfd-2 \t 100 \t 12.5 ns/op\t 0.001 writes/post\nPASS\n")
	want := []Micro{{Name: "Post/eventfd", Metrics: map[string]float64{"ns/op": 12.5, "writes/post": 0.001}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReportComesFromTheDataFile(t *testing.T) {
	r := Results{Head: Head{Grid: []Cell{{100, 64, 1}}, Servers: []Shown{
		{Name: "epoll", Title: "raw C epoll", Kind: limit}, {Name: "reference", Title: "reference", Kind: ours}, {Name: "gonet", Title: "Go net", Kind: goPeer},
	}}}
	for round := range 5 {
		for name, cost := range map[string]float64{"epoll": 5, "reference": 5.25, "gonet": 7} {
			r.Samples = append(r.Samples, Sample{Server: name, Round: round, CPU: cost, Rate: 1e5, P50: 400, P99: 900})
			r.Calls = append(r.Calls, CallSample{Server: name, Round: round, Calls: Syscalls{Reads: 1, Writes: 1, Polls: 0.1, Total: 2.1}})
		}
	}
	path := filepath.Join(t.TempDir(), "r.json")
	if err := r.save(path); err != nil {
		t.Fatal(err)
	}
	back, err := loadResults(path)
	if err != nil {
		t.Fatal(err)
	}
	back.Head.Micro = []Micro{
		{Name: "PostFlood/pipe/1", Metrics: map[string]float64{"Mposts/s": 12, "writes/post": 0.002}},
		{Name: "Timers/wheel/10s", Metrics: map[string]float64{"ns/sum": 400}}, {Name: "Timers/wheel/10s", Metrics: map[string]float64{"ns/sum": 500}},
		{Name: "Timers/container-heap/10s", Metrics: map[string]float64{"ns/sum": 800}},
	}
	var b strings.Builder
	back.report(&b)
	for _, want := range []string{
		"| (100,64,1) | 1.050 [1.050, 1.050] | met | 0.750 [0.750, 0.750] Go net | met | none | 1.000 [1.000, 1.000] of raw C epoll's | met |",
		"| 12.0 M/s, 0.0020 writes a post | met |",
		"| 450 ns of 800 ns: 0.56 | missed |",
		"| **reference** | 2.100 (1.00 + 1.00 + 0.10) |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
	svg := filepath.Join(t.TempDir(), "r.svg")
	if err := back.plot(svg); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(svg); err != nil || !strings.Contains(string(text), "N=100 S=64 P=1") {
		t.Errorf("the plot has no panel of the grid point (%v)", err)
	}
}
