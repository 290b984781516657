package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/ascii"
)

const (
	shownBegin  = 2   // steps of an exchange in a block, at its beginning
	shownEvents = 8   // steps of an exchange in a block, in all
	shownHead   = 24  // bytes of a step in a block; JSON has more
	shownStderr = 6   // lines of the target's stderr in a block
	shownWidth  = 400 // characters of one row of evidence
	shownTitle  = 72  // characters of a clause's sentence in a list
	keyWidth    = 6   // of a block's keys
)

// Line is a result on one line, as the list of a run shows it.
func Line(r Result) string { return style{}.line(r) }

func (s style) line(r Result) string {
	r = neutral(r)
	text := r.Reason
	switch {
	case r.Outcome == Pass || text == "":
		text = shorten(strings.TrimSuffix(r.Sentence, "."), shownTitle)
		if r.lucky() {
			text = luckily + ": " + text
		}
	case r.Outcome == ExpectedFail:
		text += " (expected: " + r.Expected + ")"
	}
	took := ""
	if r.Took > 0 {
		took = " (" + duration(r.Took) + ")"
	}
	room := shownWidth
	if s.width > 0 {
		room = max(minimalRoom, s.width-len(took)-33)
	}
	return s.paint(lookOf(r.Outcome).Colour, fmt.Sprintf("%-15s", r.Outcome)) +
		fmt.Sprintf(" %-9s %-6s %s%s", r.Clause, r.Level, shorten(text, room), took)
}

// luckily is what is said of a pass that is listed as a failure that comes sometimes.
const luckily = "expected to fail sometimes, passed this time"

// lucky reports whether a result is such a pass; nothing rests on it.
func (r Result) lucky() bool { return r.Outcome == Pass && r.Expected != "" }

// Lucky lists the clauses of a run that are listed as failures that come sometimes, and
// did not come this time; "" if there are none.
func Lucky(run *Run) string {
	var clauses []string
	for _, r := range ordered(run.Results) {
		if r.lucky() {
			clauses = append(clauses, r.Clause)
		}
	}
	if len(clauses) == 0 {
		return ""
	}
	return luckily + ": " + strings.Join(clauses, ", ")
}

// Block is a result that needs explaining: what, where, why and how again.
func Block(r Result) string { return style{}.block(r) }

func (s style) block(r Result) string {
	r = neutral(r)
	var b strings.Builder
	head := fmt.Sprintf("%s %s %s:", r.Clause, r.Level, r.Outcome)
	for i, line := range s.wrap(head+" "+shorten(r.Reason, shownWidth), 0) {
		if rest, found := strings.CutPrefix(line, head); i == 0 && found {
			line = s.paint(lookOf(r.Outcome).Colour, head) + rest
		}
		b.WriteString(line + "\n")
	}
	s.rows(&b, rowsOf(r, s.rest))
	return b.String()
}

// row is one line of a block; the lines below the first of a list have no key.
type row struct {
	key, text string
	whole     bool // never cut or wrapped: it has to work when pasted
}

func (s style) rows(b *strings.Builder, rows []row) {
	for _, row := range rows {
		lines := []string{row.text}
		if !row.whole {
			lines = s.wrap(shorten(row.text, shownWidth), keyWidth+3)
		}
		for i, line := range lines {
			key := ""
			if i == 0 {
				key = row.key
			}
			fmt.Fprintf(b, "  %s %s\n", s.paint("2", fmt.Sprintf("%-*s", keyWidth, key)), line)
		}
	}
}

// rowsOf is what a block says of a result below its first line; rest says where
// the steps are that it leaves out.
func rowsOf(r Result, rest string) []row {
	var rows []row
	add := func(key string, texts ...string) {
		for _, text := range texts {
			if text != "" {
				rows = append(rows, row{key: key, text: text})
				key = ""
			}
		}
	}
	e := Evidence{}
	if r.Evidence != nil {
		e = *r.Evidence
	}
	add("clause", r.Sentence)
	want := e.Want
	if want != "" && e.Slack > 1 {
		want += fmt.Sprintf(" (our budgets of time were stretched ×%.1f, since this machine was busy)", e.Slack)
	}
	add("want", want)
	add("got", e.Got)
	add("sent", exchange(e.Sent, e.Conn, rest)...)
	switch {
	case e.Source == "":
	case e.Conn > 0:
		add("from", fmt.Sprintf("%s (#%d)", e.Source, e.Conn))
	default:
		add("from", e.Source+" (the last connection)")
	}
	add("note", e.Notes...)
	for i, line := range tail(e.Stderr, shownStderr) {
		key := ""
		if i == 0 {
			key = "stderr"
		}
		rows = append(rows, row{key: key, text: "| " + line})
	}
	if e.Attempts > 1 {
		add("tried", fmt.Sprintf("%d times", e.Attempts))
	}
	if r.Expected != "" {
		add("known", strings.TrimSpace(r.Expected+" "+r.Link))
	}
	add("why", e.Why)
	if clause, found := spec.Lookup(r.Clause); found {
		add("see", "`reactorspec explain "+r.Clause+"`, "+link(clause))
	}
	if e.Rerun != "" {
		rows = append(rows, row{key: "rerun", text: e.Rerun, whole: true})
	}
	return rows
}

// tree is where the source is published; a clause's anchor below it is a page
// that anybody can open.
const tree = "https://github.com/reactorspec/reactorspec/blob/main/"

func link(clause spec.Clause) string { return tree + clause.Anchor() }

// exchange is an exchange, a line a step: that of the connection that is blamed,
// how it began and how it ended, or the end of all where none is.
func exchange(events []Event, conn int, rest string) []string {
	var own []Event
	for _, event := range events {
		if conn == 0 || event.Conn == conn || event.Conn == 0 {
			own = append(own, event)
		}
	}
	begin := 0
	if conn > 0 {
		begin = shownBegin
	}
	left := len(own) - shownEvents
	var lines []string
	for i, event := range own {
		if left > 0 && i == begin {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("… %d more steps %s", left, rest)))
		}
		if left > 0 && i >= begin && i < begin+left {
			continue
		}
		lines = append(lines, step(event))
	}
	if others := len(events) - len(own); others > 0 {
		lines = append(lines, fmt.Sprintf("beside them %d steps of other connections", others))
	}
	return lines
}

// step is an event on one line.
func step(event Event) string {
	line := "+" + duration(event.At)
	if event.Conn > 0 {
		line += fmt.Sprintf(" #%d", event.Conn)
	}
	line += " " + event.Kind
	if event.Bytes > 0 && event.Kind != "note" && event.Kind != "close" && event.Kind != "rst" && event.Kind != "dial" {
		line += fmt.Sprintf(" %d bytes", event.Bytes)
	}
	if event.Times > 1 {
		line += fmt.Sprintf(" in %d pieces", event.Times)
	}
	if event.Head != "" {
		line += " " + event.brief()
	}
	return line
}

// brief is the beginning of what an event carries; notes are told whole.
func (e Event) brief() string {
	data, _ := e.Data()
	switch {
	case !carries(e.Kind):
		return plainNote(e)
	case len(data) > shownHead:
		return ascii.Quote(data[:shownHead]) + "…"
	case strings.HasSuffix(e.Head, "…"):
		return ascii.Quote(data) + "…"
	}
	return ascii.Quote(data)
}

// plainNote is an event's head; what is a word of ours needs no quotes.
func plainNote(e Event) string {
	if text, err := strconv.Unquote(e.Head); err == nil && !carries(e.Kind) && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz ") == "" {
		return text
	}
	return e.Head
}

// carries reports whether events of a kind carry bytes of the exchange.
func carries(kind string) bool { return kind == "send" || kind == "recv" }

// Data is the bytes of an event as far as they were kept, and whether those are
// all of them.
func (e Event) Data() (data []byte, whole bool) {
	quoted := strings.TrimSuffix(e.Head, "…")
	text, err := strconv.Unquote(quoted)
	if err != nil {
		return nil, e.Bytes == 0
	}
	return []byte(text), len(text) >= e.Bytes
}

// summary is what closes a run on the console: what is not applicable, what there is
// of advice, what the verdict rests on, how it was judged, and last the sentence.
func (s style) summary(w io.Writer, run *Run, verbose bool) error {
	r := neutral(*run)
	var b strings.Builder
	if r.Problem != nil {
		for _, line := range tail(r.Target.Stderr, shownStderr) {
			s.rows(&b, []row{{key: "stderr", text: "| " + line}})
		}
	}
	if line := apartLine(r.Results); line != "" {
		if !verbose {
			line += "; -v lists them"
		}
		s.paragraph(&b, "", line)
	}
	if line := adviceLine(r.Results); line != "" {
		s.paragraph(&b, "", line)
	}
	for _, reason := range r.Verdict.Reasons {
		if r.Problem == nil { // which says at its end what to change
			reason = shorten(reason, shownWidth)
		}
		s.paragraph(&b, "  ", reason)
	}
	if r.Took > 0 {
		s.paragraph(&b, "", fmt.Sprintf("judged in %s with seed %#x", duration(r.Took), r.Seed))
	}
	colour := map[int]string{ExitConformant: "1;32", ExitNotConformant: "1;31"}[r.Verdict.Exit]
	for i, line := range s.wrap(fmt.Sprintf("%s (exit %d)", r.Verdict.Sentence, r.Verdict.Exit), 2) {
		if i > 0 {
			line = "  " + line
		}
		b.WriteString(s.paint(colour, line) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// paragraph writes text with an indent that grows by two on its further lines.
func (s style) paragraph(b *strings.Builder, indent, text string) {
	for i, line := range s.wrap(text, len(indent)+2) {
		if i > 0 {
			line = "  " + line
		}
		b.WriteString(indent + line + "\n")
	}
}

// tail is the last lines of a text.
func tail(text string, most int) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-most):]
}

// duration is a time for people: three digits are enough.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
}
