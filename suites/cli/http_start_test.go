package cli_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/report"
)

// Where a server does not answer the first request of http, the request is shown that it
// was sent: most often it is the wrong one.
func TestNoAnswerShowsTheRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers func(*net.TCPConn)
		says    string
	}{
		"closes": {func(*net.TCPConn) {}, "closed the connection"},
		"resets": {func(conn *net.TCPConn) { _ = conn.SetLinger(0) }, "reset the connection"},
		"header": {func(conn *net.TCPConn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			for {
				if _, err := io.WriteString(conn, strings.Repeat("X-More: and more\r\n", 100)); err != nil {
					return
				}
			}
		}, "an HTTP/1 status line and header within 65536 bytes"},
		"interim": {func(conn *net.TCPConn) {
			_, _ = io.WriteString(conn, strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 50))
			_, _ = io.Copy(io.Discard, conn)
		}, "never ends"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { listener.Close() })
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
						if n, _ := conn.Read(make([]byte, 4096)); n > 0 {
							c.answers(conn.(*net.TCPConn))
						}
					}()
				}
			}()
			o := reactorspec(t, nil, "check", "--http-path", "/healthz", "--addr", "tcp://"+listener.Addr().String(), "--clause", "ACC-1")
			said := o.out + o.errors
			if o.exit != report.ExitNotConformant || !strings.Contains(said, c.says) || strings.Contains(said, "--http-status 100") ||
				strings.Count(said, `it was sent "GET /healthz HTTP/1.1\r\nHost: reactorspec\r\n\r\n"`) == 0 {
				t.Errorf("exit %d; want %q and the request\n%s", o.exit, c.says, said)
			}
		})
	}
}
