package judging

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// handler is an echo for the servers of Python's socketserver.
const handler = `import os, socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)
class Server(socketserver.KIND):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 100
Server(("127.0.0.1", int(os.environ["PORT"])), Echo).serve_forever()
`

// one is an echo on asyncio: one loop.
const one = `import asyncio, os
async def echo(r, w):
    while data := await r.read(65536):
        w.write(data)
        await w.drain()
    w.close()
async def main():
    await (await asyncio.start_server(echo, "127.0.0.1", int(os.environ["PORT"]))).serve_forever()
asyncio.run(main())
`

// Where nobody says the class, the run says what the server looks like, and judges by
// no guess.
func TestWhatAServerLooksLike(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	for _, c := range []struct {
		name, program string
		class         spec.Class
		seen          string
	}{
		{"asyncio", one, spec.Reactor, "one poller holds"},
		{"threads", strings.ReplaceAll(handler, "KIND", "ThreadingTCPServer"), spec.ThreadPerConnection, "came with 8 clients"},
		{"processes", strings.ReplaceAll(handler, "KIND", "ForkingTCPServer"), spec.ThreadPerConnection, "new with 8 clients"},
		{"one client", strings.ReplaceAll(handler, "KIND", "TCPServer"), spec.Iterative, "a second was not served"},
	} {
		t.Run(c.name, func(t *testing.T) {
			on := target.Target{File: target.File{Dialect: "echo", Start: target.Command{python, "-c", c.program}}}
			run, err := judged(t, on, []session.Check{{Clause: "CONN-1", Run: exchange}})
			if err != nil {
				t.Fatal(err)
			}
			looks := run.Target.Looks
			if looks == nil || looks.Class != c.class || !strings.Contains(looks.Seen, c.seen) {
				t.Fatalf("it looks like %+v, want %s: %s", looks, c.class, c.seen)
			}
			if notes := strings.Join(run.Notes, "\n"); !strings.Contains(notes, "--class "+string(c.class)) || run.Target.Class != "" || run.Verdict.Class != "" {
				t.Errorf("notes %q, class %q, verdict %+v", notes, run.Target.Class, run.Verdict)
			}
			on.File.Class = c.class
			if run, err = judged(t, on, []session.Check{{Clause: "CONN-1", Run: exchange}}); err != nil || run.Target.Looks != nil || len(run.Notes) > 0 {
				t.Errorf("of a target that says its class: %+v, %q, %v", run.Target.Looks, run.Notes, err)
			}
		})
	}
}
