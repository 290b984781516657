package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites/load"
)

// growthSizes are the connections that are open; a tenth of them, but one at
// least, is active.
var (
	growthSizes = []int{1, 10, 100, 1000, 10_000}
	growthCases = []string{"N = 1", "N = 10", "N = 100", "N = 1,000", "N = 10,000"}
)

// barGrowth is by how much the ratio of the reference's CPU a request to raw C
// epoll's may be greater at any N than at one connection.
const barGrowth = 0.05

const idleConns = 10_000

// grow is CPU a request while nine in ten connections are idle.
func (p plan) grow(ctx context.Context, _ *Section, k int, server server) (Figures, error) {
	i, err := p.launch(ctx, server)
	if err != nil {
		return nil, err
	}
	defer i.stop()
	active := max(1, growthSizes[k]/10)
	if idle := growthSizes[k] - active; idle > 0 {
		g, err := load.Dial(ctx, p.options(server, i, Cell{idle, 64, 1}))
		if err != nil {
			return nil, err
		}
		defer g.Close()
	}
	r, cpu, err := p.driveOn(ctx, server, i, Cell{active, 64, 1}, nil)
	if err != nil {
		return nil, err
	}
	return Figures{"cpu": cpu, "rate": r.Rate(), "p99": float64(r.Percentile(99)) / 1e3}, nil
}

// idle is what connections cost that do nothing: memory of the process, its Go
// heap, and the kernel's.
func (p plan) idle(ctx context.Context, _ *Section, _ int, server server) (Figures, error) {
	i, err := p.launch(ctx, server)
	if err != nil {
		return nil, err
	}
	defer i.stop()
	if _, _, err := p.driveOn(ctx, server, i, Cell{1, 64, 1}, nil); err != nil { // what is made once is made
		return nil, err
	}
	before, err := i.memory()
	if err != nil {
		return nil, err
	}
	g, err := load.Dial(ctx, p.options(server, i, Cell{idleConns, 64, 1}))
	if err != nil {
		return nil, err
	}
	defer g.Close()
	if _, err := g.Drive(ctx, time.Nanosecond); err != nil { // one exchange each
		return nil, err
	}
	after, err := i.memory()
	if err != nil {
		return nil, err
	}
	figures := Figures{}
	for name, was := range before {
		figures[name] = (after[name] - was) / idleConns
	}
	return figures, nil
}

// memory is the process's proportional set size, the Go heap in use where the
// peer can tell it, and the slabs of the whole kernel, in bytes.
func (i *instance) memory() (map[string]float64, error) {
	found := map[string]float64{}
	if err := i.heap(found); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", i.pid))
	if err != nil {
		return nil, err
	}
	if found["resident"], err = kib(b, "Pss:"); err != nil {
		return nil, err
	}
	if b, err = os.ReadFile("/proc/meminfo"); err != nil {
		return nil, err
	}
	found["kernel"], err = kib(b, "Slab:")
	return found, err
}

// heap asks a Go peer for its heap in use, after a collection (peers/heap).
func (i *instance) heap(found map[string]float64) error {
	if i.heapFile == "" {
		return nil
	}
	if err := os.Remove(i.heapFile); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := i.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return err
	}
	for until := time.Now().Add(startLimit); ; <-time.After(time.Millisecond) {
		b, err := os.ReadFile(i.heapFile)
		if err == nil {
			found["heap"], err = strconv.ParseFloat(strings.TrimSpace(string(b)), 64)
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("it does not say its heap in %s: %w", i.heapFile, err)
		}
	}
}

// kib is the value of a line "Name: 12 kB", in bytes.
func kib(text []byte, name string) (float64, error) {
	for l := range bytes.Lines(text) {
		f := strings.Fields(string(l))
		if len(f) >= 2 && f[0] == name {
			n, err := strconv.ParseFloat(f[1], 64)
			return n * 1024, err
		}
	}
	return 0, fmt.Errorf("no line %s", name)
}

func growthReport(s Section) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Closed loop, 64 bytes, one request in flight on each active connection; a tenth of the N connections (at least one) is active, and the others stay open and idle.\n\n")
	first, last := s.ratio(0, "reference", "epoll", "cpu"), s.ratio(0, "reference", "epoll", "cpu")
	for k := range s.Cases {
		if e := s.ratio(k, "reference", "epoll", "cpu"); e.Mid > last.Mid {
			last = e
		}
	}
	rise := last.Mid - first.Mid
	fmt.Fprintf(&b, "| bar | measured | |\n|---|---|---|\n| the reference's ratio to raw C epoll does not rise with N by more than %.2f | %.3f at N = 1, %.3f at most: %+.3f | %s |\n\n", barGrowth, first.Mid, last.Mid, rise, met(rise <= barGrowth))
	fmt.Fprint(&b, "Server CPU a request, µs (over raw C epoll's):\n\n")
	s.table(&b, func(k int, server Shown) string {
		return fmt.Sprintf("%s (%s)", s.number(k, server.Name, "cpu", 2), interval(s.ratio(k, server.Name, "epoll", "cpu")))
	})
	return b.String()
}

func idleReport(s Section) string {
	var b strings.Builder
	fmt.Fprintf(&b, "10,000 connections with one exchange each, then idle: bytes a connection. Resident is the process's proportional set size; the heap is Go's, in use after a collection;\nthe kernel's are the slabs of both ends of each connection, the same for all but for what a server registers.\n\n")
	own, _ := s.median(0, "reference", "resident")
	verdict, beaten := "met", ""
	for _, server := range s.Servers {
		if x, ok := s.median(0, server.Name, "resident"); ok && server.Kind == goPeer && x <= own {
			verdict, beaten = "missed", beaten+" "+server.Title
		}
	}
	fmt.Fprintf(&b, "| bar | measured | |\n|---|---|---|\n| resident memory below every Go peer's | %.0f bytes%s | %s |\n\n", own, beaten, verdict)
	fmt.Fprint(&b, "| server | resident | Go heap | kernel, both ends |\n|---|---|---|---|\n")
	for _, server := range s.Servers {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", server.name(), s.number(0, server.Name, "resident", 0), s.number(0, server.Name, "heap", 0), s.number(0, server.Name, "kernel", 0))
	}
	return b.String()
}
