// Command order shows tasks of one producer running out of their order: beyond
// 1,024 waiting ones EventLoop.Execute fills a second queue, whose tasks wait
// while later ones enter the first.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"

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

func main() {
	const producers, n = 8, 100_000
	s := &server{loop: make(chan gnet.EventLoop, 1)}
	go gnet.Run(s, "tcp://127.0.0.1:17014", gnet.WithNumEventLoop(1))
	_, err := net.Dial("tcp", "127.0.0.1:17014")
	for ; err != nil; _, err = net.Dial("tcp", "127.0.0.1:17014") {
	}
	loop := <-s.loop
	var done sync.WaitGroup
	done.Add(producers * n)
	misordered := 0 // the loop's
	for range producers {
		next := 0 // the loop's
		go func() {
			for i := range n {
				loop.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
					if i != next {
						misordered++
					}
					next = i + 1
					done.Done()
					return nil
				}))
			}
		}()
	}
	done.Wait()
	fmt.Printf("of %d tasks %d ran before or behind their neighbours of the same producer\n", producers*n, misordered)
	if misordered > 0 {
		os.Exit(1)
	}
}
