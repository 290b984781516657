package report

import (
	"fmt"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/ascii"
)

// runPage is one target's page.
type runPage struct {
	frame
	Run      *Run
	Class    string // of the verdict's colours
	Facts    []fact
	Sections []section // what is told, in the order of looks
	Kept     []resultView
	Families []familyRow
	Apart    []reasonCount
	Away     int // how many are not applicable
}

type fact struct {
	Name, Text string
	Code       bool
}

// section is the results of one outcome.
type section struct {
	look
	Results []resultView
}

// familyRow is one family of the compact table.
type familyRow struct {
	Name, Title   string
	Cells         []cell
	Judged, Total int
}

// cell is one result in a compact table.
type cell struct {
	look
	Clause string
	Level  spec.Level
	Reason string
	Href   string
}

// resultView is a result with what its clause says.
type resultView struct {
	Result
	Look     look
	Rule     spec.Clause // the clause itself; its zero value where the spec does not know it
	Href     string      // of its page of evidence, "" where it stands on this page
	ClauseAt string      // where the clause's own page is
	Steps    []stepView
	Blamed   bool // a connection is blamed, and others have steps too
	Cut      bool // bytes or steps were left out
}

// stepView is one step of an exchange's time line.
type stepView struct {
	At, Who, Kind string
	Size          string
	Hex, Text     string
	Way           string // "out", "in", or "" for neither
	Other         bool   // of a connection that is not blamed
	Cut           bool   // there were more bytes than were kept
}

// verdictClass is the group of colours of a verdict.
func verdictClass(v Verdict) string {
	switch v.Word {
	case Conformant:
		return "pass"
	case AsExpected:
		return "known"
	case NotConformant:
		return "fail"
	case Broken, Misused:
		return "error"
	}
	return "doubt"
}

// runPageOf is the page of a run; in a folder of pages, where site is not nil,
// the evidence stands on pages of its own.
func runPageOf(run *Run, site *site) runPage {
	page := runPage{Run: run, Class: verdictClass(run.Verdict), Facts: facts(run), Apart: apart(run.Results)}
	results := ordered(run.Results)
	for _, look := range looks {
		if look.Apart {
			continue
		}
		var views []resultView
		for _, r := range results {
			if r.Outcome == look.Outcome {
				views = append(views, viewOf(r, site))
			}
		}
		switch {
		case len(views) == 0:
		case look.Shown || look.Broken:
			page.Sections = append(page.Sections, section{look, views})
		default:
			page.Kept = append(page.Kept, views...)
		}
	}
	for _, count := range page.Apart {
		page.Away += count.Count
	}
	for _, family := range spec.Families() {
		row := familyRow{Name: family.Name, Title: family.Title}
		for _, r := range results {
			if r.Family != family.Name {
				continue
			}
			row.Total++
			if r.Outcome.Judged() {
				row.Judged++
			}
			if !lookOf(r.Outcome).Apart {
				row.Cells = append(row.Cells, cellOf(r, site))
			}
		}
		if row.Total > 0 {
			page.Families = append(page.Families, row)
		}
	}
	return page
}

func cellOf(r Result, site *site) cell {
	c := cell{look: lookOf(r.Outcome), Clause: r.Clause, Level: r.Level, Reason: shorten(r.Reason, 160)}
	switch {
	case r.evident() && site == nil:
		c.Href = "#" + r.Clause
	case r.evident():
		c.Href = r.Clause + ".html"
	case site == nil:
		c.Href = "#kept"
	default:
		c.Href = "../../c/" + r.Clause + ".html"
	}
	return c
}

func viewOf(r Result, site *site) resultView {
	view := resultView{Result: abroad(r), Look: lookOf(r.Outcome)}
	if clause, known := spec.Lookup(r.Clause); known {
		view.Rule, view.ClauseAt = clause, link(clause)
		if site != nil {
			view.ClauseAt = "../../c/" + r.Clause + ".html"
		}
	}
	if site != nil && r.evident() {
		view.Href = r.Clause + ".html"
	}
	if r.Evidence != nil {
		view.steps(*r.Evidence)
	}
	return view
}

func (v *resultView) steps(e Evidence) {
	for _, event := range e.Sent {
		s := stepView{At: duration(event.At), Kind: event.Kind, Other: e.Conn > 0 && event.Conn > 0 && event.Conn != e.Conn}
		v.Blamed = v.Blamed || s.Other
		if event.Conn > 0 {
			s.Who = fmt.Sprintf("#%d", event.Conn)
		}
		data, whole := event.Data()
		switch {
		case !carries(event.Kind):
			s.Text = plainNote(event)
			v.Cut = v.Cut || strings.HasSuffix(s.Text, "events left out")
		default:
			s.Way = map[string]string{"send": "out", "recv": "in"}[event.Kind]
			s.Size = fmt.Sprintf("%d bytes", event.Bytes)
			if event.Bytes == 1 {
				s.Size = "1 byte"
			}
			if event.Times > 1 {
				s.Size += fmt.Sprintf(" in %d pieces", event.Times)
			}
			s.Hex, s.Text, s.Cut = spaced(data), unquoted(data), !whole
			v.Cut = v.Cut || s.Cut
		}
		v.Steps = append(v.Steps, s)
	}
}

// unquoted is bytes as text, one after the other as in spaced.
func unquoted(data []byte) string {
	quoted := ascii.Quote(data)
	return quoted[1 : len(quoted)-1]
}

// spaced is bytes in hexadecimal, one word each.
func spaced(data []byte) string {
	return strings.TrimSpace(fmt.Sprintf("% x", data))
}

// facts are what a reader wants to know of a run beside its results.
func facts(run *Run) []fact {
	var list []fact
	add := func(code bool, name, text string) {
		if text != "" {
			list = append(list, fact{name, text, code})
		}
	}
	t := run.Target
	add(false, "Version", t.Version)
	add(false, "Upstream", t.Upstream)
	add(false, "Language", t.Language)
	add(false, "Class", className(t.Class))
	add(false, "Dialect", t.Dialect)
	add(false, "Features", unlessNone(t.Features))
	add(false, "Vantages", unlessNone(run.Vantages))
	add(true, "Started as", strings.Join(t.Command, " "))
	add(true, "Address", t.Address)
	if !run.Started.IsZero() {
		add(false, "Date", run.Started.UTC().Format("2 January 2006, 15:04 UTC"))
	}
	if run.Took > 0 {
		add(false, "Duration", duration(run.Took))
	}
	if run.Seed != 0 {
		add(true, "Seed", fmt.Sprintf("%#x", run.Seed))
	}
	add(false, "Judged by", run.Tool)
	add(true, "Called", elsewhere(strings.Join(run.Called, " ")))
	add(false, "Machine", run.Machine.String())
	return list
}

func unlessNone[T ~string](words []T) string {
	if len(words) == 0 {
		return ""
	}
	return list(words)
}

// String is a machine in a few words; of none, "".
func (m *Machine) String() string {
	if m == nil {
		return ""
	}
	processors := "processors"
	if m.CPUs == 1 {
		processors = "processor"
	}
	text := fmt.Sprintf("%s, %s, %d %s", m.OS, m.Arch, m.CPUs, processors)
	if m.Processor != "" {
		text += " (" + m.Processor + ")"
	}
	return text
}
