package reference

import (
	"testing"
	"time"
)

// The lag is that of the longest turn, fading by an eighth with each turn that is shorter.
func TestLagFades(t *testing.T) {
	var s loopStats
	now := time.Hour
	for i, x := range []struct{ turn, want time.Duration }{
		{0, 0}, {800, 800}, {100, 700}, {0, 613}, {612, 612}, {613, 613}, {5000, 5000}, {1, 4375}, {1, 3829},
	} {
		now += time.Minute // asleep, which is no lag
		s.beginTurn(now)
		now += x.turn
		s.endTurn(now)
		if got := time.Duration(s.lag.Load()); got != x.want {
			t.Errorf("after turn %d of %v: the lag is %d, want %d", i, x.turn, got, x.want)
		}
	}
}
