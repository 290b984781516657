// Command gonet is an RFC 862 echo server on Go's own net package, as its
// documentation would have one write it: a goroutine a connection, io.Copy.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"time"
)

// retry is how long accepting rests after an error.
const retry = 100 * time.Millisecond

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Print(err)    // net retries what is temporary, but reports running out of descriptors:
			time.Sleep(retry) // as net/http does, or the loop spins until one is free
			continue
		}
		go func() {
			defer c.Close()
			io.Copy(c, c)
		}()
	}
}
