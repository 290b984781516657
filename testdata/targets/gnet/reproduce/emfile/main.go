// Command emfile shows gnet's engine ending when accept says EMFILE.
package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"
)

type echo struct{ gnet.BuiltinEventEngine }

func (*echo) OnTraffic(c gnet.Conn) gnet.Action {
	in, _ := c.Next(-1)
	c.Write(in)
	return gnet.None
}

func main() {
	go func() { fmt.Println("gnet.Run returned:", gnet.Run(&echo{}, "tcp://127.0.0.1:17004")) }()
	outOfDescriptors("127.0.0.1:17004")
}

// outOfDescriptors leaves this process no descriptor, has a client connect all
// the same, and asks an old connection for an echo.
func outOfDescriptors(addr string) {
	old, err := net.Dial("tcp", addr)
	for ; err != nil; old, err = net.Dial("tcp", addr) {
	}
	old.Write([]byte("x"))
	old.Read(make([]byte, 1))
	late, _ := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0) // its number is taken before the limit falls
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(late) + 1, Max: 4096})
	port, _ := strconv.Atoi(addr[strings.LastIndex(addr, ":")+1:])
	syscall.Connect(late, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	time.Sleep(time.Second)
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	old.SetDeadline(time.Now().Add(time.Second))
	old.Write([]byte("y"))
	_, err = old.Read(make([]byte, 1))
	fmt.Printf("out of descriptors for 1 s: %v of CPU; old connection: %v\n",
		time.Duration(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano()), err)
}
