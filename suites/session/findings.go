package session

import "sync"

// Findings are what the checks of one run found out and others of it may use, so that
// what several clauses are told by is done once. Each is known by a name.
type Findings struct {
	mu     sync.Mutex
	byName map[string]*finding
}

// finding belongs to whoever has its turn.
type finding struct {
	turn  chan struct{}
	known bool
	value any
}

func (f *Findings) named(name string) *finding {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byName == nil {
		f.byName = map[string]*finding{}
	}
	if f.byName[name] == nil {
		f.byName[name] = &finding{turn: make(chan struct{}, 1)}
	}
	return f.byName[name]
}

// Found is what is known by that name in this run; where nothing is, find finds it
// out, on the caller's own instance of the target. Others who ask meanwhile wait. If
// find ends the check, nothing is known, and whoever asks next finds out.
func Found[T any](s *Session, name string, find func() T) T {
	if s.setup.Findings == nil {
		return find()
	}
	f := s.setup.Findings.named(name)
	select {
	case f.turn <- struct{}{}:
	case <-s.ctx.Done():
		panic(aborted{})
	}
	defer func() { <-f.turn }()
	if !f.known {
		f.value = find()
		f.known = true
	}
	return f.value.(T)
}
