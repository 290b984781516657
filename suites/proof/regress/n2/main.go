// Command n2 counts what it read: netpoll, with STATS.
package main

import (
	"context"
	"log"
	"os"

	"github.com/cloudwego/netpoll"
	"reactorspec.test/conversation"
)

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
		netpoll.WithOnConnect(func(ctx context.Context, c netpoll.Connection) context.Context {
			v := conversation.New(conversation.Options{Class: "multi-reactor", Stats: true, Sink: true, Source: true})
			c.AddCloseCallback(func(netpoll.Connection) error { v.Closed(); return nil })
			return context.WithValue(ctx, key{}, v)
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(loop.Serve(l))
}
