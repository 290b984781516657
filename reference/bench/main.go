// Command bench measures the reference beside other echo servers and writes
// what it found: results.json, and from it RESULTS.md and results.svg.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
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
	)
	flag.StringVar(&p.Bin, "bin", "bin", "directory of the built servers")
	flag.IntVar(&p.ServerCore, "server-core", 0, "core of the servers")
	flag.IntVar(&p.GeneratorCore, "generator-core", 1, "core of the load generator")
	flag.IntVar(&p.Rounds, "rounds", 32, "runs of each server at each grid point; pairs of the ratios")
	flag.IntVar(&p.RoundsN1, "rounds-n1", 0, "the same at the grid point with one connection, whose differences are the smallest; 0 is as many as -rounds")
	flag.IntVar(&p.CallRounds, "call-rounds", 9, "further runs that count system calls")
	flag.DurationVar(&p.Slice, "slice", 250*time.Millisecond, "measured time of one run")
	flag.DurationVar(&p.Warmup, "warmup", 60*time.Millisecond, "time driven before each measurement")
	flag.Parse()
	if p.Rounds < 1 || p.RoundsN1 < 0 || p.CallRounds < 0 {
		return errors.New("-rounds must be 1 or more, -rounds-n1 and -call-rounds not negative")
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

	r := Results{Head: Head{When: time.Now().UTC().Truncate(time.Second), Machine: describe(), Commit: commit(), Seed: *seed,
		Rounds: p.Rounds, RoundsN1: p.RoundsN1, CallRounds: p.CallRounds, SliceMS: p.Slice.Milliseconds(), Grid: grid}}
	for _, s := range p.Servers {
		r.Head.Servers = append(r.Head.Servers, Shown{Name: s.Name, Title: s.Title, Kind: s.Kind, Version: s.Version})
	}
	if *micro != "" {
		text, err := os.ReadFile(*micro)
		if err != nil {
			return err
		}
		r.Head.Micro = parseMicro(string(text))
	}
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	r.Samples, r.Calls, err = p.measure(ctx, *seed, say)
	if err != nil {
		return err
	}
	if err := r.save(*data); err != nil {
		return err
	}
	r.summary(os.Stdout)
	if *only != "" || *cells != "" || *quick {
		return nil
	}
	return r.render()
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
