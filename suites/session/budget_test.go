package session

import (
	"testing"
	"time"
)

// Patience stretches what must come, and nothing else.
func TestAPatientBudget(t *testing.T) {
	b, d := DefaultBudget.Times(2.5), DefaultBudget
	for name, pair := range map[string][2]time.Duration{"await": {b.Await, d.Await}, "handshake": {b.Handshake, d.Handshake},
		"check": {b.Check, d.Check}, "study": {b.Study, d.Study}, "wall": {b.Wall, d.Wall}} {
		if pair[0] != pair[1]*5/2 {
			t.Errorf("%s is %v, of %v", name, pair[0], pair[1])
		}
	}
	if b.Silence != d.Silence || b.Poll != d.Poll || b.Grace != d.Grace {
		t.Errorf("%+v stretches what must not come, a look, or the end", b)
	}
}
