// Command gnet is the target contract on github.com/panjf2000/gnet/v2.
//
// What it offers is what gnet does. Tasks are EventLoop.Execute's, replies from
// elsewhere AsyncWrite's, and work goes to a pool of ants, as gnet's own
// documentation has it. It offers no SOURCE, for a close drops what the socket
// does not take; no timers, for EventLoop.Schedule is not implemented; no drain,
// for the same reason as SOURCE; no contain, for gnet recovers no panic; no
// hooks and no shared set, for it has none.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"sync"

	"github.com/panjf2000/ants/v2"
	"github.com/panjf2000/gnet/v2"
	"reactorspec.test/conversation"
)

const (
	loops = 2
	// workers bounds the pool: each holds a thread while it works.
	workers = 64
)

type server struct {
	gnet.BuiltinEventEngine
	opts conversation.Options
	addr string

	mu    sync.Mutex
	known []gnet.EventLoop // in the order in which they were given connections
}

// index numbers the loops, which gnet does not.
func (s *server) index(loop gnet.EventLoop) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.known, loop)
	if i < 0 {
		i = len(s.known)
		s.known = append(s.known, loop)
	}
	return i
}

func (s *server) loop(i int) gnet.EventLoop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[i]
}

func (s *server) post(loop int, task func()) {
	err := s.loop(loop).Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
		task()
		return nil
	}))
	if err != nil {
		log.Print(err)
	}
}

// OnBoot has each loop given a connection, so that every loop is known before
// a client asks for it: gnet gives them in turn.
func (s *server) OnBoot(gnet.Engine) gnet.Action {
	go func() {
		for range loops {
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				log.Fatal(err)
			}
			c.Write([]byte("\n")) // no sign-on: it is closed once it was taken up
			io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	return gnet.None
}

func (s *server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	if _, ours := c.Context().(*metronome); ours {
		return nil, gnet.None
	}
	talk := conversation.New(s.opts)
	talk.Lives(conversation.Home{Loop: s.index(c.EventLoop()), Send: func(p []byte) { c.AsyncWrite(p, nil) }})
	c.SetContext(talk)
	return nil, gnet.None
}

func (*server) OnTraffic(c gnet.Conn) gnet.Action {
	in, err := c.Next(-1)
	if err != nil {
		return gnet.Close
	}
	if m, ours := c.Context().(*metronome); ours {
		m.onTraffic()
		return gnet.None
	}
	failed := false
	done := c.Context().(*conversation.Conn).Feed(in, func(p []byte) {
		// A write that fails closes the connection, and a later one would go to
		// whoever has its descriptor then.
		if failed {
			return
		}
		_, err := c.Write(p)
		failed = err != nil
	})
	if done {
		return gnet.Close
	}
	return gnet.None
}

// OnClose is told of the client's FIN by io.EOF; what is written here is still sent.
func (*server) OnClose(c gnet.Conn, err error) gnet.Action {
	talk, ours := c.Context().(*conversation.Conn)
	if !ours {
		return gnet.None
	}
	if errors.Is(err, io.EOF) {
		talk.End(func(p []byte) { c.Write(p) })
	}
	talk.Closed()
	return gnet.None
}

func main() {
	pool, err := ants.NewPool(workers, ants.WithNonblocking(true))
	if err != nil {
		log.Fatal(err)
	}
	s := &server{addr: "127.0.0.1:" + os.Getenv("PORT")}
	s.opts = conversation.Options{
		Class: "multi-reactor", Loops: loops, Wakeup: "eventfd", Sink: true, Login: true, Stats: true, Where: true,
		Tasks:   conversation.Tasks{Post: s.post, Turns: s.turns},
		Offload: func(work func()) bool { return pool.Submit(work) == nil },
	}
	err = gnet.Run(s, "tcp://"+s.addr, gnet.WithNumEventLoop(loops), gnet.WithReuseAddr(true), gnet.WithLockOSThread(true))
	if err != nil {
		log.Fatal(err)
	}
}
