// Command bench measures the reference beside other echo servers and writes
// what it found: results.json, and from it RESULTS.md and results.svg.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var (
		p      = plan{}
		seed   = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the shuffles")
		data   = flag.String("data", "results.json", "data file: written after measuring, read by -render")
		render = flag.Bool("render", false, "measure nothing; write RESULTS.md and the plot from the data file")
		only   = flag.String("servers", "", "comma-separated servers instead of all; renders nothing")
		cells  = flag.String("cells", "", "comma-separated indices into the grid instead of all; renders nothing")
		args   = flag.String("reference", "", "space-separated extra flags of serve for the reference")
		quick  = flag.Bool("quick", false, "print the summary and render nothing")
		micro  = flag.String("micro", "", "output of go test -bench to take into the data file")
		extra  = flag.String("section", "", "measure this section instead of the grid: tails, churn, growth or idle; its data file is NAME.json beside -data")
	)
	flag.StringVar(&p.Bin, "bin", "bin", "directory of the built servers")
	flag.IntVar(&p.ServerCore, "server-core", 0, "core of the servers")
	flag.IntVar(&p.GeneratorCore, "generator-core", 1, "core of the load generator")
	flag.IntVar(&p.Rounds, "rounds", 0, "runs of each server at each grid point; pairs of the ratios; 0 is 32 for the grid, and what each section has as its own")
	flag.IntVar(&p.RoundsN1, "rounds-n1", 0, "the same at the grid point with one connection, whose differences are the smallest; 0 is as many as -rounds")
	flag.IntVar(&p.CallRounds, "call-rounds", 9, "further runs that count system calls")
	flag.DurationVar(&p.Slice, "slice", 250*time.Millisecond, "measured time of one run")
	flag.DurationVar(&p.Warmup, "warmup", 60*time.Millisecond, "time driven before each measurement")
	flag.Parse()
	if p.Rounds < 0 || p.RoundsN1 < 0 || p.CallRounds < 0 {
		return errors.New("-rounds, -rounds-n1 and -call-rounds must not be negative")
	}
	if *render {
		r, err := loadResults(*data)
		if err != nil {
			return err
		}
		return r.render()
	}
	var err error
	if p.Servers, err = choose(*only); err != nil {
		return err
	}
	if p.Cells, err = chooseCells(*cells); err != nil {
		return err
	}
	p.ReferenceArgs = strings.Fields(*args)

	if *extra != "" {
		p.CallRounds = 0 // the grid's alone
	}
	if err := p.ready(); err != nil {
		return err
	}
	for _, note := range p.Notes {
		fmt.Fprintln(os.Stderr, "bench:", note)
	}
	// Servers are killed when the thread that started them ends: keep to this one.
	runtime.LockOSThread()
	if err := pin(p.GeneratorCore); err != nil {
		return err
	}
	unspin, err := spin(p.Bin, p.ServerCore, p.GeneratorCore)
	if err != nil {
		return err
	}
	defer unspin()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()

	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	whole := *only == "" && *cells == "" && !*quick
	if *extra != "" {
		index := slices.IndexFunc(sections, func(s section) bool { return s.name == *extra })
		if index < 0 {
			return fmt.Errorf("no section %q: use tails, churn, growth or idle", *extra)
		}
		s, err := p.section(ctx, index, *seed, filepath.Join(filepath.Dir(*data), *extra+".json"), say)
		if err != nil {
			return err
		}
		fmt.Print(sections[index].report(s))
		if !whole {
			return nil
		}
		r, err := loadResults(*data)
		if err != nil {
			return err
		}
		return r.render()
	}

	p.Rounds = cmp.Or(p.Rounds, 32)
	r := Results{Head: Head{Measured: p.measured(*seed), RoundsN1: p.RoundsN1, CallRounds: p.CallRounds, Grid: grid}}
	if *micro != "" {
		text, err := os.ReadFile(*micro)
		if err != nil {
			return err
		}
		r.Head.Micro = parseMicro(string(text))
	}
	keep := func(samples []Sample, calls []CallSample) error {
		r.Samples, r.Calls = samples, calls
		return r.save(*data)
	}
	if _, _, err = p.measure(ctx, *seed, say, keep); err != nil {
		return err
	}
	r.summary(os.Stdout)
	if !whole {
		return nil
	}
	return r.render()
}

// descriptors are what the largest case of the growth takes, with some to spare,
// in this process and in a server.
const descriptors = idleConns + 1000

// ready looks for what the plan needs before anything is measured, and takes out
// what cannot be had, with a note.
func (p *plan) ready() error {
	p.offered = map[Cell]float64{}
	if n := runtime.NumCPU(); n < 2 {
		return fmt.Errorf("this machine has %d core: the server and the generator want one each", n)
	}
	for _, name := range []string{"taskset", filepath.Join(p.Bin, "spinner")} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w: install util-linux, and run make build", err)
		}
	}
	// Set by hand, so that the servers inherit it: os/exec gives back what Go itself raised.
	var have syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &have); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	if have.Max < descriptors {
		return fmt.Errorf("at most %d descriptors are allowed (ulimit -Hn), and the growth takes %d", have.Max, descriptors)
	}
	have.Cur = max(have.Cur, descriptors)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &have); err != nil {
		return os.NewSyscallError("setrlimit", err)
	}
	if p.CallRounds > 0 { // seen by counting once: tracefs may be there, and perf_event_open(2) refused
		trial, err := countSyscalls(os.Getpid())
		if err == nil {
			trial.close()
		} else {
			p.CallRounds = 0
			p.Notes = append(p.Notes, fmt.Sprintf("System calls were not counted: that needs root and tracefs (%v).", err))
		}
	}
	p.Servers = slices.DeleteFunc(slices.Clone(p.Servers), func(s server) bool {
		_, err := os.Stat(filepath.Join(p.Bin, s.Name))
		if err == nil {
			return false
		}
		p.Notes = append(p.Notes, fmt.Sprintf("%s is left out: it was not built.", s.Title))
		return true
	})
	for _, name := range []string{"epoll", "reference"} {
		if !slices.ContainsFunc(p.Servers, func(s server) bool { return s.Name == name }) {
			return fmt.Errorf("%s is missing in %s: run make build; all ratios are to it", name, p.Bin)
		}
	}
	return nil
}

func choose(names string) ([]server, error) {
	if names == "" {
		return servers, nil
	}
	var some []server
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(servers, func(s server) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no server %q: see the directories under peers", name)
		}
		some = append(some, servers[i])
	}
	return some, nil
}

func chooseCells(indices string) ([]int, error) {
	var some []int
	if indices == "" {
		for i := range grid {
			some = append(some, i)
		}
		return some, nil
	}
	for text := range strings.SplitSeq(indices, ",") {
		i, err := strconv.Atoi(text)
		if err != nil || i < 0 || i >= len(grid) {
			return nil, errors.New("-cells takes indices from 0 to " + strconv.Itoa(len(grid)-1))
		}
		some = append(some, i)
	}
	return some, nil
}
