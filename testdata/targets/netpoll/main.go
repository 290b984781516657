// Command netpoll is the target contract on github.com/cloudwego/netpoll.
//
// What it offers is what netpoll does: a handler has a goroutine of its own, so
// SOURCE writes and waits, a panic closes its connection alone, and SIGTERM is
// EventLoop.Shutdown. It offers no SINK, for netpoll takes the client's FIN as
// the connection's end and sends no more; and neither where, post, timers nor
// offload, for its handlers have no loop: they may block, and no task or timer
// can be given to a poller. Its idle timeout is TCP's keep-alive, which is
// answered by the client's kernel, so it is no idle-timeout.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cloudwego/netpoll"
	"reactorspec.test/conversation"
)

const (
	loops = 2
	// flushAt bounds what a handler gathers before it waits for the socket, in bytes.
	flushAt = 1 << 16
	// drainTime is less than the 5 s that the contract leaves a server to stop.
	drainTime = 4 * time.Second
)

type key struct{}

func init() {
	if err := netpoll.SetNumLoops(loops); err != nil {
		log.Fatal(err)
	}
}

func handle(ctx context.Context, c netpoll.Connection) error {
	in, err := c.Reader().Next(c.Reader().Len())
	if err != nil {
		return err
	}
	var failed error
	gathered := 0
	flush := func() {
		gathered = 0
		if err := c.Writer().Flush(); err != nil {
			failed = err
		}
	}
	talk := ctx.Value(key{}).(*conversation.Conn)
	write := func(p []byte) {
		if failed != nil {
			return
		}
		if _, failed = c.Writer().WriteBinary(p); failed != nil {
			return
		}
		if gathered += len(p); gathered >= flushAt {
			flush()
		}
	}
	done := talk.Feed(in, write)
	for talk.Sourcing() && failed == nil {
		done = talk.More(write)
	}
	if err := c.Reader().Release(); err != nil {
		return err
	}
	if failed == nil {
		flush()
	}
	if done || failed != nil {
		return c.Close() // Flush waited until everything was written
	}
	return nil
}

func main() {
	l, err := netpoll.CreateListener("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	opts := conversation.Options{Class: "multi-reactor", Loops: loops, Wakeup: "eventfd", Source: true, Paced: true, Login: true, Stats: true, Contain: true, Drain: true}
	loop, err := netpoll.NewEventLoop(handle,
		netpoll.WithOnConnect(func(ctx context.Context, c netpoll.Connection) context.Context {
			talk := conversation.New(opts)
			if err := c.AddCloseCallback(func(netpoll.Connection) error { talk.Closed(); return nil }); err != nil {
				log.Fatal(err)
			}
			return context.WithValue(ctx, key{}, talk)
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	stopped := make(chan struct{})
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	go func() {
		<-terminate
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		if err := loop.Shutdown(ctx); err != nil {
			log.Print(err) // who still does not read is left behind
		}
		close(stopped)
	}()
	if err := loop.Serve(l); err != nil {
		log.Print(err)
	}
	<-stopped
}
