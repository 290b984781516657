package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// recordable finds out before anything is started whether a target file can be
// written of what is about to be judged.
func (f *checkFlags) recordable(command []string) error {
	switch {
	case f.record == "":
		return nil
	case f.addr != "":
		return errors.New("--record with --addr: a target file starts the server: give its command after --")
	case f.embedded(command):
		return errors.New("--record names no server: give its command after --, or --target")
	}
	kept := view{flag: "record", path: f.record}
	if err := kept.writable(); err != nil {
		return err
	}
	return apartFrom(append(f.reports.views(), kept))
}

// recorded makes today's failures of a judged run expected ones, of the target in
// the file that it writes and of the run itself. promised: what it was judged by
// beyond its file.
func (f *checkFlags) recorded(run *report.Run, judged target.Target, promised []string, out io.Writer) error {
	if run.Problem != nil {
		return fmt.Errorf("--record %s: nothing is recorded: %s", f.record, run.Problem.Message)
	}
	file := judged.File
	file.Spec = cmp.Or(f.version, file.Spec, spec.Writing)
	for _, id := range promised {
		if !slices.Contains(file.Promises, id) {
			file.Promises = append(slices.Clip(file.Promises), id)
		}
	}
	file.Expected = known(run.Results, file.Expected)
	if file.Path == "" {
		file.Name = nameOf(file.Start)
	}
	head := fmt.Sprintf(`# Recorded by %s. What was broken then is listed below as expected, so that
#   reactorspec check --target %s
# ends with 0 until something gets worse. "frequency: sometimes" lets a listed clause pass, too.
# Change it to always to be told when the clause is kept again.
`, Version(), filepath.Base(f.record))
	if err := rewrite(run, file, f.record, head); err != nil {
		return fmt.Errorf("--record %w", err)
	}
	of := ""
	if len(run.Selected) > 0 {
		of = "; only the selected clauses were judged, so select the same ones when you check by it"
	}
	fmt.Fprintf(out, "recorded in %s: spec %s, known failures: %d%s\n", report.Clean(f.record), file.Spec, len(file.Expected), of)
	return nil
}

// rerecorded makes today's failures of a judged target the expected ones of its file.
// Which spec binds the target stays as it is.
func (e *entrant) rerecorded(run *report.Run, out io.Writer) error {
	if run.Problem != nil {
		fmt.Fprintf(out, "  not recorded: %s\n", report.Clean(run.Problem.Message))
		return nil
	}
	file := e.file
	file.Expected = known(run.Results, file.Expected)
	if reflect.DeepEqual(file.Expected, e.file.Expected) {
		return nil
	}
	if err := rewrite(run, file, e.path, ""); err != nil {
		return fmt.Errorf("--record %w", err)
	}
	fmt.Fprintf(out, "  recorded in %s: known failures: %d; before: %d\n", report.Clean(e.path), len(file.Expected), len(e.file.Expected))
	return nil
}

// rewrite writes the target file at path and judges the run by what is expected there.
func rewrite(run *report.Run, file target.File, path, head string) error {
	text, err := file.Recorded(path, head)
	if err == nil {
		err = report.WriteFile(path, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
	}
	if err != nil {
		return err
	}
	run.Target.Spec, run.Target.Expected = file.Spec, judging.Expecting(file).Expected
	for i := range run.Results {
		if r := &run.Results[i]; r.Outcome == report.UnexpectedPass { // its entry is gone
			r.Outcome, r.Reason, r.Expected, r.Link = report.Pass, "", "", ""
		}
	}
	report.Judge(run)
	return nil
}

// nameOf is a name for what a command starts: its program, also where a shell runs it.
func nameOf(start target.Command) string {
	words := strings.Fields(start.String())
	if len(words) > 1 && words[0] == "exec" {
		words = words[1:]
	}
	return filepath.Base(words[0])
}

// known lists the failures of today, in the order of the spec: those that were known
// as they were written down, and the new ones. What is no longer broken is left out;
// what was not judged today stays.
func known(results []report.Result, before []target.Expected) (after []target.Expected) {
	came := make(map[string]report.Result)
	for _, r := range results {
		came[r.Clause] = r
	}
	written := make(map[string]target.Expected)
	for _, e := range before {
		written[e.Clause] = e
	}
	for _, clause := range spec.Clauses() {
		entry, listed := written[clause.ID]
		switch r := came[clause.ID]; r.Outcome {
		case report.Fail, report.Warn:
			entry, listed = target.Expected{Clause: clause.ID, Reason: cmp.Or(strings.TrimSpace(report.Clean(r.Reason)), "it was broken when this was recorded"), Frequency: target.Sometimes}, true
		case report.UnexpectedPass, report.Unsupported, report.Advice: // what binds nobody needs no entry
			listed = false
		}
		if listed {
			after = append(after, entry)
		}
	}
	return after
}
