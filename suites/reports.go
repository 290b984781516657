package suites

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/reactorspec/reactorspec/suites/report"
)

// reportVariable names a directory for the reports of every Verify, VerifyLoop and
// VerifyServer: NAME.json, .xml (JUnit), .html, .md and .svg (the badge), by the name
// of the test. It is relative to where the test runs, its package's directory.
const reportVariable = "REACTORSPEC_REPORT"

// unnamed is what a test's name may have and a file's should not.
var unnamed = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// writeReports writes the reports of a run that is over, where they are asked for.
func writeReports(t *testing.T, run *report.Run) {
	dir := os.Getenv(reportVariable)
	if dir == "" {
		return
	}
	if err := reportsInto(dir, unnamed.ReplaceAllString(t.Name(), "-"), run); err != nil {
		t.Errorf("reactorspec: %s: %v", reportVariable, err)
	}
}

func reportsInto(dir, name string, run *report.Run) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	run.Called, run.Machine = os.Args, report.ThisMachine()
	one := func(write func(io.Writer, *report.Run) error) func(io.Writer) error {
		return func(w io.Writer) error { return write(w, run) }
	}
	for ending, write := range map[string]func(io.Writer) error{
		".json": one(report.WriteJSON), ".html": one(report.WriteHTML), ".svg": one(report.WriteBadge),
		".xml": func(w io.Writer) error { return report.WriteJUnit(w, run) },
		".md":  func(w io.Writer) error { return report.WriteMarkdown(w, &report.Matrix{Runs: []*report.Run{run}}) },
	} {
		if err := report.WriteFile(filepath.Join(dir, name+ending), write); err != nil {
			return fmt.Errorf("%s%s: %w", name, ending, err)
		}
	}
	return nil
}
