// Command goroutines is the target contract on Go's own net package, a goroutine
// a connection, as net/http serves.
//
// What it offers follows from that: a Write waits for its client and holds up
// nobody else, so that SOURCE is paced and output bounded (limit); a panic is
// recovered where the goroutine began (contain); and SIGTERM closes the listener
// and ends the waiting for input (drain). It offers neither where, post nor
// offload, for goroutines have no thread of their own and may block as they are;
// and no timers, for time.AfterFunc keeps no order among equal deadlines.
package main

import (
	"errors"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"reactorspec.test/conversation"
)

const (
	// limit is what the kernel's buffers hold of any connection's output, in bytes.
	limit = 64 << 10
	// readAt is the most that is read at a time, in bytes.
	readAt = 32 << 10
	// drainTime is less than the 5 s that the contract leaves a server to stop.
	drainTime = 4 * time.Second
	// The pauses after an accept that failed, as net/http makes them.
	leastPause, mostPause = 5 * time.Millisecond, time.Second
)

// server knows its connections, to end them.
type server struct {
	opts     conversation.Options
	mu       sync.Mutex
	open     map[net.Conn]bool
	stopping bool
	handlers sync.WaitGroup
}

func (s *server) accept(l net.Listener) {
	pause := leastPause
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Print(err)
			time.Sleep(pause)
			pause = min(2*pause, mostPause)
			continue
		}
		pause = leastPause
		s.mu.Lock()
		s.open[c] = true
		if s.stopping {
			c.SetReadDeadline(time.Now())
		}
		s.handlers.Go(func() { s.serve(c) })
		s.mu.Unlock()
	}
}

func (s *server) serve(c net.Conn) {
	talk := conversation.New(s.opts)
	defer func() {
		if failure := recover(); failure != nil {
			log.Print(failure)
		}
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
		talk.Closed()
		c.Close()
	}()
	failed := false
	write := func(p []byte) {
		if !failed {
			_, err := c.Write(p)
			failed = err != nil
		}
	}
	in := make([]byte, readAt)
	for !failed {
		n, err := c.Read(in)
		done := n > 0 && talk.Feed(in[:n], write)
		for talk.Sourcing() && !failed {
			done = talk.More(write)
		}
		if done {
			return
		}
		if err != nil {
			talk.End(write)
			return
		}
	}
}

// drain lets every handler finish what it writes.
func (s *server) drain(l net.Listener) {
	l.Close()
	s.mu.Lock()
	s.stopping = true
	for c := range s.open {
		c.SetReadDeadline(time.Now())
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.handlers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(drainTime): // who still does not read is left behind
	}
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	s := &server{open: map[net.Conn]bool{}, opts: conversation.Options{
		Class: "multi-reactor", Loops: 1, Limit: limit, Sink: true, Source: true, Paced: true, Login: true, Stats: true, Contain: true, Drain: true,
	}}
	go s.accept(l)
	<-terminate
	s.drain(l)
}
