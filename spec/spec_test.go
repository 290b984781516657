package spec

import (
	"slices"
	"strings"
	"testing"
)

// Each clause is found by its ID, and every page that the design names is there.
func TestEmbedded(t *testing.T) {
	for _, clause := range Clauses() {
		found, ok := Lookup(clause.ID)
		if !ok || found.Line != clause.Line {
			t.Errorf("%s is looked up as %+v", clause.ID, found)
		}
	}
	var families, dialects []string
	for _, family := range Families() {
		families = append(families, family.Name)
	}
	for _, dialect := range Dialects() {
		dialects = append(dialects, dialect.Name)
	}
	if !slices.Equal(families, FamilyNames) {
		t.Errorf("families %v, want %v", families, FamilyNames)
	}
	if want := []string{"amqp", "beanstalkd", "dns", "echo", "ftp", "gearman", "gopher", "http", "imap", "irc", "memcache", "mpd", "mqtt", "mysql", "nats", "postgres", "probe", "resp", "smtp", "tcp", "zookeeper"}; !slices.Equal(dialects, want) {
		t.Errorf("dialects %v, want %v", dialects, want)
	}
	if _, found := Lookup("WAKE-0"); found {
		t.Error("WAKE-0 is a clause")
	}
}

// A core clause must not hang on a feature: a correct server that declares few
// features would be called not conformant for what it never claimed.
func TestCoreClausesNeedNoFeature(t *testing.T) {
	for _, class := range Classes() {
		core := Core(class)
		if len(core) == 0 {
			t.Errorf("class %s has an empty core set", class)
		}
		for _, id := range core {
			if clause, _ := Lookup(id); len(clause.Needs) > 0 {
				t.Errorf("%s is core for %s but needs %v", id, class, clause.Needs)
			}
		}
	}
	if len(Core("")) == 0 {
		t.Error("the core sets share no clause")
	}
}

// Speaking probe is promising the whole contract; the others promise less.
func TestPromises(t *testing.T) {
	for _, dialect := range Dialects() {
		if dialect.Name == "probe" && len(dialect.Promises) != len(Clauses()) {
			t.Errorf("probe promises %d of %d clauses", len(dialect.Promises), len(Clauses()))
		}
		if dialect.Name != "probe" && (len(dialect.Promises) == 0 || len(dialect.Promises) == len(Clauses())) {
			t.Errorf("%s promises %d of %d clauses", dialect.Name, len(dialect.Promises), len(Clauses()))
		}
		for id := range dialect.Promises {
			clause, _ := Lookup(id)
			for _, need := range clause.Needs {
				if dialect.Name == "probe" || need == "drain" || need == "idle-timeout" || need == "limit" || need == "tls" {
					continue
				}
				t.Errorf("%s promises %s, which needs %s: only probe has the verbs for it", dialect.Name, id, need)
			}
		}
	}
}

func TestBindsAndSees(t *testing.T) {
	all := Clause{Classes: Classes(), Vantages: []Vantage{Wire}}
	some := Clause{Classes: []Class{Reactor, MultiReactor}}
	if !all.Binds("") || !all.Binds(Iterative) || some.Binds("") || some.Binds(Iterative) || !some.Binds(Reactor) {
		t.Error("a clause binds the wrong class")
	}
	if !all.Sees(Wire) || all.Sees(Process) {
		t.Error("a clause sees from the wrong vantage")
	}
}

func TestClausesAreWellSaid(t *testing.T) {
	for _, clause := range Clauses() {
		if !strings.HasSuffix(clause.Sentence, ".") {
			t.Errorf("%s is no sentence: %s", clause.Anchor(), clause.Sentence)
		}
		if len(clause.Title()) == 0 || len([]rune(clause.Title())) > titleWidth {
			t.Errorf("%s has the title %q", clause.ID, clause.Title())
		}
	}
}
