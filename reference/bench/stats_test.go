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

// An interval that straddles the bar shows nothing, wherever its middle is.
func TestCallVerdict(t *testing.T) {
	for _, x := range []struct {
		e    Estimate
		want string
	}{
		{Estimate{0.98, 0.92, 1.000}, "met"},
		{Estimate{0.982, 0.923, 1.001}, "met (equal within 0.5 %)"},
		{Estimate{1.002, 1.001, 1.005}, "met (equal within 0.5 %)"},
		{Estimate{0.990, 0.877, 1.058}, "not shown"},
		{Estimate{1.004, 0.999, 1.006}, "not shown"},
		{Estimate{1.02, 1.001, 1.03}, "missed"},
	} {
		if got := callVerdict(x.e); got != x.want {
			t.Errorf("%+v: %s, want %s", x.e, got, x.want)
		}
	}
}

func TestVisitsSpreadThePairs(t *testing.T) {
	p := plan{Rounds: 32, RoundsN1: 128, Cells: []int{0, 1, 2}}
	if grid[0].Conns != 1 {
		t.Fatalf("the first grid point is %v", grid[0])
	}
	visits := map[int]int{}
	for round := range p.Rounds {
		cells := p.visits(round)
		if len(cells) != 4+1+1 {
			t.Errorf("round %d visits %v", round, cells)
		}
		for _, k := range cells {
			visits[k]++
		}
	}
	if visits[0] != 128 || visits[1] != 32 || visits[2] != 32 {
		t.Errorf("pairs by cell %v, want 128, 32, 32", visits)
	}
	p.RoundsN1 = 0
	if cells := p.visits(7); len(cells) != 3 {
		t.Errorf("without -rounds-n1 a round visits %v", cells)
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
	r := Results{Head: Head{Grid: []Cell{{100, 64, 1}}, Measured: Measured{Servers: []Shown{
		{Name: "epoll", Title: "raw C epoll", Kind: limit}, {Name: "reference", Title: "reference", Kind: ours}, {Name: "gonet", Title: "Go net", Kind: goPeer},
	}}}}
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
		"| (100,64,1) | 5, 5 | 1.050 [1.050, 1.050] | met | 0.750 [0.750, 0.750] Go net | met | none | 1.000 [1.000, 1.000] of raw C epoll's | met |",
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
