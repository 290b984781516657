// Relay is a proxy before an echo server of its own. Where a client resets its
// connection, the client's socket is closed at once and the other leg is kept for
// a time, as proxies keep it for the timeout of their server's side.
//
//	relay PORT KEEP      for example 30s
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: relay PORT KEEP")
		os.Exit(2)
	}
	keep, err := time.ParseDuration(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	dir, err := os.MkdirTemp("", "relay-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	behind, err := net.Listen("unix", filepath.Join(dir, "echo.sock"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	front, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go each(behind, func(c net.Conn) {
		_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
		c.Close()
	})
	go each(front, func(client net.Conn) { relay(client, behind.Addr(), keep) })
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	os.RemoveAll(dir)
}

func each(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		go serve(c)
	}
}

func relay(client net.Conn, to net.Addr, keep time.Duration) {
	server, err := net.Dial(to.Network(), to.String())
	if err != nil {
		client.Close()
		return
	}
	there, back := make(chan error, 1), make(chan error, 1)
	go func() { there <- pass(server, client) }()
	go func() { back <- pass(client, server) }()
	first := error(nil)
	select {
	case first = <-there:
	case first = <-back:
		there, back = back, there
	}
	if first == nil {
		first = <-back
	}
	client.Close()
	if first != nil {
		time.Sleep(keep)
	}
	server.Close()
}

// pass copies until from has ended, and ends to for writing then.
func pass(to, from net.Conn) error {
	_, err := io.Copy(struct{ io.Writer }{to}, struct{ io.Reader }{from})
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
	}
	return err
}
