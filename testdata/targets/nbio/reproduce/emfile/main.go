// Command emfile shows nbio asking accept again without a pause after EMFILE.
package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lesismal/nbio"
)

func main() {
	engine := nbio.NewEngine(nbio.Config{Network: "tcp", Addrs: []string{"127.0.0.1:17006"}})
	engine.OnData(func(c *nbio.Conn, in []byte) { c.Write(append([]byte(nil), in...)) })
	if err := engine.Start(); err != nil {
		panic(err)
	}
	outOfDescriptors("127.0.0.1:17006")
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
