package reference

import "testing"

// Resume in OnDrain, which comes behind the reading of a turn, shows again what the
// handler left when it paused, and reads on.
func TestResumeInOnDrain(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		seen := make(chan string, 4)
		first := true
		s := start(t, o.with(&scripted{
			data: func(c *Conn, data []byte) int {
				seen <- string(data)
				if !first {
					return len(data)
				}
				first = false
				c.Pause()
				c.RequestDrain()
				return 1
			},
			drain: func(c *Conn) { c.Resume() },
		}))
		c := s.dial()
		c.send("abc")
		await(t, "the input", seen)
		if got := await(t, "what was left", seen); got != "bc" {
			t.Errorf("shown again is %q, want %q", got, "bc")
		}
		c.send("d")
		if got := await(t, "what came then", seen); got != "d" {
			t.Errorf("shown is %q, want %q", got, "d")
		}
	})
}
