// Command n12 collects its garbage whenever a connection has ended, as the
// runtime does by itself every two minutes: netpoll.
package main

import (
	"context"
	"log"
	"os"
	"runtime"
	"time"

	"github.com/cloudwego/netpoll"
	"reactorspec.test/conversation"
)

// pause leaves the harness time to be done with its opening exchanges, and is
// a fraction of the time in which LOOP-1 watches a server without clients.
const pause = 300 * time.Millisecond

type key struct{}

func main() {
	l, err := netpoll.CreateListener("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	loop, err := netpoll.NewEventLoop(
		func(ctx context.Context, c netpoll.Connection) error {
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
			c.AddCloseCallback(func(netpoll.Connection) error {
				time.AfterFunc(pause, runtime.GC)
				return nil
			})
			return context.WithValue(context.Background(), key{}, conversation.New(conversation.Options{Class: "multi-reactor"}))
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(loop.Serve(l))
}
