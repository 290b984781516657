// Package report holds the one model of a run, the judgement of it (the verdict
// algebra of spec/verdicts.md), what became better or worse between two runs,
// and its views: console, JSON, JUnit, HTML, Markdown and badge. Whatever text a
// target had a hand in passes Clean on its way into a view.
package report

import (
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

// Outcome is what one clause came to.
type Outcome string

// The outcomes of spec/verdicts.md.
const (
	Pass           Outcome = "pass"
	Fail           Outcome = "fail"            // a MUST is broken
	Warn           Outcome = "warn"            // a SHOULD is broken
	Advice         Outcome = "advice"          // broken, and neither promised nor released: no part of the verdict
	Unsupported    Outcome = "unsupported"     // the clause does not bind what the target is, offers or promises
	ExpectedFail   Outcome = "expected-fail"   // broken, and listed with a reason
	UnexpectedPass Outcome = "unexpected-pass" // listed as always broken, and kept
	Inconclusive   Outcome = "inconclusive"    // this machine could not judge
	Untested       Outcome = "untested"        // the clause has no check, or this run has no vantage that sees it
	Error          Outcome = "error"           // the harness failed
)

// Run is everything that is known about one run against one target; the JSON
// report is this. Durations are in nanoseconds.
type Run struct {
	Format   int            `json:"format"`            // the version of this form, as Format says; written, and demanded by readers
	Tool     string         `json:"tool"`              // name and version of what judged
	Called   []string       `json:"called,omitempty"`  // the command line that made the run
	Machine  *Machine       `json:"machine,omitempty"` // where it ran
	Target   Target         `json:"target"`
	Vantages []spec.Vantage `json:"vantages"`           // those that this run had
	Selected []string       `json:"selected,omitempty"` // clause IDs; none: the whole spec
	Seed     uint64         `json:"seed"`
	Started  time.Time      `json:"started"`
	Took     time.Duration  `json:"took_ns"`
	Problem  *Problem       `json:"problem,omitempty"` // why nothing, or not all, could be judged
	Notes    []string       `json:"notes,omitempty"`   // what the reader should know beside the results
	Results  []Result       `json:"results"`
	Verdict  Verdict        `json:"verdict"`
}

// Machine is where a run was made; timings mean nothing without it.
type Machine struct {
	OS        string `json:"os"` // with the kernel's release
	Arch      string `json:"arch"`
	CPUs      int    `json:"cpus"` // those that the process may use
	Processor string `json:"processor,omitempty"`
}

// Target is who was judged.
type Target struct {
	Name     string     `json:"name"`
	Upstream string     `json:"upstream,omitempty"`
	Version  string     `json:"version,omitempty"`
	Language string     `json:"language,omitempty"`
	Class    spec.Class `json:"class,omitempty"` // "": undeclared
	Looks    *Looks     `json:"looks,omitempty"` // what it looks like, where its class is undeclared
	Dialect  string     `json:"dialect"`
	// Promises are the clauses that the dialect promises where no page of the spec says
	// so: one that a file describes, or that was given as a Go value.
	Promises []string       `json:"promises,omitempty"`
	Features []spec.Feature `json:"features,omitempty"`
	Spec     string         `json:"spec,omitempty"`    // the version of the spec that it is pinned to; "": all clauses bind
	Command  []string       `json:"command,omitempty"` // how it was started
	Address  string         `json:"address,omitempty"` // where it answered, "tcp://127.0.0.1:7000"
	Pid      int            `json:"pid,omitempty"`
	Stderr   string         `json:"stderr,omitempty" clean:"lines"` // its tail, when a start failed
	Expected []Expected     `json:"expected,omitempty"`
}

// Looks is what a target whose class nobody said looks like; nothing is judged by it.
type Looks struct {
	Class spec.Class `json:"class,omitempty"` // "": it cannot be told
	Seen  string     `json:"seen"`            // of its processes, threads and pollers
}

// Expected is a failure of the target that its owner knows and explains.
type Expected struct {
	Clause    string    `json:"clause"`
	Reason    string    `json:"reason"`
	Link      string    `json:"link,omitempty"`
	Frequency Frequency `json:"frequency"`
}

// Frequency says how often an expected failure shows.
type Frequency string

// The frequencies.
const (
	Always    Frequency = "always"    // a pass is a stale entry
	Sometimes Frequency = "sometimes" // a pass stays a pass
)

// Problem is what kept a run from judging.
type Problem struct {
	Kind    ProblemKind `json:"kind"`
	Message string      `json:"message"` // one line that says what to do
}

// ProblemKind says whose fault a problem is; it decides the exit code.
type ProblemKind string

// The kinds of problem.
const (
	Usage       ProblemKind = "usage"       // a flag, a file, a clause ID: exit 2
	Harness     ProblemKind = "harness"     // our own failure: exit 3
	Absent      ProblemKind = "absent"      // the command, or what it starts, is not on this machine: exit 2; in a matrix the target is skipped
	Start       ProblemKind = "start"       // the target never became ready, or died outside a check: exit 1
	Interrupted ProblemKind = "interrupted" // a signal ended the run early: exit 3
)

// Result is what one clause came to on this target.
type Result struct {
	Clause   string        `json:"clause"`
	Family   string        `json:"family"`
	Level    spec.Level    `json:"level"`
	Sentence string        `json:"sentence"` // the clause, whole
	Outcome  Outcome       `json:"outcome"`
	Wordless bool          `json:"wordless,omitempty"` // unsupported because the dialect has no words for it, as this target speaks it: in no core set
	Reason   string        `json:"reason,omitempty"`   // one line; why it is not a pass
	Link     string        `json:"link,omitempty"`     // of an expected failure
	Expected string        `json:"expected,omitempty"` // the reason of the entry that was applied
	Evidence *Evidence     `json:"evidence,omitempty"`
	Started  time.Time     `json:"started,omitzero"`
	Took     time.Duration `json:"took_ns"`
}

// Evidence answers what, where, why and how again.
type Evidence struct {
	Want     string   `json:"want"` // what would have been legal
	Got      string   `json:"got"`
	Why      string   `json:"why,omitempty"`                  // the likely cause
	Sent     []Event  `json:"sent,omitempty"`                 // the exchange, in order
	Source   string   `json:"source,omitempty"`               // our local address, to find in the target's logs: the failing connection's, or else that of the last one dialled
	Conn     int      `json:"conn,omitempty"`                 // the failing connection, as the events count them; 0: none by itself
	Died     string   `json:"died,omitempty"`                 // how the server ended, where it may not: "the server was killed by SIGSEGV"
	Stderr   string   `json:"stderr,omitempty" clean:"lines"` // the tail of the target's
	Notes    []string `json:"notes,omitempty"`
	Slack    float64  `json:"slack,omitempty"` // how far time budgets were stretched for this machine, ×1.0 and up
	Rerun    string   `json:"rerun,omitempty"` // a command that works when pasted
	Attempts int      `json:"attempts,omitempty"`
}

// Event is one step of an exchange.
type Event struct {
	At    time.Duration `json:"at_ns"` // since the check began
	Conn  int           `json:"conn"`  // which connection of the check, from 1; 0: none
	Kind  string        `json:"kind"`  // dial send recv eof rst close note
	Bytes int           `json:"bytes,omitempty"`
	Times int           `json:"times,omitempty"` // so many like it in a row, whose bytes are added up; 0: one
	Head  string        `json:"head,omitempty"`  // the first bytes in quotes, all but printable ASCII as Go's escapes, "…" behind them where there were more; or a note
}

// Verdict is what a run comes to.
type Verdict struct {
	Word     Word            `json:"word"`
	Exit     int             `json:"exit"` // the command's exit code
	Sentence string          `json:"sentence"`
	Class    spec.Class      `json:"class,omitempty"`
	Vantages []spec.Vantage  `json:"vantages,omitempty"`
	Features []spec.Feature  `json:"features,omitempty"`
	Judged   int             `json:"judged"` // clauses that say something about the target
	Total    int             `json:"total"`  // clauses in the run
	Counts   map[Outcome]int `json:"counts"`
	Reasons  []string        `json:"reasons,omitempty"` // what the word rests on, one line each
}

// Word is a verdict in short.
type Word string

// The words of spec/verdicts.md.
const (
	Conformant    Word = "conformant"
	AsExpected    Word = "as expected" // nothing broken but what is listed
	NotConformant Word = "not conformant"
	Undecided     Word = "inconclusive"
	Broken        Word = "error"
	Misused       Word = "usage"
)

// NewResult is a result for that clause with everything but its outcome.
func NewResult(clause spec.Clause) Result {
	return Result{Clause: clause.ID, Family: clause.Family, Level: clause.Level, Sentence: clause.Sentence}
}
