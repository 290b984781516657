// Command a2 is the target contract on gaio: net accepts,
// one watcher thread completes reads and writes.
package main

import (
	"log"
	"net"
	"os"

	"github.com/xtaci/gaio"
	"reactorspec.test/conversation"
)

// client is one connection: its conversation, the writes under way, and
// whether it is to be closed once they are done.
type client struct {
	conversation *conversation.Conn
	writing      int
	done         bool
}

func serve(w *gaio.Watcher) {
	for {
		results, err := w.WaitIO()
		if err != nil {
			log.Fatal(err)
		}
		for _, r := range results {
			c, ok := r.Context.(*client)
			if !ok {
				continue // freeing a connection that the watcher dropped already is answered too
			}
			switch {
			case r.Operation == gaio.OpWrite:
				c.writing--
				if r.Error != nil || c.done && c.writing == 0 {
					w.Free(r.Conn)
				}
			case r.Error != nil || r.Size == 0:
				c.conversation.End(func(p []byte) { c.write(w, r.Conn, p) })
				c.finish(w, r.Conn)
			default:
				if c.conversation.Feed(r.Buffer[:r.Size], func(p []byte) { c.write(w, r.Conn, p) }) {
					c.finish(w, r.Conn)
				} else if err := w.Read(c, r.Conn, nil); err != nil {
					w.Free(r.Conn)
				}
			}
		}
	}
}

func (c *client) write(w *gaio.Watcher, conn net.Conn, p []byte) {
	if err := w.Write(c, conn, p); err == nil {
		c.writing++
	}
}

// finish closes the connection once what is under way is written.
func (c *client) finish(w *gaio.Watcher, conn net.Conn) {
	c.done = true
	if c.writing == 0 {
		w.Free(conn)
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
	for {
		conn, err := l.Accept()
		if err != nil {
			log.Print(err)
			continue
		}
		c := &client{conversation: conversation.New(conversation.Options{Class: "reactor", Loops: 1, Sink: true, Source: true})}
		if err := w.Read(c, conn, nil); err != nil {
			conn.Close()
		}
	}
}
