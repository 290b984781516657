package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

// WriteJUnit writes the runs as JUnit XML, a suite each. The class of a case is
// target.FAMILY, its name the bare clause ID; the two are unique over all runs. A
// broken MUST is a failure; a MUST that could not be judged is an error, as the
// exit code says too; what was not judged, or is known, is skipped with its reason.
func WriteJUnit(w io.Writer, runs ...*Run) error {
	page := junitPage{Name: "reactorspec"}
	names := make(map[string]int)
	for _, run := range runs {
		copied := neutral(*run)
		if names[copied.Target.Name]++; names[copied.Target.Name] > 1 {
			copied.Target.Name += fmt.Sprintf(" (%d)", names[copied.Target.Name])
		}
		suite := junitSuiteOf(copied)
		page.Suites = append(page.Suites, suite)
		page.Tests += suite.Tests
		page.Failures += suite.Failures
		page.Errors += suite.Errors
		page.Skipped += suite.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(page); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junitPage struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Suites []junitSuite `xml:"testsuite"`
}

type junitCounts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitCounts
	Time       string          `xml:"time,attr"` // seconds
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitReason `xml:"failure"`
	Error   *junitReason `xml:"error"`
	Skipped *junitReason `xml:"skipped"`
	Output  string       `xml:"system-out,omitempty"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

func junitSuiteOf(run Run) junitSuite {
	suite := junitSuite{Name: run.Target.Name, Time: seconds(run.Took), Properties: []junitProperty{
		{"verdict", run.Verdict.Sentence}, {"tool", run.Tool}, {"seed", fmt.Sprintf("%#x", run.Seed)},
		{"class", className(run.Target.Class)}, {"dialect", run.Target.Dialect}, {"version", run.Target.Version},
		{"vantages", list(run.Vantages)}, {"features", list(run.Target.Features)}, {"address", run.Target.Address},
	}}
	if !run.Started.IsZero() {
		suite.Timestamp = run.Started.UTC().Format("2006-01-02T15:04:05")
	}
	for _, result := range ordered(run.Results) {
		suite.add(junitCaseOf(run.Target.Name, result))
	}
	if suite.Failures+suite.Errors == 0 && run.Verdict.Exit != ExitConformant {
		suite.add(junitVerdict(run))
	}
	return suite
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func junitCaseOf(target string, r Result) junitCase {
	c := junitCase{Class: target + "." + r.Family, Name: r.Clause, Time: seconds(r.Took)}
	reason := &junitReason{Message: string(r.Outcome) + ": " + r.Reason, Type: string(r.Outcome)}
	switch r.Outcome {
	case Pass:
	case Fail, UnexpectedPass:
		c.Failure, reason.Text = reason, Block(abroad(r))
	case Error:
		c.Error, reason.Text = reason, Block(abroad(r))
	case Inconclusive:
		if c.Skipped = reason; r.Level != spec.Should {
			c.Skipped, c.Error, reason.Text = nil, reason, Block(abroad(r))
		}
	default:
		if explains(r.Outcome) { // broken, but no failure: a SHOULD, or advice
			c.Output = Block(abroad(r))
			break
		}
		if r.Expected != "" {
			reason.Message += " (" + r.Expected + ")"
		}
		c.Skipped = reason
	}
	return c
}

// junitVerdict is the case for a verdict that rests on no case of its own: a
// start that failed, a core clause that is unsupported, a stale entry.
func junitVerdict(run Run) junitCase {
	reason := &junitReason{Message: run.Verdict.Sentence, Type: string(run.Verdict.Word), Text: strings.Join(run.Verdict.Reasons, "\n")}
	if run.Problem != nil {
		reason.Message, reason.Text = run.Problem.Message, run.Target.Stderr
	}
	c := junitCase{Class: run.Target.Name + ".RUN", Name: "verdict", Time: seconds(run.Took)}
	if run.Verdict.Exit == ExitNotConformant {
		c.Failure = reason
	} else {
		c.Error = reason
	}
	return c
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// ordered is the results in the order of the spec, whatever order they ran in;
// clauses the spec does not know come last.
func ordered(results []Result) []Result {
	clauses := spec.Clauses()
	place := make(map[string]int, len(clauses))
	for i, clause := range clauses {
		place[clause.ID] = i - len(clauses)
	}
	sorted := slices.Clone(results)
	slices.SortStableFunc(sorted, func(a, b Result) int {
		return cmp.Or(cmp.Compare(place[a.Clause], place[b.Clause]), cmp.Compare(a.Clause, b.Clause))
	})
	return sorted
}
