package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

const (
	shownEvents = 8   // steps of an exchange in a console block; JSON has all
	shownStderr = 6   // lines of the target's stderr in a console block
	shownWidth  = 400 // characters of one line of evidence
)

// Line is a result on one line, as the list of a run shows it.
func Line(r Result) string {
	r = neutral(r)
	text := r.Reason
	switch {
	case r.Outcome == Pass || text == "":
		text = r.Title
	case r.Outcome == ExpectedFail:
		text += " (expected: " + r.Expected + ")"
	}
	line := fmt.Sprintf("%-15s %-9s %-6s %s", r.Outcome, r.Clause, r.Level, clip(text))
	if r.Took > 0 {
		line += " (" + duration(r.Took) + ")"
	}
	return line
}

// Block is a result that needs explaining: what, where, why and how again.
func Block(r Result) string {
	r = neutral(r)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s: %s\n", r.Clause, r.Level, r.Outcome, clip(r.Reason))
	evidence := Evidence{}
	if r.Evidence != nil {
		evidence = *r.Evidence
	}
	row := func(key, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-6s %s\n", key, clip(text))
		}
	}
	want := evidence.Want
	if want != "" && evidence.Slack > 0 {
		want += fmt.Sprintf(" (machine slack ×%.1f)", evidence.Slack)
	}
	row("want", want)
	row("got", evidence.Got)
	for i, line := range exchange(evidence.Sent, evidence.Conn) {
		row(first(i, "sent"), line)
	}
	switch {
	case evidence.Source == "":
	case evidence.Conn > 0:
		row("from", fmt.Sprintf("%s (#%d)", evidence.Source, evidence.Conn))
	default:
		row("from", evidence.Source+" (the last connection)")
	}
	for i, note := range evidence.Notes {
		row(first(i, "note"), note)
	}
	for i, line := range tail(evidence.Stderr, shownStderr) {
		row(first(i, "stderr"), "| "+line)
	}
	if evidence.Attempts > 1 {
		row("tried", fmt.Sprintf("%d times", evidence.Attempts))
	}
	if r.Expected != "" {
		row("known", strings.TrimSpace(r.Expected+" "+r.Link))
	}
	why := r.Clause
	if clause, found := spec.Lookup(r.Clause); found {
		why = clause.Anchor()
	}
	if evidence.Why != "" {
		why += ": " + evidence.Why
	}
	row("why", why)
	// Not clipped: the line has to work when pasted.
	if evidence.Rerun != "" {
		fmt.Fprintf(&b, "  %-6s %s\n", "rerun", evidence.Rerun)
	}
	return b.String()
}

// WriteSummary writes the verdict, what it rests on, and last the sentence.
func WriteSummary(w io.Writer, run *Run) error {
	r := neutral(*run)
	var b strings.Builder
	if r.Problem != nil {
		for i, line := range tail(r.Target.Stderr, shownStderr) {
			fmt.Fprintf(&b, "  %-6s | %s\n", first(i, "stderr"), clip(line))
		}
	}
	for _, reason := range r.Verdict.Reasons {
		fmt.Fprintf(&b, "  %s\n", clip(reason))
	}
	fmt.Fprintf(&b, "%s (exit %d)\n", r.Verdict.Sentence, r.Verdict.Exit)
	_, err := io.WriteString(w, b.String())
	return err
}

// exchange is the end of an exchange, a line a step: that of the failing
// connection, and of the others as far as there is room.
func exchange(events []Event, conn int) []string {
	var lines []string
	shown := make([]bool, len(events))
	room := shownEvents
	for _, others := range []bool{false, true} {
		for i := len(events) - 1; i >= 0 && room > 0; i-- {
			if own := conn == 0 || events[i].Conn == conn; !shown[i] && (own || others) {
				shown[i] = true
				room--
			}
		}
	}
	if hidden := len(events) - shownEvents; hidden > 0 {
		lines = append(lines, fmt.Sprintf("… %d more steps are in the JSON report", hidden))
	}
	for i, event := range events {
		if !shown[i] {
			continue
		}
		line := "+" + duration(event.At)
		if event.Conn > 0 {
			line += fmt.Sprintf(" #%d", event.Conn)
		}
		line += " " + event.Kind
		if event.Bytes > 0 {
			line += fmt.Sprintf(" %d bytes", event.Bytes)
		}
		if event.Head != "" {
			line += " " + event.Head
		}
		lines = append(lines, line)
	}
	return lines
}

// first is the key of a list's first line; the others stand below it.
func first(index int, key string) string {
	if index > 0 {
		return ""
	}
	return key
}

// tail is the last lines of a text.
func tail(text string, most int) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-most):]
}

func clip(line string) string {
	runes := []rune(line)
	if len(runes) <= shownWidth {
		return line
	}
	return string(runes[:shownWidth-1]) + "…"
}

// duration is a time for people: three digits are enough.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
