package reference_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/reactorspec/reactorspec/reference"
)

// echo gives every byte back. What the client does not take waits in memory, up to
// Options.Limit; beyond it the connection is not read from, and so asks for no more.
type echo struct{}

func (echo) OnOpen(*reference.Conn) {}

func (echo) OnData(c *reference.Conn, data []byte) (used int) {
	c.Write(data) // an error ends the connection by itself
	return len(data)
}

func (echo) OnEnd(c *reference.Conn)        { c.Close() } // what waits is delivered first
func (echo) OnClose(*reference.Conn, error) {}

// An echo server of several loops, with a limit on silence.
func ExampleHandler() {
	server, err := reference.New(reference.Options{
		Class:       reference.MultiReactor,
		IdleTimeout: time.Minute,
		Handler:     func(*reference.Conn) reference.Handler { return echo{} },
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
	fmt.Fprintln(conn, "hello")
	answer, err := bufio.NewReader(conn).ReadString('\n')
	fmt.Printf("%q %v\n", answer, err)
	// Output:
	// "hello\n" <nil>
}
