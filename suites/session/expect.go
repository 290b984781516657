package session

import (
	"strings"

	"github.com/onsi/gomega/format"
	"github.com/onsi/gomega/types"
)

// Assertion judges what Expect was given by a Gomega matcher.
type Assertion struct {
	session *Session
	actual  any
}

// Expect begins an assertion: s.Expect(reply).To(gomega.Equal(sent), "the reply"). One
// that does not hold ends the check like Failf: the target broke the clause. To wait
// for something is Until's business, which knows when this machine stalls.
func (s *Session) Expect(actual any) Assertion { return Assertion{s, actual} }

// To asserts that the matcher matches; what names the assertion in one line.
func (a Assertion) To(matcher types.GomegaMatcher, what ...string) {
	if !a.matches(matcher) {
		a.fails(matcher.FailureMessage(a.actual), what)
	}
}

// NotTo asserts that the matcher does not match.
func (a Assertion) NotTo(matcher types.GomegaMatcher, what ...string) {
	if a.matches(matcher) {
		a.fails(matcher.NegatedFailureMessage(a.actual), what)
	}
}

func (a Assertion) matches(matcher types.GomegaMatcher) bool {
	matches, err := matcher.Match(a.actual)
	if err != nil { // it cannot judge such a value: the check is wrong
		a.session.harnessFailed("an assertion of the check of %s cannot be judged: %v", a.session.Spec.ID, err)
	}
	return matches
}

// fails ends the check. The matcher's message says what it wanted, and stays one text.
func (a Assertion) fails(message string, what []string) {
	reason := strings.Join(what, " ")
	if reason == "" {
		reason = message
	}
	a.session.Failf(Wrong, reason, oneLine(message), oneLine(format.Object(a.actual, 0)), "")
}
