package markdown

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/reactorspec/reactorspec/spec"
)

const goodWake = `# WAKE: Wakeups

A loop that sleeps has to be woken.

It is the first thing that goes wrong.

## Lost ones

Prose below a group MUST not be read as a clause.

### WAKE-1

A loop MUST run a task posted to it even when
the post races with ` + "`MUST`" + ` sleep.

- Intent: one lost wakeup strands the task.
- Check: stochastic; 2,000 races a run.
- Vantage: wire, inproc
- Needs: post
- Classes: reactor, multi-reactor
- Source: S8; eventfd(2)
- Rests on: 1, 4

A loop may also
run it at once.

- or twice as fast

### WAKE-2

A flood of posts SHOULD NOT cost a write each.

- Intent: system calls are dear.
- Check: deterministic; count the writes.
- Vantage: process
- Classes: all
- Source: S8
- Rests on: none

### WAKE-9

Withdrawn: said by WAKE-1.
`

const goodConn = `# CONN: Bytes

What comes back.

### CONN-3

A server MUST NOT change a byte.

- Intent: data.
- Check: untested (tried: nothing works).
- Vantage: wire
- Classes: all
- Source: RFC 862
- Rests on: none
`

const goodVerdicts = `# Verdicts

| outcome | meaning |
|---|---|
| pass | kept |

| class | core set |
|---|---|
| iterative | |
| thread-per-connection | |
| reactor | WAKE-1 |
| multi-reactor | WAKE-1, WAKE-4 |
`

const goodEcho = `# echo: RFC 862

| clause | promised by |
|---|---|
| CONN-3 | RFC 862 |

| feature | offered by |
|---|---|
| drain | its manual |
`

const goodProbe = `# probe: the target contract

| clause | promised by |
|---|---|
| CONN-3 | target.md, Sign-on |
| every clause | target.md |
`

// good is a spec without a fault; WAKE-4 is added so that a MUST can be core.
func good() map[string]string {
	return map[string]string{
		"wake.md": strings.Replace(goodWake, "### WAKE-9", `### WAKE-4

A wakeup MUST be drained.

- Intent: an undrained one spins.
- Check: deterministic
- Vantage: process
- Classes: multi-reactor
- Source: evio 61
- Rests on: none

### WAKE-9`, 1),
		"conn.md": goodConn, "verdicts.md": goodVerdicts, "target.md": "# Anything\n",
		"dialects/echo.md": goodEcho, "dialects/probe.md": goodProbe,
	}
}

func parse(files map[string]string) (*spec.Spec, error) {
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return Parse(fsys)
}

func TestParse(t *testing.T) {
	parsed, err := parse(good())
	if err != nil {
		t.Fatal(err)
	}
	if families := parsed.Families(); len(families) != 2 || families[0].Name != "CONN" || families[1].Name != "WAKE" {
		t.Fatalf("families %+v", families)
	}
	wake := parsed.Families()[1]
	if wake.Title != "Wakeups" || wake.About != "A loop that sleeps has to be woken.\n\nIt is the first thing that goes wrong." {
		t.Errorf("title %q, about %q", wake.Title, wake.About)
	}
	clause, found := parsed.Lookup("WAKE-1")
	want := spec.Clause{
		ID: "WAKE-1", Family: "WAKE", Number: 1, Level: spec.Must,
		Sentence: "A loop MUST run a task posted to it even when the post races with `MUST` sleep.",
		Intent:   "one lost wakeup strands the task.", Kind: spec.Stochastic, Method: "2,000 races a run.",
		Vantages: []spec.Vantage{spec.Wire, spec.Inproc}, Needs: []spec.Feature{"post"}, Classes: []spec.Class{spec.Reactor, spec.MultiReactor},
		Source: "S8; eventfd(2)", Rests: []spec.Rule{spec.Slow, spec.Tree}, Notes: "A loop may also\nrun it at once.\n\n- or twice as fast",
		File: "wake.md", Line: 11,
	}
	if !found || fmt.Sprintf("%#v", clause) != fmt.Sprintf("%#v", want) {
		t.Errorf("WAKE-1 is\n%#v, want\n%#v", clause, want)
	}
	if clause.Anchor() != "spec/wake.md#wake-1" {
		t.Errorf("anchor %s", clause.Anchor())
	}
	if clause, _ := parsed.Lookup("WAKE-2"); clause.Level != spec.Should || len(clause.Classes) != 4 || clause.Needs != nil || clause.Notes != "" {
		t.Errorf("WAKE-2 is %+v", clause)
	}
	if clause, _ := parsed.Lookup("CONN-3"); clause.Level != spec.Must || clause.Kind != spec.Untested || clause.Method != "tried: nothing works" {
		t.Errorf("CONN-3 is %+v", clause)
	}
	if clause, found := parsed.Lookup("WAKE-9"); !found || !clause.Withdrawn || clause.Sentence != "Withdrawn: said by WAKE-1." {
		t.Errorf("the tombstone is %+v, %v", clause, found)
	}
	if _, found := parsed.Lookup("WAKE-3"); found {
		t.Error("WAKE-3 is found in a gap")
	}
	if clauses := parsed.Clauses(); len(clauses) != 4 || clauses[0].ID != "CONN-3" || clauses[3].ID != "WAKE-4" {
		t.Errorf("clauses in force: %+v", clauses)
	}
}

func TestParseTables(t *testing.T) {
	parsed, err := parse(good())
	if err != nil {
		t.Fatal(err)
	}
	if core := parsed.Core(spec.MultiReactor); fmt.Sprint(core) != "[WAKE-1 WAKE-4]" {
		t.Errorf("core of multi-reactor: %v", core)
	}
	if core := parsed.Core(""); len(core) != 0 {
		t.Errorf("core of an undeclared class: %v", core)
	}
	echo, found := parsed.LookupDialect("echo")
	if !found || echo.Title != "RFC 862" || !maps.Equal(echo.Promises, map[string]string{"CONN-3": "RFC 862"}) || fmt.Sprint(echo.Features) != "[drain]" {
		t.Errorf("echo is %+v", echo)
	}
	probe, _ := parsed.LookupDialect("probe")
	if len(probe.Promises) != 4 || probe.Promises["CONN-3"] != "target.md, Sign-on" || probe.Promises["WAKE-4"] != "target.md" {
		t.Errorf("probe promises %v", probe.Promises)
	}
	if _, found := parsed.LookupDialect("smtp"); found {
		t.Error("smtp is found")
	}
	if dialects := parsed.Dialects(); len(dialects) != 2 || dialects[0].Name != "echo" {
		t.Errorf("dialects %+v", dialects)
	}
}

func TestCoreOfUndeclaredClassIsShared(t *testing.T) {
	files := good()
	files["conn.md"] = strings.Replace(goodConn, "untested (tried: nothing works)", "deterministic", 1)
	for _, row := range []string{"iterative |", "thread-per-connection |", "reactor |"} {
		files["verdicts.md"] = strings.Replace(files["verdicts.md"], "| "+row, "| "+row+" CONN-3", 1)
	}
	files["verdicts.md"] = strings.Replace(files["verdicts.md"], "WAKE-1, WAKE-4", "WAKE-1, CONN-3", 1)
	files["verdicts.md"] = strings.Replace(files["verdicts.md"], "CONN-3 WAKE-1", "CONN-3, WAKE-1", 1)
	parsed, err := parse(files)
	if err != nil {
		t.Fatal(err)
	}
	if core := parsed.Core(""); fmt.Sprint(core) != "[CONN-3]" {
		t.Errorf("core of an undeclared class: %v", core)
	}
}

// TestParseFaults breaks the good spec in one place at a time: exactly that
// fault is reported, with its line.
func TestParseFaults(t *testing.T) {
	tests := []struct {
		name, file, old, new string
		want                 string
	}{
		{"no keyword", "wake.md", "A loop MUST run", "A loop runs", "wake.md:13: WAKE-1: the sentence has no RFC 2119 keyword"},
		{"keyword in lower case", "wake.md", "A loop MUST run", "A loop must run", "wake.md:13: WAKE-1: the sentence has no RFC 2119 keyword"},
		{"keyword only quoted", "wake.md", "A loop MUST run", "A loop runs", "no RFC 2119 keyword"},
		{"two keywords", "wake.md", "the post races", "it SHOULD race", "wake.md:13: WAKE-1: the sentence has more than one RFC 2119 keyword: MUST, SHOULD"},
		{"same keyword twice", "wake.md", "the post races", "it MUST race", "keyword: MUST, MUST"},
		{"MAY beside MUST", "wake.md", "the post races", "the post MAY race", "keyword: MUST, MAY"},
		{"emphasised keyword", "wake.md", "the post races", "the post **MUST** race", "keyword: MUST, MUST"},
		{"MAY alone", "wake.md", "A loop MUST run", "A loop MAY run", "the keyword of a clause is MUST or SHOULD, not MAY"},
		{"SHALL", "wake.md", "A loop MUST run", "A loop SHALL run", "not SHALL"},
		{"duplicate ID", "wake.md", "### WAKE-2", "### WAKE-1", "wake.md:29: WAKE-1: the ID stands at line 11 already"},
		{"tombstone's ID reused", "wake.md", "### WAKE-4", "### WAKE-9", "the ID stands at line"},
		{"ID of another family", "wake.md", "### WAKE-2", "### CONN-2", `wake.md:29: heading "CONN-2" is not a clause ID of this family, such as WAKE-1`},
		{"leading zero", "wake.md", "### WAKE-2", "### WAKE-02", `heading "WAKE-02" is not a clause ID`},
		{"number 0", "wake.md", "### WAKE-2", "### WAKE-0", "is not a clause ID"},
		{"no number", "wake.md", "### WAKE-2", "### WAKE-x", "is not a clause ID"},
		{"title behind the ID", "wake.md", "### WAKE-2", "### WAKE-2: floods", "is not a clause ID"},
		{"level 4", "wake.md", "### WAKE-2", "#### WAKE-2", "wake.md:29: a heading of level 4"},
		{"no Intent", "wake.md", "- Intent: system calls are dear.\n", "", "wake.md:29: WAKE-2: Intent is missing"},
		{"no Check", "wake.md", "- Check: deterministic; count the writes.\n", "", "wake.md:29: WAKE-2: Check is missing"},
		{"no Vantage", "wake.md", "- Vantage: process\n- Classes: all\n", "- Classes: all\n", "WAKE-2: Vantage is missing"},
		{"no Classes", "wake.md", "- Classes: all\n", "", "WAKE-2: Classes is missing"},
		{"no Source", "wake.md", "- Source: S8\n", "", "WAKE-2: Source is missing"},
		{"empty Source", "wake.md", "- Source: S8\n", "- Source:\n", "wake.md:37: WAKE-2: Source is empty"},
		{"Source twice", "wake.md", "- Source: S8\n", "- Source: S8\n- Source: S7\n", "wake.md:38: WAKE-2: Source stands twice"},
		{"no Rests on", "wake.md", "- Rests on: 1, 4\n", "", "wake.md:11: WAKE-1: Rests on is missing"},
		{"unknown rule", "wake.md", "1, 4", "1, 7", `wake.md:22: WAKE-1: "7" is no rule of verdicts.md; give numbers from 1 to 6, or none`},
		{"rule in words", "wake.md", "1, 4", "slow", `WAKE-1: "slow" is no rule`},
		{"rule twice", "wake.md", "1, 4", "1, 1", "WAKE-1: rule 1 stands twice, or out of order"},
		{"rules out of order", "wake.md", "1, 4", "4, 1", "WAKE-1: rule 1 stands twice, or out of order"},
		{"unknown key", "wake.md", "- Source: S8\n", "- Source: S8\n- Remark: none\n", `wake.md:38: WAKE-2: unknown key "Remark"`},
		{"entry without a key", "wake.md", "- Source: S8\n", "- Source: S8\n- what\n", `WAKE-2: list entry "what" has no key`},
		{"nested list", "wake.md", "- Source: S8\n", "- Source: S8\n  - and\n", "WAKE-2: a list entry is one `Key: text`"},
		{"unknown vantage", "wake.md", "- Vantage: process\n- Classes: all\n", "- Vantage: wire, moon\n- Classes: all\n", `wake.md:35: WAKE-2: unknown vantage "moon"; known are wire, process, inproc`},
		{"vantage twice", "wake.md", "wire, inproc", "wire, wire", "WAKE-1: vantage wire stands twice"},
		{"unknown feature", "wake.md", "Needs: post", "Needs: post, fly", `WAKE-1: unknown feature "fly"`},
		{"Needs none", "wake.md", "Needs: post", "Needs: none", `WAKE-1: unknown feature "none"`},
		{"unknown class", "wake.md", "Classes: all", "Classes: proactor", `WAKE-2: unknown class "proactor"`},
		{"unknown kind", "wake.md", "Check: deterministic; count", "Check: manual; count", `WAKE-2: unknown kind of check "manual"`},
		{"stochastic without figures", "wake.md", "stochastic; 2,000 races a run.", "stochastic", "WAKE-1: a stochastic check says"},
		{"untested without a reason", "conn.md", "untested (tried: nothing works).", "untested ()", "conn.md:10: CONN-3: an untested clause says why"},
		{"no sentence", "wake.md", "A flood of posts SHOULD NOT cost a write each.\n", "", "wake.md:29: WAKE-2: no sentence follows the heading"},
		{"no list", "conn.md", goodConn[strings.Index(goodConn, "- Intent"):], "", "conn.md:5: CONN-3: no list of Intent"},
		{"paragraph before the list", "conn.md", "- Intent", "But.\n\n- Intent", "CONN-3: no list of Intent"},
		{"wrong title", "conn.md", "# CONN: Bytes", "# Bytes", "conn.md:1: the first heading is not `# CONN: title`"},
		{"no title", "conn.md", "# CONN: Bytes\n", "", "conn.md:1: the page does not open with `# CONN: title`"},
		{"no introduction", "conn.md", "What comes back.\n", "", "conn.md:1: the family has no introduction"},
		{"empty file", "conn.md", goodConn, "", "conn.md:1: the page does not open with"},
		{"no core table", "verdicts.md", "| class | core set |", "| class | set |", "verdicts.md:1: no table `| class | core set |`"},
		{"unknown core clause", "verdicts.md", "WAKE-4", "WAKE-5", "verdicts.md:12: unknown clause WAKE-5"},
		{"withdrawn core clause", "verdicts.md", "WAKE-4", "WAKE-9", "verdicts.md:12: WAKE-9 is withdrawn"},
		{"core clause twice", "verdicts.md", "WAKE-4", "WAKE-1", "verdicts.md:12: WAKE-1 stands twice"},
		{"SHOULD as core", "verdicts.md", "WAKE-4", "WAKE-2", "verdicts.md:12: WAKE-2 cannot be core for multi-reactor"},
		{"untested as core", "verdicts.md", "WAKE-4", "CONN-3", "verdicts.md:12: CONN-3 cannot be core"},
		{"core clause that does not bind", "verdicts.md", "| reactor | WAKE-1", "| reactor | WAKE-4", "WAKE-4 cannot be core for reactor"},
		{"unknown class in the core table", "verdicts.md", "| iterative |", "| proactor |", `verdicts.md:9: unknown class "proactor"`},
		{"class without core set", "verdicts.md", "| iterative | |\n", "", "verdicts.md:1: class iterative has no core set"},
		{"class with two rows", "verdicts.md", "| iterative | |\n", "| iterative | |\n| iterative | |\n", "class iterative has two rows"},
		{"unknown promised clause", "dialects/echo.md", "CONN-3", "CONN-4", "dialects/echo.md:5: unknown clause CONN-4"},
		{"withdrawn promised clause", "dialects/echo.md", "CONN-3", "WAKE-9", "dialects/echo.md:5: WAKE-9 is withdrawn"},
		{"promised twice", "dialects/echo.md", "CONN-3", "CONN-3, CONN-3", "dialects/echo.md:5: CONN-3 is promised twice"},
		{"promise without citation", "dialects/echo.md", "| RFC 862 |", "| |", "dialects/echo.md:5: the promise of CONN-3 has no citation"},
		{"promise of nothing", "dialects/echo.md", "| CONN-3 |", "| |", "dialects/echo.md:5: a promise names no clause"},
		{"no promise table", "dialects/echo.md", "| clause | promised by |", "| clause | by |", "dialects/echo.md:1: no table"},
		{"unknown dialect feature", "dialects/echo.md", "| drain |", "| fly |", `dialects/echo.md:9: unknown feature "fly"`},
		{"wrong dialect title", "dialects/echo.md", "# echo:", "# chargen:", "dialects/echo.md:1: the page does not open with `# echo: title`"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := good()
			if strings.Count(files[test.file], test.old) == 0 {
				t.Fatalf("%q is not in %s", test.old, test.file)
			}
			files[test.file] = strings.Replace(files[test.file], test.old, test.new, 1)
			_, err := parse(files)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the fault is reported as\n%v\nwant %s", err, test.want)
			}
			var fault *Error
			if !errors.As(err, &fault) || fault.Line < 1 {
				t.Errorf("%v has no line", err)
			}
		})
	}
}

func TestParseFilesThatAreMissingOrUnknown(t *testing.T) {
	files := good()
	files["weather.md"] = "# WEATHER: rain\n"
	delete(files, "verdicts.md")
	_, err := parse(files)
	want := "spec/verdicts.md:1: the page is missing; it holds the core sets\n" +
		"spec/weather.md:1: WEATHER is no family; the families are " + strings.Join(spec.FamilyNames, " ")
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestParseReportsEveryFaultInOrder(t *testing.T) {
	files := good()
	files["wake.md"] = strings.Replace(files["wake.md"], "- Needs: post", "- Needs: fly", 1)
	files["wake.md"] = strings.Replace(files["wake.md"], "- Source: S8\n", "", 1)
	files["conn.md"] = strings.Replace(files["conn.md"], "MUST NOT", "cannot", 1)
	_, err := parse(files)
	if err == nil {
		t.Fatal("no fault found")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "spec/conn.md:7:") ||
		!strings.HasPrefix(lines[1], "spec/wake.md:19:") || !strings.HasPrefix(lines[2], "spec/wake.md:29:") {
		t.Errorf("faults:\n%v", err)
	}
}

func TestParseLimitsUntestedClauses(t *testing.T) {
	files := good()
	var conn strings.Builder
	conn.WriteString(goodConn)
	for n := 10; n < 10+spec.MaxUntested; n++ {
		fmt.Fprintf(&conn, "\n### CONN-%d\n\nA server MUST wait.\n\n- Intent: x.\n- Check: untested (no way in)\n- Vantage: wire\n- Classes: all\n- Source: none\n- Rests on: none\n", n)
	}
	files["conn.md"] = conn.String()
	_, err := parse(files)
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "CONN-14: untested, but 5 clauses are untested already") {
		t.Errorf("six untested clauses: %v", err)
	}
}

func TestTitle(t *testing.T) {
	long := spec.Clause{Sentence: strings.Repeat("word ", 20) + "end."}
	for _, test := range []struct {
		clause spec.Clause
		want   string
	}{
		{spec.Clause{Sentence: "A server MUST answer."}, "A server MUST answer"},
		{long, strings.TrimSpace(strings.Repeat("word ", 14)) + "…"},
	} {
		if got := test.clause.Title(); got != test.want {
			t.Errorf("title of %q is %q, want %q", test.clause.Sentence, got, test.want)
		}
	}
}
