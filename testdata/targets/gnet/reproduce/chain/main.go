// Command chain shows tasks that post each other starving the connections of
// their loop: gnet runs what a task posts in the same turn, without a bound,
// though MaxAsyncTasksAtOneTime is said to be "the maximum amount of
// asynchronous tasks that the event-loop will process at one time".
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/panjf2000/gnet/v2"
)

type server struct {
	gnet.BuiltinEventEngine
	loop chan gnet.EventLoop
}

func (s *server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	s.loop <- c.EventLoop()
	return nil, gnet.None
}

func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	in, _ := c.Next(-1)
	c.Write(in)
	return gnet.None
}

func main() {
	s := &server{loop: make(chan gnet.EventLoop, 1)}
	go gnet.Run(s, "tcp://127.0.0.1:17013", gnet.WithNumEventLoop(1))
	c, err := net.Dial("tcp", "127.0.0.1:17013")
	for ; err != nil; c, err = net.Dial("tcp", "127.0.0.1:17013") {
	}
	loop, end := <-s.loop, time.Now().Add(2*time.Second)
	var link gnet.RunnableFunc
	link = func(ctx context.Context) error {
		if time.Now().Before(end) {
			return loop.Execute(ctx, link)
		}
		return nil
	}
	loop.Execute(context.Background(), link)
	time.Sleep(100 * time.Millisecond)
	echoes := 0
	for c.SetDeadline(end); time.Now().Before(end); echoes++ {
		c.Write([]byte("x"))
		if _, err := c.Read(make([]byte, 1)); err != nil {
			break
		}
	}
	fmt.Println("echoes beside a chain of tasks that lasts 2 s:", echoes)
	if echoes < 10 {
		os.Exit(1)
	}
}
