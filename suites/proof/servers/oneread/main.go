// Command oneread answers the Redis ECHO command, and gets one thing wrong: of
// the commands that one read brings it answers the first, and keeps the others
// until something more is read. `oneread PORT none` answers them all, to show
// that the fault is the difference.
package main

import (
	"bytes"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
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
			time.Sleep(100 * time.Millisecond) // out of descriptors: rest, and look again
			continue
		}
		go serve(c, len(os.Args) > 2)
	}
}

func serve(c net.Conn, all bool) {
	defer c.Close()
	var held []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		held = append(held, buf[:n]...)
		for more := true; more; more = more && all {
			var argument []byte
			var used int
			if argument, used, more = take(held); more {
				if _, err := fmt.Fprintf(c, "$%d\r\n%s\r\n", len(argument), argument); err != nil {
					return
				}
				held = append(held[:0], held[used:]...)
			}
		}
		if err != nil {
			return
		}
	}
}

// take decodes "*2\r\n$4\r\nECHO\r\n$<n>\r\n<n bytes>\r\n".
func take(b []byte) (argument []byte, used int, ok bool) {
	rest, found := bytes.CutPrefix(b, []byte("*2\r\n$4\r\nECHO\r\n$"))
	length, rest, whole := bytes.Cut(rest, []byte("\r\n"))
	n, err := strconv.Atoi(string(length))
	if !found || !whole || err != nil || len(rest) < n+2 {
		return nil, 0, false
	}
	return rest[:n], len(b) - len(rest) + n + 2, true
}
