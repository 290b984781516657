package report

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// halfClosed is the evidence of a server that drops what is due at the FIN.
func halfClosed() *Run {
	ms := time.Millisecond
	r := result("CONN-7", Fail)
	r.Evidence = &Evidence{Want: "all bytes", Got: "31744 bytes, then FIN", Conn: 2, Sent: []Event{
		{At: 1 * ms, Conn: 1, Kind: "dial"},
		{At: 2 * ms, Conn: 1, Kind: "send", Bytes: 7, Head: `"HARNESS"`},
		{At: 3 * ms, Conn: 1, Kind: "close"},
		{At: 4 * ms, Conn: 2, Kind: "dial"},
		{At: 5 * ms, Conn: 2, Kind: "send", Bytes: 7, Head: `"\"\\\x00\xffé\n"`},
		{At: 6 * ms, Conn: 2, Kind: "recv", Bytes: 7, Head: `"\"\\\x00\xffé\n"`},
		{At: 7 * ms, Kind: "note", Head: "100 events left out"},
		{At: 307 * ms, Conn: 2, Kind: "send", Bytes: 100000, Times: 4, Head: `"abc"…`},
		{At: 308 * ms, Conn: 2, Kind: "close", Bytes: 4, Head: `"half"`},
		{At: 309 * ms, Conn: 2, Kind: "recv", Bytes: 31744, Head: `"abc"…`},
		{At: 310 * ms, Conn: 3, Kind: "dial"},
		{At: 311 * ms, Conn: 2, Kind: "eof"},
	}}
	return &Run{Target: Target{Name: "srv", Version: "1.2", Command: []string{"./srv", "--port", "{port}"}}, Seed: 0x5e1f, Tool: "reactorspec 1", Results: []Result{r, result("CONN-1", Pass)}}
}

// A script says the exchange again: against a server that echoes, everything
// comes back, in the words of Python.
func TestReproduction(t *testing.T) {
	var out bytes.Buffer
	if err := WriteReproduction(&out, halfClosed(), "CONN-7"); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"# CONN-7    A server MUST deliver", "# server    srv 1.2", "# start     ./srv --port {port}", "# actual    31744 bytes, then FIN", "seed 0x5e1f",
		"Connection 2 is the one", "# CUT       100 events left out", "of 100000 bytes sent on connection 2 the evidence keeps 3",
		`send(2, b"\"\\\x00\xff\xc3\xa9\n")`, "time.sleep(0.30)", `send(2, b"abc", 100000)`, "half_close(2)", `end(2, "FIN")`, "dial(3)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "HARNESS") {
		t.Error("it says the kit's own greeting")
	}
	if lines := strings.Count(text, "\n"); lines > 140 {
		t.Errorf("%d lines are not short", lines)
	}
	if t.Failed() {
		t.Log(text)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	script := filepath.Join(t.TempDir(), "repro.py")
	impatient := strings.Replace(text, "PATIENCE = 3", "PATIENCE = 0.5", 1)
	if err := os.WriteFile(script, []byte(impatient), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(python, script, echoing(t)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{"#2 connected", "#2 received 7 of 7 bytes", "#2 sent 100000 of 100000 bytes", "#2 half-closed", "#2 received 31744 of 31744 bytes", "#2 received 68256 bytes more, then FIN (the run saw FIN here)", "#3 connected"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("it does not print %q:\n%s", want, said)
		}
	}
	said, err = exec.Command(python, script, "127.0.0.1:1").CombinedOutput()
	if err != nil || !strings.Contains(string(said), "#2 not connected") {
		t.Errorf("without a server: %v\n%s", err, said)
	}
}

func TestReproductionOfNothing(t *testing.T) {
	for clause, says := range map[string]string{"CONN-1": "nothing to reproduce", "CONN-2": "not judged"} {
		if err := WriteReproduction(io.Discard, halfClosed(), clause); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", clause, err)
		}
	}
}

// echoing is the address of a server that sends back what comes, and then its FIN.
func echoing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		listener.Close()
		<-ended
	})
	go func() {
		defer close(ended)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return fmt.Sprint(listener.Addr())
}
