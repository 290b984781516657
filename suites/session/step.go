package session

// Step runs a part of a check that only brings about what its clause is about, such
// as the connections that are reset afterwards. A step that fails is charged to no
// clause's sentence: the clause is untested, and the reason names the step. A target
// whose process ends of it is blamed all the same.
func (s *Session) Step(name string, f func()) {
	failure := s.Trial(f)
	if failure == nil {
		return
	}
	if s.Target.Alive() != nil {
		s.Fail(failure)
	}
	end := untested{oneLine("a step before it failed, " + name + ": " + failure.Reason)}
	s.mu.Lock()
	s.first = end // what was raised beside the check, and what follows from it, is told by this
	s.mu.Unlock()
	panic(end)
}
