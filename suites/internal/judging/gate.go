package judging

import (
	"fmt"
	"slices"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// pass is what a gate says of a clause before its check runs.
type pass struct {
	// outcome is what the clause comes to without its check; "" lets it run. Once it
	// runs, a failure is never demoted to what a gate says.
	outcome report.Outcome
	reason  string
	// wordless: the dialect has no words for the clause, as this target speaks it.
	wordless bool
	// unbound: the target neither promised the clause nor was released from it, so
	// that what its check finds is advice.
	unbound bool
}

// gate decides, before anything runs, whether a clause can be judged at all, and
// whether it binds.
func gate(s step, known facts, o *Options) pass {
	if s.here {
		outcome, reason := gateOfValue(s, known)
		return pass{outcome: outcome, reason: reason}
	}
	if why := unbuilt(s, o.Soak); why != "" {
		return pass{outcome: report.Untested, reason: why}
	}
	page, found := known.info.Page()
	if !found {
		return pass{outcome: report.Unsupported, reason: fmt.Sprintf("the %s dialect has no page of promises", known.info.Dialect)}
	}
	if citation, released := page.Released[s.clause.ID]; released {
		return pass{outcome: report.Unsupported, reason: "released: " + citation}
	}
	said := gateOfTarget(s, known, page)
	why := unbound(s.clause, known.info, page)
	switch {
	case why == "":
		return said
	case said.outcome != "" || !o.advises(known.attached):
		// Whatever else is in the way, that it does not bind comes first.
		return pass{outcome: report.Unsupported, reason: why}
	}
	return pass{unbound: true}
}

// unbound says why a clause from which the target is not released does not bind it
// either: nobody promised it, or the spec has it since a later version than the one
// that the target is judged by; "" where it binds.
func unbound(clause spec.Clause, file target.File, page spec.Dialect) string {
	if _, promised := page.Promises[clause.ID]; !promised {
		return fmt.Sprintf("the %s dialect does not promise it", page.Name)
	}
	if slices.Contains(file.Promises, clause.ID) {
		return ""
	}
	return younger(clause, file)
}

// unbuilt says why nobody could judge the clause in this run, whoever the target
// is; "" where it is in force and has a check.
func unbuilt(s step, soak bool) string {
	clause := s.clause
	switch {
	case clause.Withdrawn:
		return "withdrawn: " + clause.Sentence
	case clause.Kind == spec.Untested:
		return clause.Method
	case !clause.Sees(spec.Wire) && !clause.Sees(spec.Process):
		return "it is seen in-process only, by a Go adapter of spec/contract"
	case !s.built:
		return "no check is built for it yet"
	case s.check.Soak && !soak:
		return "it soaks the target for minutes: give --soak"
	}
	return ""
}

// gateOfTarget asks whether the clause is about the target's class and features,
// whether this run can see it, and whether the dialect has words for it.
func gateOfTarget(s step, known facts, page spec.Dialect) pass {
	clause := s.clause
	if class := known.info.Class; !clause.Binds(class) {
		if class == "" {
			return pass{outcome: report.Unsupported, reason: fmt.Sprintf("it binds %s; the target declares no class", join(clause.Classes))}
		}
		return pass{outcome: report.Unsupported, reason: fmt.Sprintf("it binds %s; the target is %s", join(clause.Classes), class)}
	}
	if known.distrust != "" && len(clause.Needs) > 0 {
		return pass{outcome: report.Untested, reason: known.distrust}
	}
	for _, feature := range clause.Needs {
		offered := slices.Contains(known.info.Features, feature) || slices.Contains(page.Features, feature)
		switch {
		case feature == "tls" && known.info.TLS == nil: // who cannot be spoken to so has no use for the word
			return pass{outcome: report.Unsupported, reason: "it is about TLS, and the target is spoken to without: --tls, or tls: in its file"}
		case !offered:
			return pass{outcome: report.Unsupported, reason: fmt.Sprintf("it needs %s, which the target does not offer", feature)}
		}
	}
	switch {
	case !clause.Sees(spec.Wire) && !known.process:
		return pass{outcome: report.Untested, reason: "it is seen in the target's processes: give --pid, or let reactorspec start the target"}
	case s.check.Own && known.attached:
		return pass{outcome: report.Untested, reason: "it signals, limits or restarts the target: let reactorspec start it"}
	}
	if lacks := lacking(s, known); lacks != "" {
		return pass{outcome: report.Unsupported, reason: lacks, wordless: true}
	}
	return pass{}
}

// contractual is the dialect of the target contract.
const contractual = "probe"

// wordlessFeatures are those that a server of any dialect can have, because no
// check asks for them by a command of the target contract.
var wordlessFeatures = []spec.Feature{"limit", "drain", "idle-timeout", "reuseport", "greeting", "tls"}

// lacking says what the dialect has not of what the clause's check says. Sign-ons,
// frames and most features are the words of the target contract alone.
func lacking(s step, known facts) string {
	contract := s.clause.Family == "SIGN" || s.clause.Family == "PROBE" || slices.ContainsFunc(s.clause.Needs, func(need spec.Feature) bool {
		return !slices.Contains(wordlessFeatures, need)
	})
	if name := known.dialect.Name(); contract && name != contractual {
		return "it is said in the words of the target contract, which the " + name + " dialect does not have"
	}
	return s.check.Needs.Lacks(known.dialect)
}

// gateOfValue asks the same of what is judged in this process: a value promises what
// spec/contract says by meeting it, so there is no dialect to ask.
func gateOfValue(s step, known facts) (report.Outcome, string) {
	clause := s.clause
	switch {
	case clause.Withdrawn:
		return report.Untested, "withdrawn: " + clause.Sentence
	case !clause.Sees(spec.Inproc) || !s.built:
		return report.Untested, "it cannot be judged by the methods of spec/contract alone"
	case !clause.Binds(known.info.Class):
		return report.Unsupported, fmt.Sprintf("it binds %s; the value is %s", join(clause.Classes), known.info.Class)
	}
	for _, feature := range clause.Needs {
		if !slices.Contains(known.info.Features, feature) {
			return report.Unsupported, fmt.Sprintf("it needs %s, which is not offered", feature)
		}
	}
	return "", ""
}
