package suites_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// certificate makes one for localhost that vouches for itself; file is where it stands in PEM.
func certificate(t *testing.T) (cert tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// echoing serves every connection that l accepts until the test is over.
func echoing(t *testing.T, l net.Listener) string {
	t.Helper()
	t.Cleanup(func() { l.Close() })
	go serveEcho(l)
	return "tcp://" + l.Addr().String()
}

// serving has each connection served by serve, and closed behind it, until the test is over.
func serving(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return "tcp://" + l.Addr().String()
}

// greeter says something, and hears out whatever it is told.
func greeter(t *testing.T, says string) (addr string) {
	t.Helper()
	return serving(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, says)
		_, _ = io.Copy(io.Discard, conn)
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A server is judged over TLS as over TCP: also where a peer stalls amid a record,
// and goes on later.
func TestOverTLS(t *testing.T) {
	cert, ca := certificate(t)
	addr := echoing(t, tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"mine"}}))
	server := target.Target{Addr: addr, File: target.File{Dialect: "echo", Class: "multi-reactor", TLS: &target.TLS{CA: ca, ServerName: "localhost", ALPN: []string{"mine"}}}}
	run, err := suites.Check(t.Context(), server, suites.Clauses("CONN-1", "CONN-2", "CONN-3", "CONN-5", "CONN-6", "CONN-12", "CONN-15", "CONN-16", "FLOW-4", "ACC-1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range run.Results {
		want := report.Pass
		if result.Clause == "CONN-6" || result.Clause == "CONN-16" { // spec/transport.md
			want = report.Unsupported
		}
		if result.Outcome != want {
			t.Errorf("%s: %s", result.Clause, suites.Explain(result))
		}
	}
}

// tlsThat speaks TLS to whoever does, and ends the connection of everybody else without a
// word, when end has done something to it.
func tlsThat(t *testing.T, cert tls.Certificate, end func(net.Conn)) string {
	t.Helper()
	return serving(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		if first, err := in.Peek(1); err != nil || first[0] != 0x16 {
			end(conn)
			return
		}
		_ = tls.Server(ahead{conn, in}, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake()
	})
}

// ahead is a connection of which something was read already.
type ahead struct {
	net.Conn
	in *bufio.Reader
}

func (a ahead) Read(b []byte) (int, error) { return a.in.Read(b) }

// linesThat answers each line with an answer.
func linesThat(t *testing.T, answer string) string {
	t.Helper()
	return serving(t, func(conn net.Conn) {
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			_, _ = io.WriteString(conn, answer)
		}
	})
}

// What does not fit is said in one line with what to change, and is exit 1 of the
// target, or 2 of who asked.
func TestTransportThatDoesNotFit(t *testing.T) {
	cert, ca := certificate(t)
	secured := echoing(t, tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{cert}}))
	plain := echoing(t, listen(t))
	banner := greeter(t, "220 hello\r\n")
	flood := serving(t, func(conn net.Conn) {
		block := make([]byte, 64<<10)
		for n := 0; n < 1<<30; n += len(block) {
			if _, err := conn.Write(block); err != nil {
				return
			}
		}
	})
	ping, err := dialect.ReadDescribed([]byte("request: \"PING\\n\"\nreply: {line: \"\\n\", is: PONG}\n"), "ping.yaml")
	if err != nil {
		t.Fatal(err)
	}
	weak, err := dialect.ReadDescribed([]byte("request: \"PING\\n\"\nreply: {line: \"\\r\\n\"}\n"), "weak.yaml")
	if err != nil {
		t.Fatal(err)
	}
	unended, err := dialect.ReadDescribed([]byte("request: \"PING\\n\"\nreply:\n  line: \"\\n\"\n  until: END\n"), "unended.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cutting := tlsThat(t, cert, func(net.Conn) {})
	silent := tlsThat(t, cert, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) })
	for name, c := range map[string]struct {
		addr string
		file target.File
		exit int
		want []string
	}{
		"plain, TLS closes":   {cutting, target.File{Dialect: "echo"}, 1, []string{"the port speaks TLS: give --tls"}},
		"plain, TLS resets":   {silent, target.File{Dialect: "echo"}, 1, []string{"the port speaks TLS: give --tls"}},
		"http to TLS":         {secured, target.File{Dialect: "http"}, 1, []string{"the port speaks TLS: give --tls"}},
		"no TLS, only echo":   {plain, target.File{Dialect: "resp"}, 1, []string{"check --dialect and --tls"}},
		"code, speaks first":  {banner, target.File{Dialect: "echo"}, 1, []string{"the server speaks first", `"220 hello\r\n"`, "- read:", "ftp or smtp"}},
		"file, speaks first":  {banner, target.File{Speaks: ping, Dialect: "ping"}, 1, []string{"the server speaks first", "begin the dialect file with `open:`"}},
		"weak, speaks first":  {banner, target.File{Speaks: weak, Dialect: "weak"}, 1, []string{"the server speaks first", `"220 hello\r\n"`}},
		"names what is due":   {linesThat(t, "OK\n"), target.File{Speaks: unended, Dialect: "unended"}, 1, []string{`until: "END" (unended.yaml:4)`, `the last "OK"`}},
		"nobody vouches":      {secured, target.File{Dialect: "echo", TLS: &target.TLS{ServerName: "localhost"}}, 2, []string{"certificate", "insecure"}},
		"another name":        {secured, target.File{Dialect: "echo", TLS: &target.TLS{CA: ca, ServerName: "example.org"}}, 2, []string{"not example.org", "server_name"}},
		"no such authority":   {secured, target.File{Dialect: "echo", TLS: &target.TLS{CA: ca + "x"}}, 2, []string{"ca.pemx", "no such file"}},
		"not PEM":             {secured, target.File{Dialect: "echo", TLS: &target.TLS{CA: "transport_test.go"}}, 2, []string{"holds no certificate"}},
		"TLS to a plain port": {plain, target.File{Dialect: "echo", TLS: &target.TLS{Insecure: true}}, 1, []string{"TLS handshake", "leave --tls"}},
		"plain to a TLS port": {secured, target.File{Dialect: "echo"}, 1, []string{"--tls"}},
		"speaks first":        {banner, target.File{Speaks: ping, Dialect: "ping"}, 1, []string{"PONG", "220 hello"}},
		"never ends":          {flood, target.File{Speaks: ping, Dialect: "ping"}, 1, []string{"a line that ends in", "within"}},
		"tcp without a pid":   {plain, target.File{Dialect: "tcp"}, 3, []string{"--pid"}},
	} {
		t.Run(name, func(t *testing.T) {
			run, err := suites.Check(t.Context(), target.Target{Addr: c.addr, File: c.file}, suites.Clauses("ACC-1"))
			if err == nil || run.Problem == nil || run.Verdict.Exit != c.exit {
				t.Fatalf("%v, problem %+v, exit %d, want %d", err, run.Problem, run.Verdict.Exit, c.exit)
			}
			for _, word := range c.want {
				if !strings.Contains(run.Problem.Message, word) || strings.Contains(run.Problem.Message, "\n") {
					t.Errorf("%q does not say %s", run.Problem.Message, word)
				}
			}
		})
	}
}

// Without words a server is judged by its descriptors.
func TestWithoutWords(t *testing.T) {
	server := target.Target{Addr: echoing(t, listen(t)), Pid: os.Getpid(), File: target.File{Dialect: "tcp", Class: "multi-reactor"}}
	run, err := suites.Check(t.Context(), server, suites.Clauses("ACC-2", "MODEL-3", "CONN-12", "CONN-1", "LOOP-9"))
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range run.Results {
		want := report.Pass
		switch result.Clause {
		case "CONN-1", "LOOP-9":
			want = report.Unsupported
		case "CONN-12":
			want = report.Untested // no output ever waits for a client that is reset
		}
		if result.Outcome != want {
			t.Errorf("%s: %s", result.Clause, suites.Explain(result))
		}
	}
}

// A constant dialect with replies of two bytes is judged by what needs no payload.
func TestConstantDialect(t *testing.T) {
	addr := serving(t, func(conn net.Conn) {
		for ping := make([]byte, 2); ; {
			if _, err := io.ReadFull(conn, ping); err != nil {
				return
			}
			if _, err := conn.Write([]byte{0xd0, 0}); err != nil {
				return
			}
		}
	})
	ping, err := dialect.ReadDescribed([]byte("request: \"{0xc000}\"\nreply: \"{0xd000}\"\npipelines: true\n"), "ping.yaml")
	if err != nil {
		t.Fatal(err)
	}
	server := target.Target{Addr: addr, File: target.File{Class: "multi-reactor"}}
	run, err := suites.Check(t.Context(), server, suites.Speaking(ping), suites.Clauses("CONN-3", "CONN-12", "ACC-2", "MODEL-3", "FLOW-6", "CONN-1", "CONN-14"))
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range run.Results {
		want := report.Pass
		switch result.Clause {
		case "CONN-1", "CONN-14":
			want = report.Unsupported
		case "CONN-12":
			want = report.Untested // 20,000 replies of two bytes fit into the sockets
		}
		if result.Outcome != want {
			t.Errorf("%s: %s", result.Clause, suites.Explain(result))
		}
	}
}

// The clauses about handshakes bind who is spoken to over TLS, and nobody else.
func TestHandshakes(t *testing.T) {
	cert, _ := certificate(t)
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	sound := echoing(t, tls.NewListener(listen(t), config))
	plain := echoing(t, listen(t))
	inLoop := listen(t)
	t.Cleanup(func() { inLoop.Close() })
	go func() {
		for {
			socket, err := inLoop.Accept()
			if err != nil {
				return
			}
			conn := tls.Server(socket, config)
			if conn.Handshake() != nil { // whoever comes waits for it
				socket.Close()
				continue
			}
			go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
		}
	}()
	over := &target.TLS{Insecure: true}
	for _, c := range []struct {
		name, addr string
		tls        *target.TLS
		clauses    []string
		want       report.Outcome
		says       string
	}{
		{"sound", sound, over, []string{"TLS-1", "TLS-2", "TLS-3", "TLS-5"}, report.Pass, ""},
		{"plain", plain, nil, []string{"TLS-2"}, report.Unsupported, "--tls"},
		{"no timeout", sound, over, []string{"TLS-8"}, report.Unsupported, "it needs idle-timeout"},
		{"in the accept loop", "tcp://" + inLoop.Addr().String(), over, []string{"TLS-1"}, report.Fail, "silence"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run, err := suites.Check(t.Context(), target.Target{Addr: c.addr, File: target.File{Dialect: "echo", Class: "multi-reactor", TLS: c.tls}}, suites.Clauses(c.clauses...))
			if err != nil {
				t.Fatal(err)
			}
			for _, result := range run.Results {
				if result.Outcome != c.want || !strings.Contains(result.Reason, c.says) {
					t.Errorf("%s, want %s: %s", suites.Explain(result), c.want, c.says)
				}
			}
		})
	}
}
