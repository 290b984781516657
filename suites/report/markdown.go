package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

const (
	// markdownBlocks bounds the results told with their evidence on one page, and
	// markdownBytes the page: GitHub takes 1 MiB for a step.
	markdownBlocks = 40
	markdownBytes  = 900 << 10
)

// WriteMarkdown writes a summary for the page of a CI job: the verdict of each
// run, then whatever needs explaining with its evidence, folded.
func WriteMarkdown(w io.Writer, matrix *Matrix) error {
	m := neutral(*matrix)
	var b strings.Builder
	if len(m.Runs) == 1 && len(m.Skipped) == 0 && len(m.Shards) == 0 {
		markdownRun(&b, m.Runs[0])
	} else {
		markdownMatrix(&b, m)
	}
	told, left := 0, 0
	for _, look := range looks {
		if !look.Shown {
			continue
		}
		for _, run := range m.Runs {
			for _, r := range run.Results {
				if r.Outcome != look.Outcome {
					continue
				}
				if told == markdownBlocks || b.Len() > markdownBytes {
					left++
					continue
				}
				told++
				fmt.Fprintf(&b, "\n<details><summary>%s <b>%s</b> %s <b>%s</b>: %s</summary>\n\n%s\n</details>\n", look.Symbol,
					inMarkup(run.Target.Name), r.Clause, r.Outcome, inMarkup(shorten(r.Reason, shownWidth)), fenced(Block(abroad(r))))
			}
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%d more are not shown here; the other reports have them.\n", left)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownRun(b *strings.Builder, run *Run) {
	v := run.Verdict
	came := "is " + string(v.Word)
	switch v.Word {
	case Broken, Misused:
		came = "could not be judged (" + string(v.Word) + ")"
	}
	fmt.Fprintf(b, "## reactorspec: %s %s\n\n%s (exit %d)\n", inMarkup(run.Target.Name), came, inMarkup(v.Sentence), v.Exit)
	if len(v.Reasons) > 0 {
		b.WriteString("\n")
	}
	for _, reason := range v.Reasons {
		fmt.Fprintf(b, "- %s\n", inMarkup(shorten(reason, shownWidth)))
	}
	if line := adviceLine(run.Results); line != "" {
		fmt.Fprintf(b, "\n%s.\n", inMarkup(strings.ToUpper(line[:1])+line[1:]))
	}
	if line := apartLine(run.Results); line != "" {
		fmt.Fprintf(b, "\n%s.\n", inMarkup(line))
	}
	fmt.Fprintf(b, "\nSeed `%#x`, %s, %s.\n", run.Seed, duration(run.Took), inMarkup(run.Tool))
}

func markdownMatrix(b *strings.Builder, m Matrix) {
	words := make(map[Word]int)
	for _, run := range m.Runs {
		words[run.Verdict.Word]++
	}
	fmt.Fprintf(b, "## reactorspec: %d targets judged", len(m.Runs))
	for _, word := range []Word{Conformant, AsExpected, NotConformant, Undecided, Broken, Misused} {
		if n := words[word]; n > 0 {
			fmt.Fprintf(b, ", %d %s", n, word)
		}
	}
	if missing := m.Missing(); missing != "" {
		fmt.Fprintf(b, "\n\n**%s.**", strings.ToUpper(missing[:1])+missing[1:])
	}
	fmt.Fprintf(b, "\n\n%s| target | version | language | class | verdict | judged | broken |\n|---|---|---|---|---|--:|---|\n", markdownWhen(m))
	for _, run := range m.Runs {
		var broken []string
		for _, r := range ordered(run.Results) {
			if look := lookOf(r.Outcome); look.Broken || look.Shown {
				broken = append(broken, r.Clause+" "+look.Symbol)
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %d of %d | %s |\n", inTable(run.Target.Name), inTable(run.Target.Version), inTable(run.Target.Language), inTable(className(run.Target.Class)),
			run.Verdict.Word, run.Verdict.Judged, run.Verdict.Total, shorten(strings.Join(broken, ", "), shownWidth))
	}
	b.WriteString("\n")
	for _, look := range looks {
		if look.Broken || look.Shown {
			fmt.Fprintf(b, "%s %s; ", look.Symbol, look.Outcome)
		}
	}
	b.WriteString("all others are kept or not applicable.\n")
	for _, skipped := range m.Skipped {
		fmt.Fprintf(b, "\n- %s skipped: %s", inMarkup(skipped.Target), inMarkup(skipped.Reason))
	}
	if len(m.Skipped) > 0 {
		b.WriteString("\n")
	}
}

// markdownWhen says when, by what and where a matrix was judged; empty where no run says so.
func markdownWhen(m Matrix) string {
	var first, last time.Time
	var tools, machines []string
	for _, run := range m.Runs {
		if run.Started.IsZero() {
			continue
		}
		if first.IsZero() || run.Started.Before(first) {
			first = run.Started
		}
		if run.Started.After(last) {
			last = run.Started
		}
		if !slices.Contains(tools, run.Tool) {
			tools = append(tools, run.Tool)
		}
		if on := run.Machine; on != nil {
			if of := fmt.Sprintf("%s on %s, %d processors", on.OS, on.Arch, on.CPUs); !slices.Contains(machines, of) {
				machines = append(machines, of)
			}
		}
	}
	if first.IsZero() {
		return ""
	}
	const minute = "2006-01-02 15:04"
	line := first.UTC().Format(minute)
	if until := last.UTC().Format(minute); until != line {
		line += " to " + until
	}
	for _, more := range [][]string{tools, machines} {
		if len(more) > 0 {
			line += "; " + strings.Join(more, ", ")
		}
	}
	return inMarkup("Judged "+line) + ".\n\n"
}

// inMarkup makes text stand for itself in Markdown that knows HTML.
func inMarkup(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_[]#|~$@", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func inTable(text string) string {
	if text == "" {
		return "–"
	}
	return inMarkup(text)
}

// fenced is text as a block of code, whatever stands in it.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n"
}
