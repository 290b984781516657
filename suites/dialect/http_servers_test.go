package dialect_test

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
)

// HTTP servers that frame their replies, and end their connections, in every legal
// way give back what was sent, on as many connections as they like.
func TestHTTPServers(t *testing.T) {
	servers, err := filepath.Abs("../proof/servers")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		program string
		start   []string
		asked   dialect.HTTP
		each    int // replies of one connection; 0: all of them
	}{
		"haproxy closes":      {"haproxy", []string{"sh", servers + "/haproxyclose/main.sh"}, dialect.HTTP{}, 1},
		"python HTTP/1.0":     {"python3", []string{"python3", servers + "/httpserver/main.py", "{port}", "1.0"}, dialect.HTTP{}, 1},
		"python HTTP/1.1":     {"python3", []string{"python3", servers + "/httpserver/main.py", "{port}", "1.1"}, dialect.HTTP{}, 0},
		"python unframed":     {"python3", []string{"python3", servers + "/httpserver/main.py", "{port}", "unframed"}, dialect.HTTP{}, 1},
		"node in chunks":      {"node", []string{"node", servers + "/httpnode/main.js", "{port}", "chunks"}, dialect.HTTP{}, 0},
		"node with a trailer": {"node", []string{"node", servers + "/httpnode/main.js", "{port}", "trailer"}, dialect.HTTP{}, 0},
		"node closes":         {"node", []string{"node", servers + "/httpnode/main.js", "{port}", "closing"}, dialect.HTTP{}, 1},
		"nginx, three each":   {"nginx", []string{"sh", servers + "/nginx/main.sh", "{port}", "{scratch}", "3", "2", "2048"}, dialect.HTTP{}, 3},
		"nginx, a page":       {"nginx", []string{"sh", servers + "/nginx/main.sh", "{port}", "{scratch}", "3", "2", "2048"}, dialect.HTTP{Path: "/healthz", Status: 204}, 3},
		"nginx, HEAD":         {"nginx", []string{"sh", servers + "/nginx/main.sh", "{port}", "{scratch}", "3", "2", "2048"}, dialect.HTTP{Path: "/echo?abc", Method: "HEAD"}, 3},
		"python, a directory": {"python3", []string{"python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", servers, "{port}"}, dialect.HTTP{Path: "/"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(c.program); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatalf("%s is not installed: .ci/install must install it", c.program)
				}
				t.Skipf("%s is not installed", c.program)
			}
			d, err := dialect.NewHTTP(c.asked)
			if err != nil {
				t.Fatal(err)
			}
			run := target.Target{File: target.File{Start: c.start, Dir: os.TempDir(), ReadyTimeout: target.Duration(time.Minute)}}
			server, err := run.Launch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer server.Stop()
			each := askOneByOne(t, server.Addr(), d)
			if c.each > 0 && each != c.each || c.each == 0 && each != asks {
				t.Errorf("%d replies on a connection, want %d (0: all)", each, c.each)
			}
		})
	}
}

// asks is how many requests a server is asked, one after the other.
const asks = 9

// askOneByOne returns the greatest number of replies that a connection gave, each
// of which was right and was the last where the connection ended.
func askOneByOne(t *testing.T, addr net.Addr, d dialect.Dialect) (each int) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{2})
	var conn net.Conn
	var r *bufio.Reader
	given := 0
	for n := range asks {
		if conn == nil {
			var err error
			if conn, err = net.Dial(addr.Network(), addr.String()); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			r, given = bufio.NewReader(conn), 0
		}
		payload := make([]byte, min(d.MaxPayload(), 1+n*400))
		_, _ = random.Read(payload)
		if _, err := conn.Write(d.Request(payload)); err != nil {
			t.Fatal(err)
		}
		reply, err := d.ReadReply(r, payload)
		if err != nil || !bytes.Equal(reply.Payload, payload) {
			t.Fatalf("reply %d of a connection, %d bytes: %d came, %v", given+1, len(payload), len(reply.Payload), err)
		}
		if r.Buffered() > 0 {
			t.Fatalf("%d bytes too many came", r.Buffered())
		}
		given++
		if each = max(each, given); reply.Last {
			_ = conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		_ = conn.Close()
	}
	return each
}
