// Command halfclose shows netpoll dropping output that is due when it sees FIN.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/cloudwego/netpoll"
)

func main() {
	l, err := netpoll.CreateListener("tcp", "127.0.0.1:17002")
	if err != nil {
		panic(err)
	}
	loop, err := netpoll.NewEventLoop(func(_ context.Context, c netpoll.Connection) error {
		in, _ := c.Reader().Next(c.Reader().Len())
		c.Writer().WriteBinary(append([]byte(nil), in...))
		return c.Writer().Flush()
	})
	if err != nil {
		panic(err)
	}
	go loop.Serve(l)
	halfClose("127.0.0.1:17002", 16<<20)
}

// halfClose sends n bytes, half-closes, waits, and counts what comes back.
func halfClose(addr string, n int) {
	c, err := net.Dial("tcp", addr)
	for ; err != nil; c, err = net.Dial("tcp", addr) {
	}
	go func() {
		c.Write(make([]byte, n))
		c.(*net.TCPConn).CloseWrite()
	}()
	time.Sleep(time.Second) // the reader comes late
	back, err := io.Copy(io.Discard, c)
	fmt.Printf("sent %d bytes and FIN, got %d back, %v\n", n, back, err)
	if back != int64(n) {
		os.Exit(1)
	}
}
