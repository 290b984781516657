package reference_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/reactorspec/reactorspec/reference"
	"github.com/reactorspec/reactorspec/spec/contract"
)

// errands is a handler that has its loop, the other loops and the workers do
// something: each line of input names what.
type errands struct{}

func (errands) OnOpen(*reference.Conn) {}

func (errands) OnData(c *reference.Conn, data []byte) (used int) {
	for {
		line, _, whole := bytes.Cut(data[used:], []byte("\n"))
		if !whole {
			return used
		}
		used += len(line) + 1
		if err := errand(c, string(line)); err != nil {
			fmt.Fprintln(c, "error:", err)
		}
	}
}

func errand(c *reference.Conn, what string) error {
	// Whatever ends elsewhere comes back with Post: only the connection's own
	// thread may write to it.
	home := func(answer string) { _ = c.Post(func() { fmt.Fprintln(c, answer) }) }
	switch what {
	case "timer": // runs on the connection's thread
		_, err := c.Loop().After(time.Millisecond, func() { fmt.Fprintln(c, "a timer fired") })
		return err
	case "hook": // runs there too, once a turn, until it is removed
		var remove func()
		remove, err := c.Loop().Hook(contract.AfterTimers, func() {
			remove()
			fmt.Fprintln(c, "a turn of the loop is over")
		})
		return err
	case "shared": // runs on whichever loop takes it
		return c.Server().Shared().Post(func() { home("one of the loops ran a task") })
	case "worker": // may block, and its result comes home by itself
		var sum int
		return c.Server().Workers().Submit(c.Loop(), func() {
			for i := range 101 {
				sum += i
			}
		}, func(error) { fmt.Fprintln(c, "a worker found", sum) })
	}
	return fmt.Errorf("there is no errand %q", what)
}

func (errands) OnEnd(c *reference.Conn)        { c.Close() }
func (errands) OnClose(*reference.Conn, error) {}

// A handler sets timers and hooks, shares tasks and hands work to the workers.
func ExampleConn_Loop() {
	server, err := reference.New(reference.Options{
		Class:   reference.MultiReactor,
		Handler: func(*reference.Conn) reference.Handler { return errands{} },
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
	answers := bufio.NewScanner(conn)
	for _, what := range []string{"timer", "hook", "shared", "worker"} {
		fmt.Fprintln(conn, what)
		answers.Scan()
		fmt.Println(answers.Text())
	}
	// Output:
	// a timer fired
	// a turn of the loop is over
	// one of the loops ran a task
	// a worker found 5050
}
