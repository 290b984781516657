// Command oneread answers the Redis ECHO command, and gets one thing wrong: of
// the commands that one read brings it answers the first, and keeps the others
// until something more is read.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(c)
	}
}

func serve(c net.Conn) {
	defer c.Close()
	var held []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		held = append(held, buf[:n]...)
		if argument, used, ok := take(held); ok {
			if _, err := fmt.Fprintf(c, "$%d\r\n%s\r\n", len(argument), argument); err != nil {
				return
			}
			held = append(held[:0], held[used:]...)
		}
		if err != nil {
			return
		}
	}
}

// take decodes "*2\r\n$4\r\nECHO\r\n$<n>\r\n<n bytes>\r\n".
func take(b []byte) (argument []byte, used int, ok bool) {
	r := bufio.NewReader(bytes.NewReader(b))
	var name string
	var n int
	if _, err := fmt.Fscanf(r, "*2\r\n$4\r\n%4s\r\n$%d\r\n", &name, &n); err != nil {
		return nil, 0, false
	}
	argument = make([]byte, n+2)
	if _, err := io.ReadFull(r, argument); err != nil {
		return nil, 0, false
	}
	return argument[:n], len(b) - r.Buffered() - left(r, b), true
}

// left is what the scanner's reader has not even buffered.
func left(r *bufio.Reader, b []byte) int {
	rest, _ := io.ReadAll(r)
	return len(rest)
}
