package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/reactorspec/reactorspec/suites/load"
)

// Cell is one point of the grid.
type Cell struct {
	Conns int `json:"conns"`
	Size  int `json:"size"`
	Depth int `json:"depth"`
}

func (c Cell) String() string { return fmt.Sprintf("(%d,%d,%d)", c.Conns, c.Size, c.Depth) }

var grid = []Cell{{1, 64, 1}, {100, 64, 1}, {1000, 64, 1}, {100, 64, 16}, {100, 16384, 1}}

// Sample is one short run of one server at one grid point.
type Sample struct {
	Cell   int     `json:"cell"`   // index into Results.Grid
	Server string  `json:"server"` // server.Name
	Round  int     `json:"round"`  // of its cell; runs of one cell and round are neighbours in time and make pairs
	CPU    float64 `json:"cpu"`    // microseconds of CPU a request, all threads
	Rate   float64 `json:"rate"`   // requests a second
	P50    float64 `json:"p50"`    // microseconds
	P99    float64 `json:"p99"`
}

// CallSample is one run of which only the system calls count.
type CallSample struct {
	Cell   int      `json:"cell"`
	Server string   `json:"server"`
	Round  int      `json:"round"`
	Calls  Syscalls `json:"calls"` // a request
}

// plan says how to measure.
type plan struct {
	Bin           string
	ServerCore    int
	GeneratorCore int
	Rounds        int           // pairs a grid point
	RoundsN1      int           // pairs a grid point with one connection; 0: as many
	CallRounds    int           // runs that count system calls
	Slice         time.Duration // measured time of one run
	Warmup        time.Duration
	Servers       []server
	Cells         []int // indices into grid
	ReferenceArgs []string
	Notes         []string         // what was left out, and why
	offered       map[Cell]float64 // requests a second that raw C epoll carries (capacity)
}

// pairs is how many rounds measure a cell's CPU.
func (p plan) pairs(cell int) int {
	if grid[cell].Conns == 1 && p.RoundsN1 > 0 {
		return p.RoundsN1
	}
	return p.Rounds
}

// visits are the cells of a round of the plan: each as often as spreads its pairs
// evenly over the rounds.
func (p plan) visits(round int) (cells []int) {
	for _, k := range p.Cells {
		n := p.pairs(k)
		for range n*(round+1)/p.Rounds - n*round/p.Rounds {
			cells = append(cells, k)
		}
	}
	return cells
}

// measure runs the whole plan: round after round, in each round every cell in
// random order, and in each cell every server in random order, each as a fresh
// process. Slow changes of the machine then fall on all servers alike.
// What was measured so far is handed to kept after each round.
func (p plan) measure(ctx context.Context, seed uint64, say func(string, ...any), kept func([]Sample, []CallSample) error) ([]Sample, []CallSample, error) {
	var samples []Sample
	var calls []CallSample
	random := rand.New(rand.NewPCG(seed, 0))
	done := map[int]int{} // pairs, by cell
	for round := range p.Rounds + p.CallRounds {
		began := time.Now()
		counting := round >= p.Rounds
		cells := p.Cells
		if !counting {
			cells = p.visits(round)
		}
		for _, k := range shuffled(random, cells) {
			for _, s := range shuffled(random, p.Servers) {
				if !s.takesPart(done[k]) && !counting {
					continue
				}
				sample, count, err := p.once(ctx, s, grid[k], counting)
				if err != nil {
					return nil, nil, fmt.Errorf("%s at %v: %w", s.Name, grid[k], err)
				}
				if counting {
					calls = append(calls, CallSample{Cell: k, Server: s.Name, Round: round - p.Rounds, Calls: count})
					continue
				}
				sample.Cell, sample.Server, sample.Round = k, s.Name, done[k]
				samples = append(samples, sample)
			}
			if !counting {
				done[k]++
			}
		}
		if err := kept(samples, calls); err != nil {
			return nil, nil, err
		}
		say("round %d of %d took %v", round+1, p.Rounds+p.CallRounds, time.Since(began).Round(time.Millisecond))
	}
	return samples, calls, nil
}

// once is one run at a point of the grid, of its CPU time or of its system calls.
func (p plan) once(ctx context.Context, s server, c Cell, count bool) (sample Sample, calls Syscalls, err error) {
	if !count {
		r, cpu, err := p.drive(ctx, s, c, nil)
		return Sample{CPU: cpu, Rate: r.Rate(), P50: float64(r.Percentile(50)) / 1e3, P99: float64(r.Percentile(99)) / 1e3}, calls, err
	}
	i, err := p.launch(ctx, s)
	if err != nil {
		return sample, calls, err
	}
	defer i.stop()
	// The counters are opened once the connections stand and the loop is warm.
	var counts *counter
	counted := func(g *load.Generator) (r load.Result, err error) {
		if counts, err = countSyscalls(i.pid); err != nil {
			return r, err
		}
		defer counts.close()
		if r, err = g.Drive(ctx, p.Slice); err != nil {
			return r, err
		}
		calls, err = counts.read()
		return r, err
	}
	r, _, err := p.driveOn(ctx, s, i, c, counted)
	n := float64(r.Requests)
	return sample, Syscalls{Reads: calls.Reads / n, Writes: calls.Writes / n, Polls: calls.Polls / n, Total: calls.Total / n}, err
}

// launch starts a server as the plan says.
func (p plan) launch(ctx context.Context, s server) (*instance, error) {
	var args []string
	if s.Kind == ours {
		args = p.ReferenceArgs
	}
	return launch(ctx, p.Bin, s, p.ServerCore, args...)
}

// warmth is how long a server is driven before it is measured.
func (p plan) warmth(s server) time.Duration { return max(p.Warmup, s.Warmup) }

func (p plan) options(s server, i *instance, c Cell) load.Options {
	return load.Options{Addr: i.addr, Conns: c.Conns, Size: c.Size, Depth: c.Depth, Duration: p.Slice, SignOn: s.SignOn}
}

// drive is driveOn of an instance of its own.
func (p plan) drive(ctx context.Context, s server, c Cell, measured func(*load.Generator) (load.Result, error)) (load.Result, float64, error) {
	i, err := p.launch(ctx, s)
	if err != nil {
		return load.Result{}, 0, err
	}
	defer i.stop()
	return p.driveOn(ctx, s, i, c, measured)
}

// driveOn connects to an instance, warms it up, and measures between two moments
// at which nothing is in flight: a closed loop, unless measured is something else.
// It returns the result and the server's CPU time a request, in µs.
func (p plan) driveOn(ctx context.Context, s server, i *instance, c Cell, measured func(*load.Generator) (load.Result, error)) (r load.Result, cpu float64, err error) {
	g, err := load.Dial(ctx, p.options(s, i, c))
	if err != nil {
		return r, 0, err
	}
	defer g.Close()
	if _, err := g.Drive(ctx, p.warmth(s)); err != nil {
		return r, 0, err
	}
	if measured == nil {
		measured = func(g *load.Generator) (load.Result, error) { return g.Drive(ctx, p.Slice) }
	}
	before, err := processCPU(i.pid)
	if err != nil {
		return r, 0, err
	}
	if r, err = measured(g); err != nil {
		return r, 0, err
	}
	after, err := processCPU(i.pid)
	return r, float64(after-before) / 1e3 / float64(r.Requests), err
}

func shuffled[T any](random *rand.Rand, in []T) []T {
	out := append([]T(nil), in...)
	random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
