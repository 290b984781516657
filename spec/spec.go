// Package spec is the executable specification's text: families of numbered
// clauses, the dialects with what each promises, and the core set of each
// class. Markdown is the only place where a clause is declared; this package
// embeds what the pages say, as package markdown reads them.
package spec

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Level says how strongly a clause binds; NOT-forms have the same level.
type Level string

// The levels. A MAY is said in prose, it is no clause.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
)

// Vantage is where a clause is observed from.
type Vantage string

// The vantages.
const (
	Wire    Vantage = "wire"    // a peer on a socket
	Process Vantage = "process" // the kernel's view: /proc, signals, limits
	Inproc  Vantage = "inproc"  // a Go value that meets spec/contract
)

// Vantages lists the vantages in the order in which reports name them.
func Vantages() []Vantage { return []Vantage{Wire, Process, Inproc} }

// Class is the model a server follows.
type Class string

// The classes.
const (
	Iterative           Class = "iterative"
	ThreadPerConnection Class = "thread-per-connection"
	Reactor             Class = "reactor"
	MultiReactor        Class = "multi-reactor"
)

// Classes lists the classes, each curing a fault of the one before.
func Classes() []Class {
	return []Class{Iterative, ThreadPerConnection, Reactor, MultiReactor}
}

// Feature is something a target says that it offers, in the words of target.md.
type Feature string

// Features lists every feature that a clause may need and a target may declare.
func Features() []Feature {
	return []Feature{
		"where", "post", "shared", "hooks", "timer", "timer-any-thread", "offload", "contain", "stats",
		"limit", "drain", "idle-timeout", "reuseport", "watch", "login", "sink", "source", "greeting", "tls",
	}
}

// Kind is how a clause's check comes to its judgement.
type Kind string

// The kinds of check.
const (
	Deterministic Kind = "deterministic"
	Stochastic    Kind = "stochastic" // a pass is evidence, not proof
	Untested      Kind = "untested"   // the clause says why
)

// Rule is a rule on what a verdict may rest on, by its number in verdicts.md. A
// check that breaks one of them blames a server for what is its own affair.
type Rule int

// The rules.
const (
	Slow   Rule = 1 + iota // slow is not broken
	Scarce                 // what a target has little of is its own affair
	Kernel                 // the kernel's part is the kernel's
	Tree                   // a target is a tree of processes
	Heap                   // a heap is no leak until its slope stays
	Unseen                 // what cannot be seen is untested
)

// Rules lists the rules in the order of verdicts.md.
func Rules() []Rule { return []Rule{Slow, Scarce, Kernel, Tree, Heap, Unseen} }

// MaxUntested is how many clauses of the whole spec may be untested.
const MaxUntested = 5

// Clause is one numbered normative sentence.
type Clause struct {
	ID     string // "WAKE-3": literal everywhere, never renumbered, never reused
	Family string // "WAKE"
	Number int

	Level    Level
	Sentence string // Markdown, on one line; of a withdrawn clause its tombstone
	Intent   string
	Kind     Kind
	Method   string // what stands after the kind; for untested, the reason
	Vantages []Vantage
	Needs    []Feature // none: binds without any feature
	Classes  []Class   // never empty; "all" is written out
	Source   string
	Rests    []Rule // the rules that its check touches, ascending
	Notes    string // legal variations, as Markdown; often ""

	File      string // below the spec's root, "wake.md"
	Line      int    // of the heading, from 1
	Withdrawn bool   // a tombstone: binds nobody, keeps its number from being reused
}

// Binds reports whether a target of that class is bound. The undeclared class
// "" is bound only by the clauses that bind every class.
func (c Clause) Binds(class Class) bool {
	if class == "" {
		return len(c.Classes) == len(Classes())
	}
	return slices.Contains(c.Classes, class)
}

// Sees reports whether the clause can be observed from that vantage.
func (c Clause) Sees(vantage Vantage) bool { return slices.Contains(c.Vantages, vantage) }

// Anchor is where the clause stands in the source tree, "spec/wake.md#wake-3".
func (c Clause) Anchor() string { return "spec/" + c.File + "#" + strings.ToLower(c.ID) }

// titleWidth keeps a title on one line of a report, in characters.
const titleWidth = 72

// Title is the sentence without its full stop, cut at a word to fit one line.
func (c Clause) Title() string {
	title := []rune(strings.TrimSuffix(c.Sentence, "."))
	if len(title) <= titleWidth {
		return string(title)
	}
	cut := string(title[:titleWidth-1])
	if space := strings.LastIndexByte(cut, ' '); space > 0 {
		cut = cut[:space]
	}
	return strings.TrimRight(cut, ",;: ") + "…"
}

// Family is the clauses about one concern; one file of the spec.
type Family struct {
	Name    string // "WAKE"
	Title   string
	About   string   // the introduction, as Markdown
	Clauses []Clause // in the order of the file, withdrawn ones included
}

// Dialect is how one request with a payload is said to a server, and what a
// server promises by speaking it.
type Dialect struct {
	Name     string // "resp"
	Title    string
	Promises map[string]string // clause ID to the citation of the promise, with those that bind every server
	Released map[string]string // clause ID to the citation that allows a server not to keep it
	Features []Feature         // what every speaker offers without declaring it
	// Description is how the dialect is spoken, as YAML (dialect-files.md), and
	// DescriptionLine where it starts in the page; empty where code speaks it.
	Description     string
	DescriptionLine int
}

// OverTLS is the dialect's page for a server that speaks it over TLS: what
// transport.md says that nobody promises there is released.
func (d Dialect) OverTLS() Dialect {
	d.Promises, d.Released = maps.Clone(d.Promises), maps.Clone(d.Released)
	if d.Released == nil {
		d.Released = make(map[string]string)
	}
	for id, citation := range embedded().overTLS {
		delete(d.Promises, id)
		d.Released[id] = citation
	}
	return d
}

// add adds promises that the dialect has not, unless it releases them.
func (d Dialect) add(promises map[string]string) {
	for id, citation := range promises {
		_, already := d.Promises[id]
		if _, released := d.Released[id]; !already && !released {
			d.Promises[id] = citation
		}
	}
}

// release releases what the dialect does not promise.
func (d Dialect) release(released map[string]string) {
	for id, citation := range released {
		_, promised := d.Promises[id]
		if _, already := d.Released[id]; !promised && !already {
			d.Released[id] = citation
		}
	}
}

// Bound is the dialect's page for a target that promises more: those clauses bind
// it whatever the page releases, with that citation.
func (d Dialect) Bound(ids []string, citation string) Dialect {
	d.Promises, d.Released = maps.Clone(d.Promises), maps.Clone(d.Released)
	if d.Promises == nil {
		d.Promises = make(map[string]string)
	}
	for _, id := range ids {
		if _, already := d.Promises[id]; !already {
			d.Promises[id] = citation
		}
		delete(d.Released, id)
	}
	return d
}

// Spec is a parsed specification. It is read-only and safe for concurrent use.
type Spec struct {
	families []Family
	clauses  map[string]Clause
	dialects []Dialect
	core     map[Class][]string

	common      map[string]string            // what every server promises
	released    map[string]string            // what none need keep whose dialect does not promise it
	abilities   map[string]map[string]string // what a described dialect's capability promises
	undescribed map[string]string            // what a described dialect need not keep unless a capability promises it
	overTLS     map[string]string            // what nobody promises over TLS
}

// Declared is what the pages declare. Package markdown reads it from them.
type Declared struct {
	Families    []Family                     // in the order of the story
	Core        map[Class][]string           // clause IDs
	Common      map[string]string            // what every server promises: clause ID to citation
	Released    map[string]string            // what no server need keep whose dialect does not promise it
	Abilities   map[string]map[string]string // what a described dialect's capability promises
	Undescribed map[string]string            // what a described dialect need not keep unless a capability promises it
	OverTLS     map[string]string            // what nobody promises over TLS
	Dialects    []Dialect                    // by name, each with what its own page promises and releases
}

// New makes a specification of what was declared, and owns it from now on.
func New(d Declared) *Spec {
	s := &Spec{families: d.Families, clauses: make(map[string]Clause), dialects: d.Dialects, core: d.Core,
		common: d.Common, released: d.Released, abilities: d.Abilities, undescribed: d.Undescribed, overTLS: d.OverTLS}
	for _, family := range d.Families {
		for _, clause := range family.Clauses {
			s.clauses[clause.ID] = clause
		}
	}
	for i := range s.dialects {
		s.complete(&s.dialects[i], s.dialects[i].Description != "")
	}
	return s
}

// The pages are read when they change, and not by every program that imports this
// package: it would import a parser of Markdown for it.
//
//go:generate go test ./markdown -run ^TestDeclaredIsCurrent$ -args -write
//go:generate go test ./story -run ^TestThePicturesAreCurrent$ -args -write
//go:embed declared.json
var declared []byte

// embedded is the spec of the pages beside this file. One that cannot be read is a bug
// of the build.
var embedded = sync.OnceValue(func() *Spec {
	var d Declared
	if err := json.Unmarshal(declared, &d); err != nil {
		panic("spec/declared.json cannot be read: " + err.Error())
	}
	return New(d)
})

// Families lists the families of the embedded spec in the order of its story.
func Families() []Family { return embedded().Families() }

// Clauses lists the clauses in force, family by family.
func Clauses() []Clause { return embedded().Clauses() }

// Lookup finds a clause, also a withdrawn one, by its literal ID.
func Lookup(id string) (Clause, bool) { return embedded().Lookup(id) }

// Dialects lists the dialects by name.
func Dialects() []Dialect { return embedded().Dialects() }

// LookupDialect finds a dialect by name.
func LookupDialect(name string) (Dialect, bool) { return embedded().LookupDialect(name) }

// Describe is the page of a dialect that has none: what every server promises,
// and what the dialect's capabilities (payload, pipelines, half_close) do.
func Describe(name string, capabilities ...string) Dialect {
	return embedded().Describe(name, capabilities...)
}

// Core lists the clauses that a target of that class must pass to be called
// conformant; for the undeclared class "", those that every class must pass.
func Core(class Class) []string { return embedded().Core(class) }

// Families is the method form of the package's Families; so are the others.
func (s *Spec) Families() []Family { return slices.Clone(s.families) }

// Clauses lists the clauses in force, family by family.
func (s *Spec) Clauses() []Clause {
	var clauses []Clause
	for _, family := range s.families {
		for _, clause := range family.Clauses {
			if !clause.Withdrawn {
				clauses = append(clauses, clause)
			}
		}
	}
	return clauses
}

// Lookup finds a clause, also a withdrawn one.
func (s *Spec) Lookup(id string) (Clause, bool) {
	clause, found := s.clauses[id]
	return clause, found
}

// Dialects lists the dialects by name.
func (s *Spec) Dialects() []Dialect { return slices.Clone(s.dialects) }

// LookupDialect finds a dialect by name.
func (s *Spec) LookupDialect(name string) (Dialect, bool) {
	for _, dialect := range s.dialects {
		if dialect.Name == name {
			return dialect, true
		}
	}
	return Dialect{}, false
}

// Describe makes the page of a dialect that has none.
func (s *Spec) Describe(name string, capabilities ...string) Dialect {
	d := Dialect{Name: name, Title: "a described dialect", Promises: make(map[string]string)}
	for _, capability := range capabilities {
		d.add(s.abilities[capability])
	}
	s.complete(&d, true)
	return d
}

// complete adds what the common page says to what a dialect's own does, which
// outranks it. described: a file says how the dialect is spoken.
func (s *Spec) complete(d *Dialect, described bool) {
	if d.Released == nil {
		d.Released = make(map[string]string)
	}
	if described {
		d.release(s.undescribed)
	}
	d.add(s.common)
	d.release(s.released)
}

// Core lists the core set of a class; of "", what all core sets share.
func (s *Spec) Core(class Class) []string {
	if class != "" {
		return slices.Clone(s.core[class])
	}
	var shared []string
	for _, id := range s.core[Classes()[0]] {
		everywhere := true
		for _, other := range Classes() {
			everywhere = everywhere && slices.Contains(s.core[other], id)
		}
		if everywhere {
			shared = append(shared, id)
		}
	}
	return shared
}

// SplitID takes "WAKE-3" apart; ok is false unless it is a family's name, a
// hyphen and a number without leading zeros.
func SplitID(id string) (family string, number int, ok bool) {
	family, digits, found := strings.Cut(id, "-")
	number, err := strconv.Atoi(digits)
	if !found || err != nil || number < 1 || strconv.Itoa(number) != digits || !slices.Contains(FamilyNames, family) {
		return "", 0, false
	}
	return family, number, true
}

// FamilyNames are all families there can be, in the order of the story.
var FamilyNames = []string{
	"MODEL", "SIGN", "ACC", "CONN", "FLOW", "LOOP", "WAKE", "TASK", "TIME", "WORK", "LIFE", "RES", "TLS", "PROBE",
}
