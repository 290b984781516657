// Command gonet is an RFC 862 echo server on Go's own net package, as its
// documentation would have one write it: a goroutine a connection, io.Copy.
package main

import (
	"io"
	"log"
	"net"
	"os"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Print(err) // net retries what is temporary, but reports running out of descriptors
			continue
		}
		go func() {
			defer c.Close()
			io.Copy(c, c)
		}()
	}
}
