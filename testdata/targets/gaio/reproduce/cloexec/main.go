// Command cloexec shows a child process inheriting gaio's connections: one that
// the server has closed stays open as long as the child lives.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/xtaci/gaio"
)

func main() {
	w, err := gaio.NewWatcher()
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:17012")
	if err != nil {
		panic(err)
	}
	go func() {
		c, _ := l.Accept()
		w.Read(nil, c, nil)
		w.WaitIO()
		startChild()
		w.Free(c)
	}()
	told("127.0.0.1:17012")
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
