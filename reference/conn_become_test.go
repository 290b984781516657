package reference

import (
	"net"
	"slices"
	"testing"
)

// A successor is shown what its predecessor left, once it wants input, and nothing that is not there.
func TestSuccessorIsShownWhatIsLeft(t *testing.T) {
	pause := func(c *Conn, note func(string)) {
		c.Pause()
		_ = c.Post(func() { note("resume"); c.Resume() })
	}
	for _, x := range []struct {
		name      string
		used      int // of 3 bytes
		open      func(c *Conn, note func(string))
		want      []string
		loopsOnly bool
	}{
		{name: "something is left", used: 1, want: []string{"open", "bc", "end"}},
		{name: "nothing is left", used: 3, want: []string{"open", "end"}},
		{name: "it aborts", used: 1, open: func(c *Conn, _ func(string)) { c.Abort(nil) }, want: []string{"open"}},
		{name: "it pauses", used: 1, open: pause, want: []string{"open", "resume", "bc", "end"}, loopsOnly: true},
	} {
		t.Run(x.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, o Options) {
				if x.loopsOnly && !o.hasLoops() {
					t.Skip("for loops")
				}
				var seen []string
				closed := make(chan error, 1)
				second := &scripted{
					open: func(c *Conn) {
						seen = append(seen, "open")
						if x.open != nil {
							x.open(c, func(what string) { seen = append(seen, what) })
						}
					},
					data:  func(_ *Conn, data []byte) int { seen = append(seen, string(data)); return len(data) },
					end:   func(c *Conn) { seen = append(seen, "end"); c.Close() },
					close: func(_ *Conn, err error) { closed <- err },
				}
				s := start(t, o.with(&scripted{data: func(c *Conn, _ []byte) int { c.Become(second); return x.used }}))
				c := s.dial()
				c.send("abc")
				_ = c.Conn.(*net.TCPConn).CloseWrite() // may be reset already
				if err := await(t, "OnClose", closed); err != nil {
					t.Errorf("OnClose got %v", err)
				}
				if !slices.Equal(seen, x.want) {
					t.Errorf("the successor saw %q, want %q", seen, x.want)
				}
			})
		})
	}
}

// A successor that closes at once is shown nothing of what is left.
func TestSuccessorThatClosesIsShownNothing(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		seen, closed := make(chan string, 4), make(chan error, 1)
		second := &scripted{
			open:  func(c *Conn) { c.Close() },
			data:  func(_ *Conn, data []byte) int { seen <- string(data); return len(data) },
			close: func(_ *Conn, err error) { closed <- err },
		}
		s := start(t, o.with(&scripted{data: func(c *Conn, _ []byte) int { c.Become(second); return 1 }}))
		c := s.dial()
		c.send("abc")
		c.closeWrite()
		await(t, "OnClose", closed)
		if len(seen) > 0 {
			t.Errorf("it is shown %q", <-seen)
		}
	})
}
