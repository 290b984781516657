package reference

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// OnClose comes once and last, with the reason, however the connection ends.
func TestOnCloseOnce(t *testing.T) {
	reset := func(c *client) { c.Conn.(*net.TCPConn).SetLinger(0); c.Close() }
	for name, way := range map[string]struct {
		data func(c *Conn, data []byte) int
		do   func(c *client)
		want func(err error) bool
	}{
		"the peer's FIN": {do: func(c *client) { c.closeWrite() }, want: func(err error) bool { return err == nil }},
		"reset":          {do: reset, want: func(err error) bool { return err != nil && strings.Contains(err.Error(), "connection reset") }},
		"Close":          {data: func(c *Conn, data []byte) int { c.Close(); c.Close(); return len(data) }, want: func(err error) bool { return err == nil }},
		"Abort":          {data: func(c *Conn, data []byte) int { c.Abort(io.ErrNoProgress); c.Close(); return 0 }, want: func(err error) bool { return err == io.ErrNoProgress }},
		"a panic":        {data: func(*Conn, []byte) int { panic("on purpose") }, want: func(err error) bool { return err == ErrPanic }},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, o Options) {
				var opened, closed atomic.Int32
				reason := make(chan error, 2)
				h := &scripted{data: way.data,
					open:  func(*Conn) { opened.Add(1) },
					close: func(c *Conn, err error) { closed.Add(1); reason <- err }}
				s := start(t, o.with(h))
				c := s.dial()
				c.send("go")
				eventually(t, "the bytes to be read", func() bool { return s.Stats().In == 2 })
				if way.do != nil {
					way.do(c)
				} else {
					io.ReadAll(c.r)
					c.Close()
				}
				if err := await(t, "OnClose", reason); !way.want(err) {
					t.Errorf("OnClose got %v", err)
				}
				eventually(t, "the connection to be gone", func() bool { return s.Stats().Open == 0 })
				if opened.Load() != 1 || closed.Load() != 1 {
					t.Errorf("%d times opened, %d times closed", opened.Load(), closed.Load())
				}
			})
		})
	}
}

// A handler is told whom it serves, until the connection is gone.
func TestRemoteAddr(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		address := make(chan net.Addr, 2)
		s := start(t, o.with(&scripted{
			data:  func(c *Conn, data []byte) int { address <- c.RemoteAddr(); return len(data) },
			close: func(c *Conn, _ error) { address <- c.RemoteAddr() },
		}))
		c := s.dial()
		c.send("x")
		if got, want := await(t, "OnData", address), c.LocalAddr(); got == nil || got.String() != want.String() {
			t.Errorf("the peer is %v, want %v", got, want)
		}
		c.Close()
		if got := await(t, "OnClose", address); got != nil {
			t.Errorf("the peer that is gone is %v", got)
		}
	})
}

// A panic in any method loses its own connection and no other.
func TestHandlerPanics(t *testing.T) {
	for name, broken := range map[string]*scripted{
		"OnOpen":  {open: func(*Conn) { panic("open") }},
		"OnData":  {data: func(c *Conn, data []byte) int { c.Write(data); panic("data") }},
		"OnEnd":   {end: func(*Conn) { panic("end") }},
		"OnClose": {close: func(*Conn, error) { panic("close") }},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, o Options) {
				var next atomic.Bool
				o.Handler = func(*Conn) Handler {
					if next.CompareAndSwap(true, false) {
						return broken
					}
					return echo{}
				}
				s := start(t, o)
				var beside *client
				if o.Class != Iterative {
					beside = s.dial()
					beside.send("1")
					beside.want("1")
				}
				next.Store(true)
				c := s.dial()
				c.Write([]byte("due")) // may be reset already
				if name == "OnData" {
					c.want("due")
				}
				if name != "OnOpen" && name != "OnData" {
					c.closeWrite()
				}
				io.ReadAll(c.r)
				c.Close()
				eventually(t, "the panic to be counted", func() bool { return s.Stats().Panics == 1 })
				if beside != nil {
					beside.send("2")
					beside.want("2")
					beside.Close()
				}
				after := s.dial()
				after.send("3")
				after.want("3")
				after.Close()
				eventually(t, "the connections to be gone", func() bool { return s.Stats().Open == 0 })
			})
		})
	}
}

// A paused connection reads nothing, and after Resume misses nothing: neither
// what the handler left, nor what the kernel kept, nor an end that came meanwhile.
func TestPauseAndResume(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		if o.Class == Iterative || o.Class == ThreadPerConnection {
			t.Skip("Pause is for loops")
		}
		for _, network := range []string{"tcp", "unix"} {
			var conn atomic.Pointer[Conn]
			var got []byte
			all := make(chan string, 1)
			h := &scripted{
				open: func(c *Conn) { conn.Store(c) },
				data: func(c *Conn, data []byte) int {
					got = append(got, data[0])
					c.Pause()
					return 1 // of whatever there is
				},
				end: func(c *Conn) { all <- string(got); c.Close() },
			}
			address := "127.0.0.1:0"
			if network == "unix" {
				address = t.TempDir() + "/s"
			}
			s := startOn(t, network, address, o.with(h))
			c := s.dial()
			c.send("ab")
			eventually(t, "the first byte", func() bool { return s.Stats().In == 2 })
			c.send("cd")
			c.Close() // on a Unix socket this is a hangup, which the poller reports whatever the interest
			turns := s.class.loop(0).Stats().Turns
			<-time.After(50 * time.Millisecond)
			if spun := s.class.loop(0).Stats().Turns - turns; spun > 20 {
				t.Errorf("%s: the loop made %d turns beside a paused connection", network, spun)
			}
			if n := s.Stats().In; n != 2 {
				t.Errorf("%s: %d bytes were read of a paused connection", network, n)
			}
			eventually(t, "the end", func() bool {
				conn.Load().Post(func() { conn.Load().Resume() })
				return len(all) > 0
			})
			if got := <-all; got != "abcd" {
				t.Errorf("%s: the handler saw %q", network, got)
			}
		}
	})
}

// Output from a task, in pieces asked for with RequestDrain, keeps its order and
// lets the loop serve others in between.
func TestRequestDrain(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		const pieces = 2000
		n := 0
		h := &scripted{
			open: func(c *Conn) { c.RequestDrain() },
			drain: func(c *Conn) {
				if n == pieces {
					c.Close()
					return
				}
				c.Write([]byte{byte(n)})
				n++
				c.RequestDrain()
			},
		}
		s := start(t, o.with(h))
		got, err := io.ReadAll(s.dial().r)
		if err != nil || len(got) != pieces {
			t.Fatalf("%d pieces came, %v", len(got), err)
		}
		for i := range got {
			if got[i] != byte(i) {
				t.Fatalf("piece %d is %d", i, got[i])
			}
		}
	})
}

// A handler cannot hoard input.
func TestUnusedInput(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		o.MaxFrame = 1000
		reason := make(chan error, 1)
		s := start(t, o.with(&scripted{
			data:  func(*Conn, []byte) int { return 0 },
			close: func(_ *Conn, err error) { reason <- err },
		}))
		c := s.dial()
		c.send(strings.Repeat("x", 1000))
		eventually(t, "the bytes to be read", func() bool { return s.Stats().In == 1000 })
		if n := len(reason); n != 0 {
			t.Error("the connection was closed at the limit")
		}
		c.send("x")
		if err := await(t, "OnClose", reason); !errors.Is(err, ErrUnusedInput) {
			t.Errorf("OnClose got %v", err)
		}
	})
}

// A handler that closes may leave as much as it likes: nobody looks at it any more.
func TestCloseLeavesInput(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		o.MaxFrame = 10
		reason := make(chan error, 1)
		s := start(t, o.with(&scripted{
			data:  func(c *Conn, _ []byte) int { c.Close(); return 0 },
			close: func(_ *Conn, err error) { reason <- err },
		}))
		c := s.dial()
		c.send(strings.Repeat("x", 100))
		c.wantEnd()
		c.Close()
		if err := await(t, "OnClose", reason); err != nil {
			t.Errorf("OnClose got %v", err)
		}
	})
}

// After its end a connection refuses output instead of losing it silently.
func TestWriteAfterEnd(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		result := make(chan error, 2)
		s := start(t, o.with(&scripted{
			data: func(c *Conn, data []byte) int {
				c.Close()
				_, err := c.Write(data)
				result <- err
				return len(data)
			},
			close: func(c *Conn, _ error) {
				_, err := c.Write([]byte("late"))
				result <- err
			},
		}))
		c := s.dial()
		c.send("x")
		c.wantEnd()
		c.Close()
		for range 2 {
			if err := await(t, "a write", result); !errors.Is(err, ErrClosed) {
				t.Errorf("Write reports %v", err)
			}
		}
	})
}
