// Command evio is the target contract on github.com/tidwall/evio.
//
// What it offers is what evio does: a connection stays on its loop, and Conn.Wake
// has the loop call Data for it, by which the results of work on other goroutines
// come home. It offers no SINK, for evio sends nothing after the client's FIN; no
// SOURCE, for nothing tells when output was taken; no post, for a loop can be
// reached through its connections only; no timers, for Tick is one for the whole
// server; no drain, for Shutdown drops what is unsent; and no contain, for evio
// recovers no panic.
package main

import (
	"log"
	"os"
	"runtime"
	"sync"
	"syscall"

	"github.com/tidwall/evio"
	"reactorspec.test/conversation"
)

const (
	loops = 2
	// workers bounds the goroutines that block, each of which holds a thread.
	workers = 64
)

// client is one connection.
type client struct {
	talk *conversation.Conn
	done bool   // the loop's
	out  []byte // the loop's, of tasks

	mu    sync.Mutex
	tasks []func() // to be run when the connection is woken
}

// threads are the loops' in the order in which they were given connections.
type threads struct {
	mu    sync.Mutex
	index map[int]int
}

// ours is the index of the loop that calls it, which keeps its thread from then on.
func (t *threads) ours() int {
	runtime.LockOSThread()
	t.mu.Lock()
	defer t.mu.Unlock()
	tid := syscall.Gettid()
	if _, known := t.index[tid]; !known {
		t.index[tid] = len(t.index)
	}
	return t.index[tid]
}

func (k *client) post(c evio.Conn) func(func()) {
	return func(task func()) {
		k.mu.Lock()
		k.tasks = append(k.tasks, task)
		k.mu.Unlock()
		c.Wake()
	}
}

func (k *client) woken() []byte {
	k.mu.Lock()
	tasks := k.tasks
	k.tasks = nil
	k.mu.Unlock()
	for _, task := range tasks {
		task()
	}
	out := k.out
	k.out = nil
	return out
}

func main() {
	var events evio.Events
	var known = threads{index: map[int]int{}}
	working := make(chan struct{}, workers)
	opts := conversation.Options{
		Class: "multi-reactor", Loops: loops, Wakeup: "eventfd", Login: true, Stats: true, Where: true,
		Offload: func(work func()) bool {
			select {
			case working <- struct{}{}:
				go func() {
					defer func() { <-working }()
					work()
				}()
				return true
			default:
				return false
			}
		},
	}
	events.NumLoops = loops
	events.Opened = func(c evio.Conn) (out []byte, _ evio.Options, action evio.Action) {
		k := &client{talk: conversation.New(opts)}
		k.talk.Lives(conversation.Home{Loop: known.ours(), Post: k.post(c), Send: func(p []byte) { k.out = append(k.out, p...) }})
		c.SetContext(k)
		return
	}
	events.Data = func(c evio.Conn, in []byte) (out []byte, action evio.Action) {
		k := c.Context().(*client)
		switch {
		case in == nil: // woken
			out = k.woken()
		case !k.done:
			k.done = k.talk.Feed(in, func(p []byte) { out = append(out, p...) })
		}
		if k.done {
			action = evio.Close
		}
		return
	}
	events.Closed = func(c evio.Conn, _ error) (action evio.Action) {
		if k, opened := c.Context().(*client); opened {
			k.talk.Closed()
		}
		return
	}
	log.Fatal("evio.Serve returned: ", evio.Serve(events, "tcp://127.0.0.1:"+os.Getenv("PORT")))
}
