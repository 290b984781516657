package dialect_test

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Unmodified servers give back payloads of every size that a dialect allows,
// one by one and pipelined.
func TestUnmodifiedServers(t *testing.T) {
	const nginx = `
daemon off; pid {scratch}/pid; error_log stderr;
events {}
http { access_log off; client_body_temp_path {scratch}; proxy_temp_path {scratch}; fastcgi_temp_path {scratch}; uwsgi_temp_path {scratch}; scgi_temp_path {scratch};
  server { listen 127.0.0.1:{port}; location = /echo { return 200 $args; } } }`
	for _, c := range []struct{ dialect, program, start string }{
		{"resp", "redis-server", `redis-server --port {port} --save '' --appendonly no`},
		{"memcache", "memcached", `exec memcached -p {port} -U 0 -u nobody -l 127.0.0.1`},
		{"http", "nginx", `printf '%s' "$NGINX_CONF" > {scratch}/nginx.conf; exec nginx -p {scratch} -c {scratch}/nginx.conf`},
	} {
		t.Run(c.program, func(t *testing.T) {
			if _, err := exec.LookPath(c.program); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatalf("%s is not installed: .ci/install must install it", c.program)
				}
				t.Skipf("%s is not installed", c.program)
			}
			run := target.Target{File: target.File{
				Start: target.Command{"/bin/sh", "-c", c.start}, Env: map[string]string{"NGINX_CONF": nginx}, Dir: os.TempDir(),
				ReadyTimeout: target.Duration(time.Minute),
			}}
			server, err := run.Launch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer server.Stop()
			d, err := dialect.Lookup(c.dialect)
			if err != nil {
				t.Fatal(err)
			}
			exchange(t, server.Addr(), dialect.PerConn(d))
			if t.Failed() {
				t.Log(server.Stderr())
			}
		})
	}
}

func exchange(t *testing.T, addr net.Addr, d dialect.Dialect) {
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	random := rand.NewChaCha8([32]byte{1})
	r := bufio.NewReader(conn)
	var payloads [][]byte
	for _, n := range []int{d.MinPayload(), 1, 2, 100, 2000, d.MaxPayload()} {
		payload := make([]byte, n)
		_, _ = random.Read(payload)
		payloads = append(payloads, payload)
		go func() { _, _ = conn.Write(d.Request(payload)) }()
		if got, err := d.ReadReply(r, payload); err != nil || !bytes.Equal(got.Payload, payload) {
			t.Fatalf("%d bytes: %d came, %v", n, len(got.Payload), err)
		}
	}
	var train []byte
	for _, p := range payloads[:4] {
		train = append(train, d.Request(p)...)
	}
	if _, err := conn.Write(train); err != nil {
		t.Fatal(err)
	}
	for _, p := range payloads[:4] {
		if _, err := d.ReadReply(r, p); err != nil {
			t.Fatalf("pipelined: %v", err)
		}
	}
	if r.Buffered() != 0 {
		t.Errorf("%d bytes too many came", r.Buffered())
	}
}

// The daemons of the target files that ship with a described dialect say what it
// expects of them, to the byte.
func TestDaemons(t *testing.T) {
	for name, program := range map[string]string{
		"postgresql": "/usr/lib/postgresql/15/bin/postgres", "mariadb": "mariadbd", "mosquitto": "mosquitto", "nats": "nats-server", "beanstalkd": "beanstalkd", "opensmtpd": "smtpd",
		"vsftpd": "vsftpd", "dovecot": "dovecot", "unbound": "unbound", "ngircd": "ngircd", "mpd": "mpd", "gearmand": "gearmand", "gophernicus": "xinetd", "zookeeper": "/usr/share/zookeeper",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(program); err != nil {
				if _, err := exec.LookPath(program); err != nil {
					t.Skipf("%s is not installed", program)
				}
			}
			if os.Getuid() != 0 {
				t.Skip("several of them want to begin as root")
			}
			file, err := target.Load(filepath.Join("../../testdata/targets", name+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			server, err := (&target.Target{File: file}).Launch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer server.Stop()
			d, err := file.Speaker()
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			if !server.Wakes(t.Context(), func() bool {
				conn, err := net.Dial(server.Network(), server.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				said.Reset()
				return dialect.Try(&said, conn, d, 10*time.Second)
			}) {
				t.Errorf("%s", said.String())
			}
		})
	}
}
