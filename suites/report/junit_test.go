package report

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

// The JUnit report is parsed back as a CI server would.
func TestJUnit(t *testing.T) {
	run := &Run{
		Target: Target{Name: "redis", Dialect: "resp", Expected: []Expected{{Clause: "CONN-4", Reason: "upstream 12", Frequency: Always}}},
		Took:   2500 * time.Millisecond, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Results: []Result{
			result("CONN-9", Unsupported), result("CONN-1", Pass), result("CONN-2", Fail), result("CONN-3", Error), result("CONN-4", Fail),
			result("CONN-5", Inconclusive), should("CONN-17", Inconclusive), should("CONN-18", Warn), result("CONN-8", Untested),
		},
	}
	Judge(run)
	suite := parseJUnit(t, run)
	if suite.Name != "redis" || suite.Tests != 9 || suite.Failures != 1 || suite.Errors != 2 || suite.Skipped != 4 || suite.Time != "2.500" || suite.Timestamp != "2026-01-02T03:04:05" {
		t.Errorf("suite %s: %+v, %s s, at %s", suite.Name, suite.junitCounts, suite.Time, suite.Timestamp)
	}
	var order []string
	for _, c := range suite.Cases {
		id := c.Name
		order = append(order, id)
		if _, known := spec.Lookup(id); c.Class != "redis.CONN" || !known {
			t.Errorf("case %s %s", c.Class, c.Name)
		}
		got := ""
		switch {
		case c.Failure != nil:
			got = "failure " + c.Failure.Message
		case c.Error != nil:
			got = "error " + c.Error.Message
		case c.Skipped != nil:
			got = "skipped " + c.Skipped.Message
		case c.Output != "":
			got = "output"
		}
		want := map[string]string{
			"CONN-1": "", "CONN-2": "failure fail: because", "CONN-3": "error error: because", "CONN-4": "skipped expected-fail: because (upstream 12)",
			"CONN-5": "error inconclusive: because", "CONN-17": "skipped inconclusive: because", "CONN-18": "output",
			"CONN-8": "skipped untested: because", "CONN-9": "skipped unsupported: because",
		}[id]
		if got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
		if c.Failure != nil && !strings.Contains(c.Failure.Text, "see    `reactorspec explain CONN-2`, https://") {
			t.Errorf("the failure's text is %q", c.Failure.Text)
		}
	}
	if want := "CONN-1 CONN-2 CONN-3 CONN-4 CONN-5 CONN-8 CONN-9 CONN-17 CONN-18"; strings.Join(order, " ") != want {
		t.Errorf("order %v", order)
	}
}

// A run that failed without a failed case is no green report.
func TestJUnitOfAVerdictWithoutACase(t *testing.T) {
	for _, test := range []struct {
		name     string
		run      Run
		failures int
		errors   int
		message  string
	}{
		{"never ready", Run{Problem: &Problem{Start, "nobody listens"}, Target: Target{Stderr: "panic"}}, 1, 0, "nobody listens"},
		{"usage", Run{Problem: &Problem{Usage, "unknown clause"}}, 0, 1, "unknown clause"},
		{"stale entry", Run{Results: []Result{result("CONN-1", Pass)}, Target: Target{Expected: []Expected{{Clause: "CONN-2"}}}}, 1, 0, "not conformant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			Judge(&test.run)
			suite := parseJUnit(t, &test.run)
			last := suite.Cases[len(suite.Cases)-1]
			reason := last.Failure
			if reason == nil {
				reason = last.Error
			}
			if suite.Failures != test.failures || suite.Errors != test.errors || last.Class != test.run.Target.Name+".RUN" || last.Name != "verdict" || !strings.Contains(reason.Message, test.message) {
				t.Errorf("%+v, case %+v, %+v", suite.junitCounts, last, reason)
			}
		})
	}
}

func parseJUnit(t *testing.T, run *Run) junitSuite {
	t.Helper()
	var out bytes.Buffer
	if err := WriteJUnit(&out, run); err != nil {
		t.Fatal(err)
	}
	var page junitPage
	if err := xml.Unmarshal(out.Bytes(), &page); err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	if !strings.HasPrefix(out.String(), "<?xml") || page.XMLName.Local != "testsuites" || len(page.Suites) != 1 {
		t.Fatalf("not one suite:\n%s", out.String())
	}
	if page.junitCounts != page.Suites[0].junitCounts {
		t.Errorf("the page counts %+v, its suite %+v", page.junitCounts, page.Suites[0].junitCounts)
	}
	return page.Suites[0]
}
