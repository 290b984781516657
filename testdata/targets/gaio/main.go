// Command gaio is the target contract on github.com/xtaci/gaio: net accepts,
// one watcher completes reads and writes, and one thread takes what it completed.
//
// What it offers follows from that: a completed write paces SOURCE, lets a close
// wait for what is due, and tells when a client that does not read may be read
// from again (limit). It offers neither post, timers nor offload, for WaitIO
// returns for completed reads and writes only, and the thread that waits in it
// can be told nothing else; no drain, for the same reason; no contain, for gaio
// runs no handlers.
package main

import (
	"log"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/xtaci/gaio"
	"reactorspec.test/conversation"
)

// limit is the unread output at which a connection is no longer read from, in bytes.
const limit = 1 << 20

// client is one connection.
type client struct {
	talk    *conversation.Conn
	writing int  // bytes under way
	paused  bool // no read is under way: limit
	done    bool // to be closed once nothing is under way
	freed   bool
}

func serve(w *gaio.Watcher) {
	runtime.LockOSThread()
	for {
		results, err := w.WaitIO()
		if err != nil {
			log.Fatal(err)
		}
		for _, r := range results {
			c, ok := r.Context.(*client)
			if !ok || c.freed {
				continue // freeing a connection is answered too
			}
			switch {
			case r.Operation == gaio.OpWrite && r.Error != nil:
				c.free(w, r.Conn)
			case r.Operation == gaio.OpWrite:
				c.writing -= r.Size
				c.written(w, r.Conn)
			case r.Error != nil || r.Size == 0:
				c.talk.End(c.write(w, r.Conn))
				c.done = !c.talk.Sourcing() // whoever half-closes goes on receiving
				c.written(w, r.Conn)
			default:
				c.done = c.talk.Feed(r.Buffer[:r.Size], c.write(w, r.Conn)) || c.done
				c.paused = true
				c.written(w, r.Conn)
			}
		}
	}
}

func (c *client) write(w *gaio.Watcher, conn net.Conn) func([]byte) {
	return func(p []byte) {
		if err := w.Write(c, conn, p); err == nil {
			c.writing += len(p)
		}
	}
}

// written goes on with whatever waited for less output to be under way.
func (c *client) written(w *gaio.Watcher, conn net.Conn) {
	if c.writing == 0 && !c.done && c.talk.Sourcing() {
		c.done = c.talk.More(c.write(w, conn))
	}
	switch {
	case c.done && c.writing == 0:
		c.free(w, conn)
	case c.paused && !c.done && c.writing < limit:
		c.paused = false
		if err := w.Read(c, conn, nil); err != nil {
			c.free(w, conn)
		}
	}
}

func (c *client) free(w *gaio.Watcher, conn net.Conn) {
	if !c.freed {
		c.freed = true
		c.talk.Closed()
		w.Free(conn)
		conn.Close() // gaio has closed it, unless it had no descriptor left for a copy of its own
	}
}

func main() {
	w, err := gaio.NewWatcher()
	if err != nil {
		log.Fatal(err)
	}
	go serve(w)
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	opts := conversation.Options{Class: "reactor", Loops: 1, Wakeup: "eventfd", Limit: limit, Sink: true, Source: true, Paced: true, Login: true, Stats: true, Where: true}
	for {
		conn, err := l.Accept()
		if err != nil {
			log.Print(err)
			time.Sleep(50 * time.Millisecond) // no descriptors, say: the listener stays ready, and Accept fails at once
			continue
		}
		c := &client{talk: conversation.New(opts)}
		if err := w.Read(c, conn, nil); err != nil {
			conn.Close()
		}
	}
}
