package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/report"
)

// reportFlags name the files that runs are written to; - is standard output.
type reportFlags struct {
	json, junit, html, markdown string
	badges                      []string // at most one of each kind
	many                        bool     // of a matrix, whose HTML is a folder
}

func (f *reportFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.json, "json", "", "write the run as JSON to this `file`; - is standard output")
	flags.StringVar(&f.junit, "junit", "", "write the run as JUnit XML to this `file`")
	flags.StringVar(&f.html, "html", "", "write the run as an HTML page to this `file`")
	flags.StringVar(&f.markdown, "markdown", "", "write a Markdown summary to this `file`, such as $GITHUB_STEP_SUMMARY")
	flags.StringArrayVar(&f.badges, "badge", nil, "write the verdict as a badge to this `file`: SVG, or JSON for shields.io if its name ends in .json; repeated for both")
}

// bindMany is bind for a command that writes many runs.
func (f *reportFlags) bindMany(cmd *cobra.Command) {
	f.many = true
	flags := cmd.Flags()
	flags.StringVar(&f.json, "json", "", "write all runs as JSON to this `file`; - is standard output")
	flags.StringVar(&f.html, "html", "", "write the matrix, with a page for each target, failure and clause, to this `folder`")
	flags.StringVar(&f.junit, "junit", "", "write all runs as JUnit XML to this `file`")
	flags.StringVar(&f.markdown, "markdown", "", "write a Markdown summary to this `file`, such as $GITHUB_STEP_SUMMARY")
}

// view is one report that was asked for.
type view struct {
	flag, path string
	folder     bool
	write      func(io.Writer, *report.Matrix) error // nil for a folder
}

// views lists what was asked for.
func (f *reportFlags) views() []view {
	one := func(write func(io.Writer, *report.Run) error) func(io.Writer, *report.Matrix) error {
		return func(w io.Writer, m *report.Matrix) error { return write(w, m.Runs[0]) }
	}
	json := one(report.WriteJSON)
	if f.many {
		json = report.WriteJSONMatrix
	}
	all := []view{
		{"json", f.json, false, json},
		{"junit", f.junit, false, func(w io.Writer, m *report.Matrix) error { return report.WriteJUnit(w, m.Runs...) }},
		{"html", f.html, f.many, one(report.WriteHTML)},
		{"markdown", f.markdown, false, report.WriteMarkdown},
	}
	for _, path := range f.badges {
		badge := one(report.WriteBadge)
		if isEndpoint(path) {
			badge = one(report.WriteEndpointBadge)
		}
		all = append(all, view{"badge", path, false, badge})
	}
	var asked []view
	for _, v := range all {
		if v.path != "" {
			asked = append(asked, v)
		}
	}
	return asked
}

// isEndpoint reports whether a badge is JSON for shields.io, by the name of its file.
func isEndpoint(path string) bool { return filepath.Ext(path) == ".json" }

// oneOfAKind refuses a second badge of a kind: nobody wants the same twice, so that one of
// them is a mistake, in an action's flags beside the action's own, for example.
func (f *reportFlags) oneOfAKind() error {
	for i, path := range f.badges {
		for _, other := range f.badges[:i] {
			if isEndpoint(path) == isEndpoint(other) {
				return fmt.Errorf("--badge %s and --badge %s: both are %s: give one name that ends in .json, and one that does not", other, path, map[bool]string{true: "JSON", false: "SVG"}[isEndpoint(path)])
			}
		}
	}
	return nil
}

func (f *reportFlags) toStdout() bool {
	for _, v := range f.views() {
		if v.path == "-" {
			return true
		}
	}
	return false
}

// unwritable is the error of a report that cannot be written where it was asked for.
type unwritable struct{ error }

func (u unwritable) Unwrap() error { return u.error }

// writable finds out before anything is started whether the reports can be
// written, so that no run is made for nothing.
func (f *reportFlags) writable() error {
	if err := f.oneOfAKind(); err != nil {
		return err
	}
	var errs []error
	for _, v := range f.views() {
		errs = append(errs, v.writable())
	}
	if err := errors.Join(errs...); err != nil {
		return unwritable{err}
	}
	if f.toStdout() && lostStdout() {
		return &failure{errors.New("standard output is closed, and a report was asked for there: give it a file")}
	}
	return apartFrom(f.views())
}

// apartFrom refuses two reports in one place: the last would be all that is left.
// What a terminal or a pipe is given, one behind the other, is a mess as well.
func apartFrom(views []view) error {
	for i, a := range views {
		for _, b := range views[:i] {
			if a.same(b) {
				return fmt.Errorf("both --%s and --%s write to %s: give each a file of its own", b.flag, a.flag, a.place())
			}
		}
	}
	return nil
}

// place is where a view goes, in words.
func (v view) place() string {
	if v.path == "-" {
		return "standard output"
	}
	return v.path
}

// same reports whether two views go to the same place, under whatever names.
func (v view) same(other view) bool {
	a, aErr := v.info()
	b, bErr := other.info()
	if aErr == nil && bErr == nil {
		return os.SameFile(a, b) && a.Name() != filepath.Base(os.DevNull)
	}
	one, oneErr := filepath.Abs(v.path)
	two, twoErr := filepath.Abs(other.path)
	return oneErr == nil && twoErr == nil && one == two
}

func (v view) info() (os.FileInfo, error) {
	if v.path == "-" {
		return os.Stdout.Stat()
	}
	return os.Stat(v.path)
}

func (v view) writable() error {
	if v.folder {
		return v.folderWritable()
	}
	if v.path == "-" {
		return nil
	}
	info, err := os.Stat(v.path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("--%s %s: is a directory: name a file in it", v.flag, v.path)
	case err == nil && !info.Mode().IsRegular():
		return nil
	}
	return v.within(filepath.Dir(v.path))
}

// folderWritable is writable for a folder of pages.
func (v view) folderWritable() error {
	info, err := os.Stat(v.path)
	switch {
	case v.path == "-" || filepath.Ext(v.path) == ".html":
		return fmt.Errorf("--%s %s: a matrix is a folder of pages: name a folder", v.flag, v.path)
	case err == nil && !info.IsDir():
		return fmt.Errorf("--%s %s: is a file: name a folder", v.flag, v.path)
	}
	if rerr := report.Replaceable(v.path); rerr != nil {
		return fmt.Errorf("--%s %w", v.flag, rerr)
	}
	if err == nil {
		return v.within(v.path)
	}
	return v.within(filepath.Dir(filepath.Clean(v.path)))
}

// within tries a file in the directory where the report's temporary form will be.
func (v view) within(directory string) error {
	probe, err := os.CreateTemp(directory, ".reactorspec.*")
	if err != nil {
		return fmt.Errorf("--%s %s: cannot be written: %w", v.flag, v.path, errors.Unwrap(err))
	}
	_ = probe.Close()
	return os.Remove(probe.Name())
}

// write writes every report that was asked for, whatever the run came to.
func (f *reportFlags) write(run *report.Run) error {
	if run.Called == nil {
		run.Called, run.Machine = os.Args, report.ThisMachine()
	}
	return f.writeMatrix(&report.Matrix{Runs: []*report.Run{run}})
}

// writeMatrix writes the reports of many runs.
func (f *reportFlags) writeMatrix(m *report.Matrix) error {
	var errs []error
	views := f.views()
	for i, v := range views {
		if slices.ContainsFunc(views[:i], v.same) {
			continue // a mistake, which the first of them reports
		}
		err := error(nil)
		switch write := func(w io.Writer) error { return v.write(w, m) }; {
		case v.folder:
			err = report.WritePages(v.path, m)
		case v.path == "-":
			err = write(os.Stdout)
		default:
			err = report.WriteFile(v.path, write)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s %s: %w", v.flag, v.path, err))
		}
	}
	return errors.Join(errs...)
}

// lostStdout reports whether the command was started with its standard output
// closed: the runtime opens /dev/null in its place, to read and to write, which
// nobody does who wants to throw a report away.
func lostStdout() bool {
	info, err := os.Stdout.Stat()
	if err != nil {
		return true
	}
	null, err := os.Stat(os.DevNull)
	if err != nil || !os.SameFile(info, null) {
		return false
	}
	return readable(os.Stdout)
}

// reportMistake writes the reports of a call that ended with err before it could
// write them, as nothing was judged: whoever waits for the files finds the
// mistake in them. It returns what is to be said.
func (p *program) reportMistake(root *cobra.Command, args []string, err error) error {
	cmd, words, notFound := root.Find(args)
	if p.reported || notFound != nil {
		return err
	}
	run := report.Run{Tool: Version(), Target: report.Target{Name: "no target"}, Problem: &report.Problem{Kind: report.Usage, Message: err.Error()}}
	if errors.As(err, new(*failure)) {
		run.Problem.Kind = report.Harness
	}
	report.Judge(&run)
	reports := reportsIn(cmd, words)
	write := reports.write(&run)
	if errors.As(err, new(unwritable)) {
		return err // which says it already
	}
	return errors.Join(err, write)
}

// reportsIn finds the reports that the words of a command ask for. It does not
// parse them, since they may be what is wrong.
func reportsIn(cmd *cobra.Command, words []string) reportFlags {
	f := reportFlags{many: cmd.Name() == "matrix" || cmd.Name() == "merge"}
	last := func(path *string) func(string) { return func(value string) { *path = value } }
	for name, set := range map[string]func(string){"json": last(&f.json), "junit": last(&f.junit), "html": last(&f.html), "markdown": last(&f.markdown),
		"badge": func(value string) { f.badges = append(f.badges, value) }} {
		flag := cmd.Flags().Lookup(name)
		if flag == nil || flag.Value.Type() != "string" && flag.Value.Type() != "stringArray" {
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
			if given && value != "" {
				set(value)
			}
		}
	}
	return f
}
