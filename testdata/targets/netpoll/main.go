// Command netpoll is the target contract on github.com/cloudwego/netpoll.
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
			var failed error
			done := ctx.Value(key{}).(*conversation.Conn).Feed(in, func(p []byte) {
				if _, err := c.Writer().WriteBinary(p); err != nil {
					failed = err
				}
			})
			if err := r.Release(); err != nil {
				return err
			}
			if err := c.Writer().Flush(); err != nil {
				failed = err
			}
			if done || failed != nil {
				return c.Close() // Flush waited until everything was written
			}
			return nil
		},
		netpoll.WithOnConnect(func(ctx context.Context, c netpoll.Connection) context.Context {
			return context.WithValue(ctx, key{}, conversation.New(conversation.Options{Class: "multi-reactor", Loops: 2}))
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(loop.Serve(l))
}
