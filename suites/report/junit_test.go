package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
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

// junitForm is what readers of JUnit XML agree on (Jenkins' junit-10.xsd, and
// Surefire's): the attributes of an element, those it must have with a !, and the
// elements that may stand in it, in that order.
var junitForm = map[string]struct {
	attributes, children string
}{
	"":           {"", "testsuites"},
	"testsuites": {"name tests failures errors skipped", "testsuite"},
	"testsuite":  {"name! tests! failures! errors! skipped time timestamp", "properties testcase"},
	"properties": {"", "property"},
	"property":   {"name! value!", ""},
	"testcase":   {"classname! name! time", "skipped error failure system-out"},
	"skipped":    {"message type", ""},
	"error":      {"message type", ""},
	"failure":    {"message type", ""},
	"system-out": {"", ""},
}

// The JUnit of a whole matrix is of the form that its readers know, counts what
// it holds, and names no case twice, even where two targets share a name.
func TestJUnitIsValid(t *testing.T) {
	m := many(9)
	m.Runs[3].Target.Name = m.Runs[2].Target.Name
	never := &Run{Target: Target{Name: "never", Stderr: "panic"}, Problem: &Problem{Start, "nobody listens"}}
	Judge(never)
	m.Runs = append(m.Runs, never, hostile())
	var out bytes.Buffer
	if err := WriteJUnit(&out, m.Runs...); err != nil {
		t.Fatal(err)
	}
	cases := make(map[string]bool)
	path := []string{""}
	place := []int{0} // in the order of the children of each element of path
	counts := make(map[string]int)
	for decoder := xml.NewDecoder(&out); ; {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch element := token.(type) {
		case xml.StartElement:
			name, within := element.Name.Local, junitForm[path[len(path)-1]]
			at := slices.Index(strings.Fields(within.children), name)
			if at < place[len(place)-1] {
				t.Fatalf("<%s> in <%s> at this place", name, path[len(path)-1])
			}
			place[len(place)-1] = at
			path, place = append(path, name), append(place, 0)
			counts[name]++
			given := make(map[string]string)
			for _, attribute := range element.Attr {
				given[attribute.Name.Local] = attribute.Value
			}
			for _, known := range strings.Fields(junitForm[name].attributes) {
				plain := strings.TrimSuffix(known, "!")
				if _, there := given[plain]; !there && known != plain {
					t.Errorf("<%s> without %s", name, plain)
				}
				if name == "testcase" && plain == "classname" {
					full := given["classname"] + " " + given["name"]
					if cases[full] {
						t.Errorf("the case %s is there twice", full)
					}
					cases[full] = true
				}
				delete(given, plain)
			}
			for unknown := range given {
				t.Errorf("<%s> has %s", name, unknown)
			}
		case xml.EndElement:
			path, place = path[:len(path)-1], place[:len(place)-1]
		}
	}
	if counts["testcase"] < 9*100 || counts["failure"] == 0 || counts["skipped"] == 0 || counts["error"] == 0 || counts["testsuite"] != 11 {
		t.Errorf("counts %v", counts)
	}
}
