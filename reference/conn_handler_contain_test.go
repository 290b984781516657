package reference

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
)

// What goes wrong around a handler loses its own connection, and is counted once.
func TestBrokenHandlers(t *testing.T) {
	for name, broken := range map[string]func() Handler{
		"Options.Handler panics": func() Handler { panic("handler") },
		"Options.Handler is nil": func() Handler { return nil },
		"OnDrain panics": func() Handler {
			return &scripted{open: func(c *Conn) { c.RequestDrain() }, drain: func(*Conn) { panic("drain") }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, o Options) {
				var next atomic.Bool
				o.Handler = func(*Conn) Handler {
					if next.CompareAndSwap(true, false) {
						return broken()
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
				io.ReadAll(c.r)
				c.Close()
				after := s.dial()
				after.send("2")
				after.want("2")
				after.Close()
				if beside != nil {
					beside.send("3")
					beside.want("3")
					beside.Close()
				}
				eventually(t, "the connections to be gone", func() bool { return s.Stats().Open == 0 })
				if n := s.Stats().Panics; n != 1 {
					t.Errorf("%d panics are counted, want 1", n)
				}
			})
		})
	}
}

// A panic at the stop keeps no other connection from its orderly end.
func TestOnStopPanics(t *testing.T) {
	for name, lastWord := range map[string]func(*Conn, error){"": nil, " and OnClose": func(*Conn, error) { panic("close") }} {
		t.Run("OnStop"+name, func(t *testing.T) {
			onEach(t, func(t *testing.T, o Options) {
				if o.Class == Iterative {
					t.Skip("one client at a time")
				}
				var made atomic.Int32
				ends := make(chan error, 3)
				o.Handler = func(*Conn) Handler {
					h := &scripted{open: func(c *Conn) { c.Write([]byte("x")) }, close: func(_ *Conn, err error) { ends <- err }}
					if made.Add(1) != 2 {
						return h
					}
					if lastWord != nil {
						h.close = func(c *Conn, err error) { ends <- err; lastWord(c, err) }
					}
					return &stopping{*h, func(*Conn) { panic("stop") }}
				}
				s := start(t, o)
				for range 3 {
					s.dial().want("x")
				}
				ctx, cancel := context.WithTimeout(context.Background(), within)
				defer cancel()
				if err := s.Stop(ctx); err != nil || ctx.Err() != nil {
					t.Errorf("Stop: %v, %v", err, ctx.Err())
				}
				var orderly, panicked int
				for range 3 {
					switch err := await(t, "OnClose", ends); {
					case err == nil:
						orderly++
					case errors.Is(err, ErrPanic):
						panicked++
					}
				}
				if orderly != 2 || panicked != 1 {
					t.Errorf("%d connections ended in order and %d by the panic, want 2 and 1", orderly, panicked)
				}
				want := uint64(1)
				if lastWord != nil {
					want = 2
				}
				if n := s.Stats().Panics; n != want {
					t.Errorf("%d panics are counted, want %d", n, want)
				}
			})
		})
	}
}
