package reference_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/reactorspec/reactorspec/reference"
)

// sizes answers each line, the name of a file, with its size. To ask the file system
// may block, so a worker does it; the loop serves its other connections meanwhile.
type sizes struct{}

func (sizes) OnOpen(*reference.Conn) {}

func (sizes) OnData(c *reference.Conn, data []byte) (used int) {
	for {
		line, _, whole := bytes.Cut(data[used:], []byte("\n"))
		if !whole {
			return used // the rest comes again, in front of what follows it
		}
		used += len(line) + 1
		size(c, string(line)) // a copy: data is the loop's when OnData has returned
	}
}

func size(c *reference.Conn, name string) {
	var info os.FileInfo
	var failed error
	err := c.Server().Workers().Submit(c.Loop(), func() { // on a worker's thread
		info, failed = os.Stat(name)
	}, func(err error) { // home again, on the connection's own
		if err = errors.Join(err, failed); err != nil {
			fmt.Fprintln(c, "error")
			return
		}
		fmt.Fprintln(c, info.Size())
	})
	if err != nil { // reference.ErrFull: the queue is bounded, and the client may try again
		fmt.Fprintln(c, "busy")
	}
}

func (sizes) OnEnd(c *reference.Conn)        { c.Close() }
func (sizes) OnClose(*reference.Conn, error) {}

// Work that blocks goes to the workers.
func ExampleWorkers_Submit() {
	server, err := reference.New(reference.Options{
		Class:   reference.Reactor,
		Workers: 2, WorkQueue: 10,
		Handler: func(*reference.Conn) reference.Handler { return sizes{} },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	addr, err := server.Start("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Stop(context.Background())

	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "hello.txt")
	if err := os.WriteFile(file, []byte("hello\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	answers := bufio.NewScanner(conn)
	for _, name := range []string{file, file + ".missing"} {
		fmt.Fprintln(conn, name)
		answers.Scan()
		fmt.Println(answers.Text())
	}
	// Output:
	// 6
	// error
}
