package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/report"
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

// writable finds out before anything is started whether the reports can be
// written, so that no run is made for nothing.
func (f *reportFlags) writable() error {
	return f.each(func(flag, path string, _ func(io.Writer, *report.Run) error) error {
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
