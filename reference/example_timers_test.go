package reference_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/reactorspec/reactorspec/reference"
	"github.com/reactorspec/reactorspec/spec/contract"
)

// ticking tells its client three ticks of a period, and then hangs up.
type ticking struct{ ticks contract.Timer }

func (h *ticking) OnOpen(c *reference.Conn) {
	n := 0
	var err error
	h.ticks, err = c.Loop().Every(time.Millisecond, func() { // on the connection's own thread
		n++
		fmt.Fprintln(c, "tick", n)
		if n == 3 {
			c.Close()
		}
	})
	if err != nil { // the loop has ended, and the connection with it
		c.Close()
	}
}

func (*ticking) OnData(_ *reference.Conn, data []byte) (used int) { return len(data) }
func (*ticking) OnEnd(c *reference.Conn)                          { c.Close() }

// OnClose cancels the timer: it belongs to the loop, which lives on.
func (h *ticking) OnClose(*reference.Conn, error) {
	if h.ticks != nil {
		h.ticks.Cancel()
	}
}

// A periodic timer of each connection.
func ExampleLoop_Every() {
	server, err := reference.New(reference.Options{
		Class:   reference.Reactor,
		Handler: func(*reference.Conn) reference.Handler { return &ticking{} },
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
	for told := bufio.NewScanner(conn); told.Scan(); {
		fmt.Println(told.Text())
	}
	// Output:
	// tick 1
	// tick 2
	// tick 3
}
