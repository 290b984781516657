// Command halfclose shows gnet dropping output that is due when it sees FIN.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/panjf2000/gnet/v2"
)

type echo struct{ gnet.BuiltinEventEngine }

func (*echo) OnTraffic(c gnet.Conn) gnet.Action {
	in, _ := c.Next(-1)
	c.Write(in)
	return gnet.None
}

func main() {
	go gnet.Run(&echo{}, "tcp://127.0.0.1:17001")
	halfClose("127.0.0.1:17001", 16<<20)
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
