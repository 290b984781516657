// Command stress shows that verdicts hold on a busy machine: it judges the
// reference many times while both cores are kept busy, and then the timing
// faults, which must still be called broken.
//
// Exit 0: no fail, at most 2 % of what was judged inconclusive, ten timing faults,
// each called fail in at least nine of ten runs, and a load that lasted. The last
// line of its output is a summary.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites/proof"
	"github.com/reactorspec/reactorspec/suites/report"
)

const (
	timingFaults   = 10   // that there are to be
	faultRuns      = 10   // runs of each
	faultsCaught   = 9    // of them must be called fail
	inconclusiveAt = 0.02 // the greatest share of inconclusive outcomes
)

func main() {
	n := flag.Int("n", 30, "runs of the reference")
	command := flag.String("command", "bin/reactorspec", "the built command")
	faults := flag.Bool("faults", true, "judge the timing faults too")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	ok, err := stress(ctx, *command, *n, *faults)
	if err != nil {
		fmt.Fprintln(os.Stderr, "stress:", err)
		os.Exit(3)
	}
	if !ok {
		os.Exit(1)
	}
}

func stress(ctx context.Context, command string, n int, faults bool) (bool, error) {
	root, err := proof.Root()
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "stress")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	built, err := buildTimingFaults(ctx, root, dir, faults) // before the load: it is no target
	if err != nil {
		return false, err
	}
	if len(built) != timingFaults && faults {
		return false, fmt.Errorf("%d faults are marked as timing faults, want %d", len(built), timingFaults)
	}
	stop, err := hogs(ctx, runtime.NumCPU())
	if err != nil {
		return false, err
	}
	stopped := false
	defer func() {
		if !stopped {
			stop()
		}
	}()

	started := time.Now()
	outcomes := map[report.Outcome]int{}
	total := 0
	for i := range n {
		run, err := check(ctx, command, filepath.Join(dir, "run.json"), uint64(i+1))
		if err != nil {
			return false, err
		}
		for _, r := range run.Results {
			if r.Outcome == report.Unsupported || r.Outcome == report.Untested {
				continue
			}
			outcomes[r.Outcome]++
			total++
			if r.Outcome != report.Pass {
				fmt.Printf("run %d (seed %d): %s %s: %s\n", i+1, run.Seed, r.Clause, r.Outcome, r.Reason)
			}
		}
		fmt.Printf("run %d of %d: %s, %.0f s\n", i+1, n, run.Verdict.Word, run.Took.Seconds())
	}
	ok := outcomes[report.Fail]+outcomes[report.Error] == 0 && float64(outcomes[report.Inconclusive]) <= inconclusiveAt*float64(total)

	caught := 0
	for _, b := range built {
		times, err := b.caught(ctx)
		if err != nil {
			return false, err
		}
		fmt.Printf("timing fault %s: called broken in %d of %d runs\n", b.fault.Name, times, faultRuns)
		if times >= faultsCaught {
			caught++
		}
	}
	stopped = true
	if !stop() {
		return false, errors.New("the load ended before the run did, so the run shows nothing")
	}
	ok = ok && caught == len(built)
	fmt.Printf("stress: %d runs, %d judged, %d fail, %d warn, %d error, %d inconclusive (%.2f %%); %d of %d timing faults caught; %d cores busy; %.0f s\n",
		n, total, outcomes[report.Fail], outcomes[report.Warn], outcomes[report.Error], outcomes[report.Inconclusive],
		100*float64(outcomes[report.Inconclusive])/float64(max(1, total)), caught, len(built), runtime.NumCPU(), time.Since(started).Seconds())
	return ok, nil
}

// check runs the command on the reference and reads its report.
func check(ctx context.Context, command, file string, seed uint64) (report.Run, error) {
	var run report.Run
	os.Remove(file)
	cmd := exec.CommandContext(ctx, command, "check", "--seed", fmt.Sprint(seed), "--json", file)
	out, failed := cmd.CombinedOutput()
	text, err := os.ReadFile(file)
	if err != nil {
		return run, fmt.Errorf("%s wrote no report: %v: %s", command, failed, out)
	}
	return run, json.Unmarshal(text, &run)
}

type timing struct {
	fault   proof.Fault
	command []string
}

func buildTimingFaults(ctx context.Context, root, dir string, wanted bool) ([]timing, error) {
	var built []timing
	for _, f := range proof.Faults() {
		if !f.Timing || !wanted {
			continue
		}
		command, err := f.Build(ctx, root, dir)
		if err != nil {
			return nil, err
		}
		built = append(built, timing{f, command})
	}
	return built, nil
}

// caught counts in how many of the runs every named clause was broken.
func (b timing) caught(ctx context.Context) (int, error) {
	times := 0
	for range faultRuns {
		finding, err := b.fault.Judge(ctx, b.command, b.fault.Breaks)
		if err != nil {
			return 0, err
		}
		if len(finding.Missed)+len(finding.Unclear) == 0 {
			times++
		} else {
			fmt.Print(finding)
		}
	}
	return times, nil
}

// hogs keeps n cores busy with processes of their own until stop, or until we end.
//
// They are to die with us, and the kernel means by that the thread that started
// them (prctl(2), PR_SET_PDEATHSIG): that thread is kept for as long as they run.
// stop reports whether all of them ran until then.
func hogs(ctx context.Context, n int) (stop func() bool, err error) {
	started, release := make(chan struct{}), make(chan struct{})
	var end func() bool
	go func() {
		runtime.LockOSThread()
		end, err = startHogs(ctx, n)
		close(started)
		<-release
	}()
	<-started
	return func() bool { defer close(release); return end() }, err
}

func startHogs(ctx context.Context, n int) (stop func() bool, err error) {
	var running []*exec.Cmd
	ended := make(chan struct{}, n)
	stop = func() bool {
		lasted := len(ended) == 0
		for _, cmd := range running {
			_ = cmd.Process.Kill()
		}
		for range running {
			<-ended
		}
		return lasted
	}
	for range n {
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", "while :; do :; done")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			stop()
			return nil, err
		}
		running = append(running, cmd)
		go func() {
			_ = cmd.Wait()
			ended <- struct{}{}
		}()
	}
	return stop, nil
}
