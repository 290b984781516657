package tiny

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/reactorspec/reactorspec/suites/target"
)

// Echo serves RFC 862 inside the test, as a Go program does that never heard of us.
func Echo(t *testing.T) target.Target {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		conns.Wait()
	})
	return target.Target{File: target.File{Name: "net echo", Dialect: "echo"}, Addr: "tcp://" + listener.Addr().String()}
}
