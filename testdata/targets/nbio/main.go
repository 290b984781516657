// Command nbio is the target contract on github.com/lesismal/nbio.
//
// What it offers is what nbio does: pollers that keep their threads
// (Config.LockPoller) and word of what was written (OnWrittenSize), by which
// SOURCE paces itself and a close waits for what is due. It offers no SINK, for
// nbio sends nothing after the client's FIN; no drain, for Engine.Stop drops what
// is unsent; no limit, for Config.MaxWriteBufferSize is none by default; and
// neither post, offload nor timers: Async, Execute and AfterFunc run what they
// are given on goroutines of their own, and nothing can be given to a poller. A
// panic of a handler on a poller is not contained.
package main

import (
	"log"
	"os"
	"sync"
	"sync/atomic"

	"github.com/lesismal/nbio"
	"reactorspec.test/conversation"
)

const loops = 2

// client is one connection.
type client struct {
	mu   sync.Mutex // of all but owed
	talk *conversation.Conn
	done bool // asks for a close once nothing is owed
	// owed is what Write was given and the socket has not taken, in bytes, and
	// one more while the conversation is fed.
	owed atomic.Int64
}

func (k *client) take(c *nbio.Conn, in []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.done {
		k.feed(c, func(write func([]byte)) bool { return k.talk.Feed(in, write) })
	}
}

// idle is called when the socket has taken everything.
func (k *client) idle(c *nbio.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.owed.Load() == 0 {
		k.feed(c, func(func([]byte)) bool { return k.done })
	}
}

// feed feeds the conversation, and goes on with what it makes of itself for as
// long as the socket takes all of it.
func (k *client) feed(c *nbio.Conn, feed func(write func([]byte)) bool) {
	write := func(p []byte) {
		k.owed.Add(int64(len(p)))
		c.Write(p) // an error has closed the connection
	}
	for more := true; more; feed = k.talk.More {
		k.owed.Add(1)
		k.done = feed(write) || k.done
		more = k.owed.Add(-1) == 0 && !k.done && k.talk.Sourcing()
	}
	if k.done && k.owed.Load() == 0 {
		c.Close()
	}
}

func main() {
	engine := nbio.NewEngine(nbio.Config{
		Network:    "tcp",
		Addrs:      []string{"127.0.0.1:" + os.Getenv("PORT")},
		NPoller:    loops,
		LockPoller: true,
	})
	opts := conversation.Options{Class: "multi-reactor", Loops: loops, Wakeup: "eventfd", Source: true, Paced: true, Login: true, Stats: true, Where: true}
	engine.OnOpen(func(c *nbio.Conn) {
		k := &client{talk: conversation.New(opts)}
		k.talk.Lives(conversation.Home{Loop: c.Hash() % loops}) // as the engine chooses the poller
		c.SetSession(k)
	})
	engine.OnData(func(c *nbio.Conn, in []byte) {
		c.Session().(*client).take(c, in)
	})
	engine.OnWrittenSize(func(c *nbio.Conn, _ []byte, n int) {
		k := c.Session().(*client)
		if k.owed.Add(-int64(n)) == 0 {
			engine.Async(func() { k.idle(c) }) // the connection is locked here
		}
	})
	engine.OnClose(func(c *nbio.Conn, _ error) { c.Session().(*client).talk.Closed() })
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	select {}
}
