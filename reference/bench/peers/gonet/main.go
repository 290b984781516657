// Echo on package net, as one writes it in Go: a goroutine and a buffer a connection.
package main

import (
	"log"
	"net"
	"os"

	_ "github.com/reactorspec/reactorspec/reference/bench/peers/heap"
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
		go func() {
			defer c.Close()
			buffer := make([]byte, 16<<10)
			for {
				n, err := c.Read(buffer)
				if err != nil {
					return
				}
				if _, err := c.Write(buffer[:n]); err != nil {
					return
				}
			}
		}()
	}
}
