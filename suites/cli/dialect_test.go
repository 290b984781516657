package cli_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dialectFile writes a dialect file.
func dialectFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDialectCommand(t *testing.T) {
	const server = "import socket,sys;s=socket.socket();s.setsockopt(1,2,1);s.bind(('127.0.0.1',int(sys.argv[1])));s.listen()\nwhile 1:\n c,_=s.accept();d=c.recv(99);c.sendall(d.replace(b'PING',b'PONG'))"
	const starting = "import socket,sys;s=socket.socket();s.setsockopt(1,2,1);s.bind(('127.0.0.1',int(sys.argv[1])));s.listen();n=0\nwhile 1:\n c,_=s.accept();d=c.recv(99);n+=d!=b'';c.sendall(d.replace(b'PING',b'PONG') if n>3 else b'WAIT\\n');c.close()"
	good := dialectFile(t, "request: \"PING\\n\"\nreply: \"PONG\\n\"\n")
	wrong := dialectFile(t, "request: \"PING\\n\"\nreply: {line: \"\\n\", is: PUNG}\n")
	weak := dialectFile(t, "request: \"PING\\n\"\nreply: {line: \"\\n\"}\n")
	broken := dialectFile(t, "request: \"PING\\n\"\nreplay: x\n")
	const greets = "import socket,sys;s=socket.socket();s.setsockopt(1,2,1);s.bind(('127.0.0.1',int(sys.argv[1])));s.listen()\nwhile 1:\n c,_=s.accept()\n try: c.sendall(b'220 hello\\r\\n');c.recv(99)\n except OSError: pass\n c.close()"
	const trickles = "import socket,sys,time;s=socket.socket();s.setsockopt(1,2,1);s.bind(('127.0.0.1',int(sys.argv[1])));s.listen()\nwhile 1:\n c,_=s.accept()\n try:\n  while c.recv(99):\n   while 1: c.sendall(b'PONG\\n');time.sleep(.1)\n except OSError: pass"
	const closes = "import socket,sys;s=socket.socket();s.setsockopt(1,2,1);s.bind(('127.0.0.1',int(sys.argv[1])));s.listen()\nwhile 1:\n c,_=s.accept();c.recv(99);c.close()"
	until := dialectFile(t, "request: \"PING\\n\"\nreply:\n  line: \"\\n\"\n  until: END\n")
	start := []string{"--", "python3", "-c", server, "{port}"}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }))
	defer page.Close()
	secured := httptest.NewTLSServer(page.Config.Handler)
	defer secured.Close()
	secured.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are what is asked for here
	at := strings.Replace(page.URL, "http", "tcp", 1)
	overTLS := strings.Replace(secured.URL, "https", "tcp", 1)
	for name, c := range map[string]struct {
		args []string
		exit int
		want []string
	}{
		"fits":           {append([]string{"dialect", "try", good}, start...), 0, []string{"50 49 4e 47 0a", "50 4f 4e 47 0a", "is what the dialect expects"}},
		"starts up":      {[]string{"dialect", "try", good, "--", "python3", "-c", starting, "{port}"}, 0, []string{`!  got "W"`, "asked again", "is what the dialect expects"}},
		"does not fit":   {append([]string{"dialect", "try", wrong}, start...), 1, []string{"does not fit after its first 1 bytes", `! want "PUNG"`, `!  got "PONG"`}},
		"speaks first":   {[]string{"dialect", "try", good, "--", "python3", "-c", greets, "{port}"}, 1, []string{"from its first byte on", "32 30 20 68 65 6c 6c 6f", "what came behind it", "the server speaks first", `"220 hello\r\n"`, "- read:", "ftp or smtp"}},
		"code, first":    {[]string{"dialect", "try", "echo", "--", "python3", "-c", greets, "{port}"}, 1, []string{"the server speaks first", "describe its protocol"}},
		"check, first":   {[]string{"check", "--dialect", "echo", "--clause", "ACC-1", "--", "python3", "-c", greets, "{port}"}, 1, []string{"the server speaks first", "ftp or smtp"}},
		"never ends":     {[]string{"dialect", "try", until, "--", "python3", "-c", trickles, "{port}"}, 1, []string{"bytes kept coming for 10s", `until: "END"`, "mine.yaml:4"}},
		"closes":         {[]string{"dialect", "try", good, "--", "python3", "-c", closes, "{port}"}, 1, []string{"the server closed the connection instead", "asked again: the same", "more"}},
		"what follows":   {append([]string{"dialect", "try", dialectFile(t, "request: \"PING\\n\"\nreply: \"PUNG\\n\"\n")}, start...), 1, []string{"50 4f  ", "does not fit after its first 1 bytes", "what came behind it", "4e 47 0a"}},
		"http":           {[]string{"dialect", "try", "http", "--http-path", "/healthz", "--addr", at}, 0, []string{"GET /healthz HTT", "is what the dialect expects"}},
		"http elsewhere": {[]string{"dialect", "try", good, "--http-path", "/healthz", "--addr", at}, 2, []string{"--dialect http"}},
		"TLS to plain":   {[]string{"dialect", "try", "http", "--http-path", "/", "--tls", "--addr", at}, 1, []string{"the TLS handshake failed", "it does not speak TLS there: leave --tls out"}},
		"plain to TLS":   {[]string{"dialect", "try", "http", "--http-path", "/", "--addr", overTLS}, 1, []string{"the port speaks TLS: give --tls"}},
		"untrusted":      {[]string{"dialect", "try", "http", "--http-path", "/", "--tls", "--addr", overTLS}, 2, []string{"certificate", "--tls-ca", "--tls-insecure"}},
		"over TLS":       {[]string{"dialect", "try", "http", "--http-path", "/", "--tls", "--tls-insecure", "--addr", overTLS}, 0, []string{"is what the dialect expects"}},
		"cannot tell":    {append([]string{"dialect", "try", weak}, start...), 0, []string{"passes for a good one"}},
		"broken file":    {append([]string{"dialect", "try", broken}, start...), 2, []string{"mine.yaml:2: unknown key \"replay\"", "did you mean reply?"}},
		"broken, check":  {append([]string{"check", "--dialect", broken}, start...), 2, []string{"mine.yaml:2: unknown key \"replay\""}},
		"no such file":   {[]string{"check", "--dialect", "./none.yaml", "--addr", "tcp://127.0.0.1:1"}, 2, []string{"none.yaml", "no such file"}},
		"no server":      {[]string{"dialect", "try", good}, 2, []string{"no server"}},
		"placeholder":    {[]string{"dialect", "try", good, "--", "./server", "--port", "{prot}"}, 2, []string{"unknown placeholder {prot}: use one of {port}"}},
		"nothing":        {[]string{"dialect", "try"}, 2, []string{"wants one dialect"}},
		"list":           {[]string{"dialect", "list"}, 0, []string{"postgres", "described, payload, pipelines", "tcp"}},
		"show":           {[]string{"dialect", "show", "smtp"}, 0, []string{"EHLO"}},
		"show code":      {[]string{"dialect", "show", "resp"}, 2, []string{"resp is code"}},
		"schema":         {[]string{"dialect", "schema"}, 0, []string{"json-schema.org"}},
		"tls flags":      {[]string{"check", "--addr", "tcp://127.0.0.1:1", "--tls-insecure"}, 2, []string{"without --tls"}},
		"tls with file":  {[]string{"check", "--target", good, "--tls"}, 2, []string{"both --target and --tls"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := reactorspec(t, nil, c.args...)
			code, out, errs := got.exit, got.out, got.errors
			if lines := strings.Count(out, "\n"); lines > 60 && c.args[0] == "dialect" && c.args[1] == "try" {
				t.Errorf("%d lines of output:\n%s", lines, out)
			}
			for _, word := range c.want {
				if !strings.Contains(out+errs, word) {
					t.Errorf("%q is not in\n%s%s", word, out, errs)
				}
			}
			if code != c.exit {
				t.Errorf("exit %d, want %d:\n%s%s", code, c.exit, out, errs)
			}
		})
	}
}
