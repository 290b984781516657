package reference_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/reactorspec/reactorspec/reference"
)

// upper answers each line in capitals. It keeps nothing, so one value serves all
// connections.
type upper struct{}

func (upper) OnOpen(*reference.Conn) {}

func (upper) OnData(c *reference.Conn, data []byte) (used int) {
	for {
		line, _, whole := bytes.Cut(data[used:], []byte("\n"))
		if !whole {
			return used // the rest comes again, in front of what follows it
		}
		used += len(line) + 1
		c.Write(append(bytes.ToUpper(line), '\n'))
	}
}

func (upper) OnEnd(c *reference.Conn)        { c.Close() }
func (upper) OnClose(*reference.Conn, error) {}

// A protocol of one's own: a handler sees bytes, and says how many of them it has used.
func Example() {
	server, err := reference.New(reference.Options{
		Class:   reference.Reactor,
		Handler: func(*reference.Conn) reference.Handler { return upper{} },
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

	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(conn, "hello\nwor")
	fmt.Fprint(conn, "ld\n")
	answers := bufio.NewScanner(conn)
	for range 2 {
		answers.Scan()
		fmt.Println(answers.Text())
	}
	conn.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fmt.Println("stopped:", server.Stop(ctx))
	// Output:
	// HELLO
	// WORLD
	// stopped: <nil>
}
