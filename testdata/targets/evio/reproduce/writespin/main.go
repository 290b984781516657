// Command writespin shows evio spinning beside a client that goes on writing
// and does not read what is due to it: input that is never taken.
package main

import (
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/tidwall/evio"
)

func main() {
	var events evio.Events
	events.Data = func(_ evio.Conn, in []byte) ([]byte, evio.Action) { return in, evio.None }
	go evio.Serve(events, "tcp://127.0.0.1:17008")
	c, err := net.Dial("tcp", "127.0.0.1:17008")
	for ; err != nil; c, err = net.Dial("tcp", "127.0.0.1:17008") {
	}
	c.SetWriteDeadline(time.Now().Add(time.Second))
	c.Write(make([]byte, 16<<20))
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	time.Sleep(time.Second)
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	fmt.Println("unread for 1 s, CPU:",
		time.Duration(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano()))
}
