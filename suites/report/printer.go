package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// Printer shows a run while it goes on: a block for each result that needs
// explaining, and on a terminal a live line that names what is running. When it
// is verbose, every other result has its line, or a block where there is evidence.
// Its methods may be called from any goroutine.
type Printer struct {
	w       io.Writer
	style   style
	verbose bool
	above   io.Writer // what stands above the live line; nil without one
	stop    func()    // takes the live line away

	mu      sync.Mutex
	total   int
	done    int
	bad     int
	running []string
	err     error // the first failed write
}

// NewPrinter shows a run of that many clauses. Colours, the terminal's width and
// the live line need w to be a terminal that can move its cursor; everything else
// gets plain lines. json names the file in which the run will be written as JSON,
// with all steps of every exchange; "" when there will be none.
func NewPrinter(w io.Writer, total int, verbose bool, json string) *Printer {
	style := styleOf(w)
	switch json {
	case "":
		style.rest = "(--json FILE keeps them)"
	case "-":
		style.rest = "are in the JSON report"
	default:
		style.rest = "are in " + json
	}
	return newPrinter(w, total, verbose, style)
}

func newPrinter(w io.Writer, total int, verbose bool, style style) *Printer {
	return &Printer{w: w, total: total, verbose: verbose, style: style}
}

// Live has the live line drawn, where it can be, by draw, such as live.Line: it draws
// what line returns until stop, below what is written to above. Call it first.
func (p *Printer) Live(draw func(w io.Writer, line func(width int) string) (above io.Writer, stop func())) *Printer {
	if p.style.width > 0 {
		p.above, p.stop = draw(p.w, p.status)
	}
	return p
}

// Start says that a clause is being judged.
func (p *Printer) Start(clause string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = append(p.running, clause)
}

// Done shows what a clause came to.
func (p *Printer) Done(r Result) {
	text := ""
	switch {
	case explains(r.Outcome) || p.verbose && r.Evidence != nil:
		text = p.style.block(r)
	case p.verbose:
		text = p.style.line(r) + "\n"
	}
	p.mu.Lock()
	p.done++
	if r.Outcome == Fail || r.Outcome == Error || r.Outcome == UnexpectedPass {
		p.bad++
	}
	if at := slices.Index(p.running, r.Clause); at >= 0 {
		p.running = slices.Delete(p.running, at, at+1)
	}
	p.mu.Unlock()
	if text != "" {
		p.print(text)
	}
}

// Say shows a line of ours beside the results, such as where a report went.
func (p *Printer) Say(format string, args ...any) {
	p.print(Clean(fmt.Sprintf(format, args...)) + "\n")
}

// Finish takes the live line away, shows the verdict last, and reports the
// first write that failed, if one did. It is called once.
func (p *Printer) Finish(run *Run) error {
	if p.above != nil {
		p.stop()
		p.above = nil
	}
	if p.err != nil {
		return p.err
	}
	return p.style.summary(p.w, run, p.verbose)
}

// print writes above the live line. The lock is not held there: drawing the
// live line takes it too.
func (p *Printer) print(text string) {
	var err error
	if p.above != nil {
		_, err = io.WriteString(p.above, text)
	} else {
		_, err = io.WriteString(p.w, text)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

// status is the live line, cut to the terminal's width.
func (p *Printer) status(width int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := fmt.Sprintf("%d/%d", p.done, p.total)
	if p.bad > 0 {
		line += fmt.Sprintf(", %d bad", p.bad)
	}
	if len(p.running) > 0 {
		line += ": " + strings.Join(p.running, " ")
	}
	if width > 0 && len(line) > width {
		line = shorten(line, width)
	}
	return line
}
