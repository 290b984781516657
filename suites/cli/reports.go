package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// reportFlags name the files that a run is written to; - is standard output.
type reportFlags struct {
	json, junit, html, badge string
}

func (f *reportFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.json, "json", "", "write the run as JSON to this `file`; - is standard output")
	flags.StringVar(&f.junit, "junit", "", "write the run as JUnit XML to this `file`")
	flags.StringVar(&f.html, "html", "", "write the run as an HTML page to this `file`")
	flags.StringVar(&f.badge, "badge", "", "write the verdict as an SVG badge to this `file`")
}

// each calls f for every report that was asked for.
func (f *reportFlags) each(do func(flag, path string, write func(io.Writer, *report.Run) error) error) error {
	views := []struct {
		flag, path string
		write      func(io.Writer, *report.Run) error
	}{
		{"json", f.json, report.WriteJSON},
		{"junit", f.junit, func(w io.Writer, run *report.Run) error { return report.WriteJUnit(w, run) }},
		{"html", f.html, func(w io.Writer, run *report.Run) error { return report.WriteHTML(w, []*report.Run{run}) }},
		{"badge", f.badge, report.WriteBadge},
	}
	var errs []error
	for _, view := range views {
		if view.path != "" {
			errs = append(errs, do(view.flag, view.path, view.write))
		}
	}
	return errors.Join(errs...)
}

func (f *reportFlags) toStdout() bool {
	stdout := false
	_ = f.each(func(_, path string, _ func(io.Writer, *report.Run) error) error {
		stdout = stdout || path == "-"
		return nil
	})
	return stdout
}

// unwritable is the error of a report that cannot be written where it was asked for.
type unwritable struct{ error }

func (u unwritable) Unwrap() error { return u.error }

// writable finds out before anything is started whether the reports can be
// written, so that no run is made for nothing.
func (f *reportFlags) writable() error {
	err := f.each(func(flag, path string, _ func(io.Writer, *report.Run) error) error {
		if path == "-" {
			return nil
		}
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			return fmt.Errorf("--%s %s: is a directory: name a file in it", flag, path)
		case err == nil && !info.Mode().IsRegular():
			return nil
		}
		probe, err := os.CreateTemp(filepath.Dir(path), ".reactorspec.*")
		if err != nil {
			return fmt.Errorf("--%s %s: cannot be written: %w", flag, path, errors.Unwrap(err))
		}
		_ = probe.Close()
		return os.Remove(probe.Name())
	})
	if err != nil {
		return unwritable{err}
	}
	return nil
}

// write writes every report that was asked for, whatever the run came to.
func (f *reportFlags) write(run *report.Run) error {
	return f.each(func(flag, path string, write func(io.Writer, *report.Run) error) error {
		err := error(nil)
		if path == "-" {
			err = write(os.Stdout, run)
		} else {
			err = report.WriteFile(path, func(w io.Writer) error { return write(w, run) })
		}
		if err != nil {
			return fmt.Errorf("--%s %s: %w", flag, path, err)
		}
		return nil
	})
}

// writeMatrix writes the reports of many runs.
func (f *reportFlags) writeMatrix(runs []*report.Run) error {
	write := func(path string, view func(io.Writer) error) error {
		switch path {
		case "":
			return nil
		case "-":
			return view(os.Stdout)
		}
		return report.WriteFile(path, view)
	}
	return errors.Join(
		write(f.json, func(w io.Writer) error { return report.WriteJSONMatrix(w, runs) }),
		write(f.html, func(w io.Writer) error { return report.WriteHTML(w, runs) }),
		write(f.junit, func(w io.Writer) error { return report.WriteJUnit(w, runs...) }),
	)
}

// reportMistake writes the reports of a call that ended with err before it could
// write them, as nothing was judged: whoever waits for the files finds the
// mistake in them. It returns what is to be said.
func (p *program) reportMistake(root *cobra.Command, args []string, err error) error {
	cmd, words, notFound := root.Find(args)
	if p.reported || notFound != nil {
		return err
	}
	cause := err
	if !errors.As(err, new(*failure)) {
		cause = &judging.UsageError{Message: err.Error()}
	}
	run := judging.Unrun(target.Target{File: target.File{Name: "no target"}}, judging.Options{Version: Version()}, cause)
	reports, write := reportsIn(cmd, words), error(nil)
	if cmd.Name() == "matrix" {
		write = reports.writeMatrix([]*report.Run{&run})
	} else {
		write = reports.write(&run)
	}
	if errors.As(err, new(unwritable)) {
		return err // which says it already
	}
	return errors.Join(err, write)
}

// reportsIn finds the reports that the words of a command ask for. It does not
// parse them, since they may be what is wrong.
func reportsIn(cmd *cobra.Command, words []string) reportFlags {
	var f reportFlags
	for name, path := range map[string]*string{"json": &f.json, "junit": &f.junit, "html": &f.html, "badge": &f.badge} {
		if flag := cmd.Flags().Lookup(name); flag == nil || flag.Value.Type() != "string" {
			continue // not a report of this command
		}
		for i, word := range words {
			if word == "--" {
				break // the server's own words follow
			}
			value, given := strings.CutPrefix(word, "--"+name+"=")
			if word == "--"+name && i+1 < len(words) {
				value, given = words[i+1], true
			}
			if given {
				*path = value
			}
		}
	}
	return f
}
