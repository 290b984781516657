// Command splice is an echo server on io.Copy, which Go turns into splice(2)
// between two TCP connections: that does not get past an urgent byte.
// `splice PORT none` hides the connection's type from io.Copy, which reads and
// writes then, to show that splice(2) is the difference.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"time"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			time.Sleep(50 * time.Millisecond) // out of descriptors: it passes
			continue
		}
		go func() {
			defer c.Close()
			if len(os.Args) > 2 {
				_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
				return
			}
			_, _ = io.Copy(c, c)
		}()
	}
}
