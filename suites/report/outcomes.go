package report

// look is how the views show an outcome. A new outcome needs its row here and
// nothing else in the views.
type look struct {
	Outcome Outcome
	Symbol  string // of a compact cell: tells it apart without colour
	Short   string // of a cell with room
	Class   string // in pages: the group of colours, defined in style.css
	Heading string // over its results in a report
	Colour  string // on a terminal, the parameters of SGR
	About   string // for legends
	Broken  bool   // the clause is not kept
	Shown   bool   // explained with its evidence wherever results are told
	Apart   bool   // not applicable here: folded away and counted by reason
}

// looks are the outcomes in the order in which reports tell them, the worst first.
var looks = []look{
	{Outcome: Error, Symbol: "E", Short: "error", Class: "error", Heading: "The harness failed", Colour: "1;35",
		About: "the harness failed; nothing is said about the target", Shown: true},
	{Outcome: Fail, Symbol: "✕", Short: "fail", Class: "fail", Heading: "Failures", Colour: "1;31",
		About: "a MUST is broken", Broken: true, Shown: true},
	{Outcome: UnexpectedPass, Symbol: "★", Short: "stale", Class: "fail", Heading: "Listed as broken, but kept", Colour: "1;31",
		About: "listed as an expected failure, and kept: the entry is stale", Shown: true},
	{Outcome: Inconclusive, Symbol: "?", Short: "inconclusive", Class: "doubt", Heading: "Inconclusive", Colour: "1;35",
		About: "the machine that judged could not decide", Shown: true},
	{Outcome: Warn, Symbol: "!", Short: "warn", Class: "warn", Heading: "Warnings", Colour: "1;33",
		About: "a SHOULD is broken", Broken: true, Shown: true},
	{Outcome: ExpectedFail, Symbol: "○", Short: "expected", Class: "known", Heading: "Expected failures", Colour: "34",
		About: "broken, and listed with a reason", Broken: true},
	{Outcome: Advice, Symbol: "▲", Short: "advice", Class: "advice", Heading: "Advice", Colour: "1;36",
		About: "broken, and neither promised by the target nor released: no part of the verdict", Broken: true, Shown: true},
	{Outcome: Pass, Symbol: "✓", Short: "pass", Class: "pass", Heading: "Kept", Colour: "32",
		About: "kept"},
	{Outcome: Unsupported, Symbol: "–", Short: "n/a", Class: "none", Heading: "Unsupported", Colour: "2",
		About: "the clause does not bind what the target is, offers or promises", Apart: true},
	{Outcome: Untested, Symbol: "·", Short: "untested", Class: "none", Heading: "Untested", Colour: "2",
		About: "not looked at in this run", Apart: true},
}

// Outcomes lists the outcomes, the worst first, as reports order them.
func Outcomes() []Outcome {
	list := make([]Outcome, len(looks))
	for i, look := range looks {
		list[i] = look.Outcome
	}
	return list
}

// lookOf is how an outcome is shown; one that nobody knows is an error.
func lookOf(outcome Outcome) look {
	for _, look := range looks {
		if look.Outcome == outcome {
			return look
		}
	}
	unknown := looks[0]
	unknown.Outcome = outcome
	return unknown
}

// explains reports whether an outcome is shown with its evidence.
func explains(o Outcome) bool { return lookOf(o).Shown }

// Judged reports whether the outcome says something about the target.
func (o Outcome) Judged() bool {
	switch o {
	case Pass, Fail, Warn, ExpectedFail, UnexpectedPass:
		return true
	}
	return false
}
