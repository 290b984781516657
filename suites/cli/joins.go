package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/report"
)

func (p *program) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD.json NEW.json",
		Short: "Say what got better or worse between two JSON reports",
		Long: `Compares two JSON reports of check or matrix, clause by clause. Targets are matched by
name; two reports of one run each are compared whatever their names are.

A clause is worse if it was kept before and is broken now, was expected to fail before
and is a failure now, or was kept before and is no longer judged. A clause that the
machine could not decide this time is named, and is not worse.

Exit: 0 nothing is worse; 1 something is; 2 usage, or a file is not a report.`,
		Args: exactly(2, "diff wants two JSON reports, the older first"),
		RunE: func(_ *cobra.Command, args []string) error {
			older, err := readReport(args[0])
			if err != nil {
				return err
			}
			newer, err := readReport(args[1])
			if err != nil {
				return err
			}
			changes := report.Diff(older, newer)
			for _, change := range changes {
				if change.Kind.Worse() {
					p.exit = report.ExitNotConformant
				}
			}
			return failed(report.WriteDiff(p.out, changes))
		},
	}
}

func (p *program) mergeCommand() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "merge RUN.json…",
		Short: "Join the JSON reports of several runs or shards into one",
		Long: `Joins JSON reports of check or matrix, such as the shards of one matrix. If a target was
judged several times, the last run that finished is kept; so a shard that was killed and
run again is complete. Without --json the joined report goes to standard output.
Shards that are missing are named, on standard error and in the reports.

Exit: as matrix, the worst of all runs that are kept; 3 if a shard is missing.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("merge wants JSON reports")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(f.views()) == 0 {
				f.json = "-"
			}
			if err := f.writable(); err != nil {
				return err
			}
			var parts []*report.Matrix
			for _, path := range args {
				m, err := readReport(path)
				if err != nil {
					return err
				}
				parts = append(parts, m)
			}
			m := report.Merge(parts...)
			p.exit, p.reported = m.Exit(), true
			if missing := m.Missing(); missing != "" {
				fmt.Fprintf(p.err, "note: %s\n", missing)
				p.exit = report.Worse(p.exit, report.ExitUndecided)
			}
			return failed(f.writeMatrix(m))
		},
	}
	f.bindMany(cmd)
	return cmd
}

func (p *program) reproduceCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "reproduce RUN.json CLAUSE",
		Short: "Write the exchange of a failure as a short Python script",
		Long: `Writes a Python script that sends the server what was sent when it broke a clause. The
script needs nothing else; it is for a report to the server's authors. Its last line says
whether the server did what it did in the run. Where the exchange alone cannot show the
fault, as with processor time, the script says so:

  reactorspec reproduce run.json CONN-7 > repro.py
  python3 repro.py 127.0.0.1:7000

The script comes from the run's evidence. If that was cut, the script says so,
and says what it fills the gap with.`,
		Args: exactly(2, "reproduce wants a JSON report and a clause ID, such as run.json CONN-7"),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := readReport(args[0])
			if err != nil {
				return err
			}
			run, err := pick(m, name)
			if err != nil {
				return err
			}
			var script strings.Builder
			if err := report.WriteReproduction(&script, run, strings.ToUpper(args[1])); err != nil {
				return err
			}
			_, err = p.out.Write([]byte(script.String()))
			return failed(err)
		},
	}
	cmd.Flags().StringVar(&name, "target", "", "the `name` of the target, in a report of several")
	return cmd
}

// exactly wants so many arguments.
func exactly(count int, want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != count {
			return errors.New(want)
		}
		return nil
	}
}

// pick is the run of that name, or the only one.
func pick(m *report.Matrix, name string) (*report.Run, error) {
	var names []string
	for _, run := range m.Runs {
		if run.Target.Name == name || name == "" && len(m.Runs) == 1 {
			return run, nil
		}
		names = append(names, run.Target.Name)
	}
	if name == "" {
		return nil, fmt.Errorf("the report has %d targets: name one of them with --target: %s", len(names), strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("the report has no target %q: it has %s", name, strings.Join(names, ", "))
}

// readReport reads a JSON report of one run or many; - is standard input.
func readReport(path string) (*report.Matrix, error) {
	if path == "-" {
		m, err := report.ReadJSONMatrix(os.Stdin)
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		return m, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m, err := report.ReadJSONMatrix(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
