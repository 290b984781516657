package session

// Untested ends the check: what the clause is about cannot be seen on this target
// by any of its vantages, so the clause is untested. It never excuses a target
// that has what the clause is about.
func (s *Session) Untested(reason string) { panic(untested{oneLine(reason)}) }
