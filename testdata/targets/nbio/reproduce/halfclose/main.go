// Command halfclose shows nbio dropping output that is due when it sees FIN.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/lesismal/nbio"
)

func main() {
	engine := nbio.NewEngine(nbio.Config{Network: "tcp", Addrs: []string{"127.0.0.1:17003"}})
	engine.OnData(func(c *nbio.Conn, in []byte) { c.Write(append([]byte(nil), in...)) })
	if err := engine.Start(); err != nil {
		panic(err)
	}
	halfClose("127.0.0.1:17003", 16<<20)
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
