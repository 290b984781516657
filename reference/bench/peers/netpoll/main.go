// Echo on netpoll: its reader and writer without copies, its own choice of pollers.
package main

import (
	"context"
	"log"
	"net"
	"os"

	"github.com/cloudwego/netpoll"

	_ "github.com/reactorspec/reactorspec/reference/bench/peers/heap"
)

func echo(_ context.Context, c netpoll.Connection) error {
	in, out := c.Reader(), c.Writer()
	all, err := in.Next(in.Len())
	if err != nil {
		return err
	}
	if _, err := out.WriteBinary(all); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return in.Release()
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	loop, err := netpoll.NewEventLoop(echo)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(loop.Serve(l))
}
