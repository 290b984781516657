package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"

	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// buildAll builds the targets, as many beside each other as there are processors:
// before the first is judged, since a build would disturb that. What cannot be
// built on this machine for lack of a toolchain is to be skipped.
func buildAll(ctx context.Context, out io.Writer, list []*entrant) {
	waiting := make(chan *entrant)
	var said sync.Mutex
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for e := range waiting {
				builds := len(e.file.Build) > 0 && e.run == nil
				e.build(ctx)
				if builds && ctx.Err() == nil {
					said.Lock()
					fmt.Fprintf(out, "%s\n", report.Clean(e.progress()))
					said.Unlock()
				}
			}
		})
	}
	for _, e := range list {
		waiting <- e
	}
	close(waiting)
	workers.Wait()
}

// progress says what a build came to. Why not is said when it is the target's turn.
func (e *entrant) progress() string {
	switch {
	case e.built:
		return "built " + e.name
	case e.skipped != "":
		return "not built " + e.name + ": skipped"
	}
	return "not built " + e.name + ": the build failed"
}

// build builds one target, or notes why it cannot be judged here.
func (e *entrant) build(ctx context.Context) {
	if e.run != nil || ctx.Err() != nil {
		return
	}
	if e.skipped = e.lacking(); e.skipped != "" {
		return
	}
	judged := target.Target{File: e.file}
	err := judged.Build(ctx)
	var launch *target.LaunchError
	switch {
	case err == nil:
		e.built = true
	case ctx.Err() != nil:
	case errors.Is(err, target.ErrUnsupported) && errors.As(err, &launch):
		e.skipped = lastLineOr(launch.Stderr, "its build says that it cannot be made here (exit 127)")
	case errors.Is(err, target.ErrBuild) && errors.As(err, &launch) && notThere(e.file.Build):
		e.skipped = e.file.Build[0] + " is not installed"
	case errors.Is(err, target.ErrProc):
		e.run = e.lost(report.Harness, err.Error())
	default:
		e.run = e.lost(report.Start, err.Error())
		if errors.As(err, &launch) {
			e.run.Target.Stderr = launch.Stderr
		}
	}
}

// lacking says which program a target is started by that is not on this machine, or which
// user.
// What the build makes is looked for later.
func (e *entrant) lacking() string {
	if notThere(e.file.Start) {
		return e.file.Start[0] + " is not installed"
	}
	if err := e.file.UserKnown(); err != nil {
		return err.Error()
	}
	return ""
}

// notThere reports whether a command is a bare name that is not in the PATH.
func notThere(command target.Command) bool {
	if len(command) == 0 || strings.ContainsRune(command[0], '/') {
		return false
	}
	_, err := exec.LookPath(command[0])
	return err != nil
}

// lastLineOr is the last line of what a shell printed, without its own prefix.
func lastLineOr(text, otherwise string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return otherwise
	}
	return text[strings.LastIndexByte(text, '\n')+1:]
}
