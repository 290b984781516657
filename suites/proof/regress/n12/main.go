// Command n12 collects its garbage whenever it has been without connections
// for a moment, as the runtime does by itself every two minutes: netpoll.
package main

import (
	"context"
	"log"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/cloudwego/netpoll"
	"reactorspec.test/conversation"
)

// pause leaves the harness time for its opening exchanges, each on a connection
// of its own, and is less than WAKE-1 leaves the server asleep without clients.
const pause = 30 * time.Millisecond

// idle collects once no connection has been open for a pause: an open one
// keeps the event loop alive. It waits for the first request, which the harness
// sends some time after it has seen that the server accepts.
type idle struct {
	mu    sync.Mutex
	open  int
	asked bool
	timer *time.Timer
}

func (i *idle) change(by int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.timer.Stop()
	if i.open += by; i.open == 0 && i.asked {
		i.timer.Reset(pause)
	}
}

func (i *idle) request() {
	i.mu.Lock()
	i.asked = true
	i.mu.Unlock()
}

type key struct{}

func main() {
	clients := idle{timer: time.AfterFunc(time.Hour, runtime.GC)}
	l, err := netpoll.CreateListener("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	loop, err := netpoll.NewEventLoop(
		func(ctx context.Context, c netpoll.Connection) error {
			clients.request()
			r := c.Reader()
			in, err := r.Next(r.Len())
			if err != nil {
				return err
			}
			done := ctx.Value(key{}).(*conversation.Conn).Feed(in, func(p []byte) { c.Writer().WriteBinary(p) })
			r.Release()
			if err := c.Writer().Flush(); err != nil || done {
				return c.Close()
			}
			return nil
		},
		netpoll.WithOnPrepare(func(c netpoll.Connection) context.Context {
			clients.change(1)
			c.AddCloseCallback(func(netpoll.Connection) error { clients.change(-1); return nil })
			return context.WithValue(context.Background(), key{}, conversation.New(conversation.Options{Class: "multi-reactor"}))
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(loop.Serve(l))
}
