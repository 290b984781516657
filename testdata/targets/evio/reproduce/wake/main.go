// Command wake shows evio dropping output that is due when the connection is
// woken and has more to say: what Data returns takes the place of what waits,
// though "use the out return value to write data to the connection" is all that
// its documentation says.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/tidwall/evio"
)

func main() {
	const first, second = 16 << 20, 1
	var events evio.Events
	events.Data = func(c evio.Conn, in []byte) (out []byte, action evio.Action) {
		if in == nil { // woken
			return make([]byte, second), evio.None
		}
		time.AfterFunc(time.Second/2, c.Wake)
		return make([]byte, first), evio.None
	}
	go evio.Serve(events, "tcp://127.0.0.1:17015")
	c, err := net.Dial("tcp", "127.0.0.1:17015")
	for ; err != nil; c, err = net.Dial("tcp", "127.0.0.1:17015") {
	}
	c.Write([]byte("x"))
	time.Sleep(time.Second) // the reader comes late
	c.SetReadDeadline(time.Now().Add(time.Second))
	back, _ := io.Copy(io.Discard, c)
	fmt.Printf("given %d bytes and then %d, sent %d\n", first, second, back)
	if back != first+second {
		os.Exit(1)
	}
}
