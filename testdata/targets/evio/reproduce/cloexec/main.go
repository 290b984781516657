// Command cloexec shows a child process inheriting evio's connections: one that
// the server has closed stays open as long as the child lives.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/tidwall/evio"
)

func main() {
	var events evio.Events
	events.Data = func(evio.Conn, []byte) ([]byte, evio.Action) {
		startChild()
		return nil, evio.Close
	}
	go evio.Serve(events, "tcp://127.0.0.1:17011")
	told("127.0.0.1:17011")
}

// told connects, has the server start a child that lasts 2 s and close the
// connection, and says when the end of input came. Only the descriptors that a
// program names are for its children (Go, syscall.ForkLock; os/exec, ExtraFiles).
func told(addr string) {
	c, err := net.Dial("tcp", addr)
	for ; err != nil; c, err = net.Dial("tcp", addr) {
	}
	c.Write([]byte("x"))
	start := time.Now()
	_, err = c.Read(make([]byte, 1))
	late := time.Since(start) > time.Second
	fmt.Printf("closed beside a child of 2 s: %v after %v\n", err, time.Since(start).Round(time.Millisecond))
	if late {
		os.Exit(1)
	}
}

func startChild() {
	if err := exec.Command("sleep", "2").Start(); err != nil {
		panic(err)
	}
}
