package reference

import (
	"testing"
	"time"
)

func TestPaceYieldsWhenBusyOnly(t *testing.T) {
	for _, c := range []struct {
		name string
		turn time.Duration // from one turn to the next
		want int           // yields in one second
	}{
		{"busy", 50 * time.Microsecond, 125},
		{"long turns", time.Millisecond, 125}, // every eighth turn
		{"mostly asleep", 100 * time.Millisecond, 1},
	} {
		var p pace
		got := 0
		for now := c.turn; now <= time.Second; now += c.turn {
			if p.due(now) {
				got++
			}
		}
		if got < c.want-c.want/20 || got > c.want {
			t.Errorf("%s: %d yields in a second, want about %d", c.name, got, c.want)
		}
	}
}
