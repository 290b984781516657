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
		{At: 307 * ms, Conn: 2, Kind: "send", Bytes: 16000000, Times: 4, Head: `"abc"…`},
		{At: 308 * ms, Conn: 2, Kind: "close", Bytes: 4, Head: `"half"`},
		{At: 309 * ms, Conn: 2, Kind: "recv", Bytes: 31744, Head: `"abc"…`},
		{At: 310 * ms, Conn: 3, Kind: "dial"},
		{At: 311 * ms, Conn: 2, Kind: "eof"},
	}}
	return &Run{Target: Target{Name: "srv", Version: "1.2", Dialect: "echo", Command: []string{"./srv", "--port", "{port}"}}, Seed: 0x5e1f, Tool: "reactorspec 1", Results: []Result{r, result("CONN-1", Pass)}}
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
		"Connection 2 is the one", "# CUT       100 events left out", "the evidence keeps only the beginning of 1 of the sends",
		`send(2, b"\"\\\x00\xff\xc3\xa9\n")`, "time.sleep(0.30)", `send(2, b"abc", 16000000)`, "half_close(2)", "end(2)  # the run saw FIN", "dial(3)", "verdict(2, 16000007, 31751, \"FIN\")\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "HARNESS") {
		t.Error("it says the kit's own greeting")
	}
	for _, unused := range []string{"def close(", "BEWARE", "sys.stderr"} {
		if strings.Contains(text, unused) {
			t.Errorf("it has %s, which it does not need", unused)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	script := filepath.Join(t.TempDir(), "repro.py")
	impatient := strings.Replace(text, "connections = 3, ", "connections = 0.5, ", 1)
	if err := os.WriteFile(script, []byte(impatient), 0o600); err != nil {
		t.Fatal(err)
	}
	// A server that takes in no more than the buffers hold gets all the same what is sent,
	// since the script then reads beside it; one that drops what is due is told apart.
	for address, wants := range map[string][]string{
		echoing(t, false): {"#2 sent 16000000 of 16000000 bytes \n",
			"#2 got 16000007 bytes, owed 16000007, then FIN; the run saw 31751, then FIN: NOT as the run saw it\n"},
		echoing(t, true): {"#2 received 7 bytes so far; the run had 7 here", "#2 sent 16000000 of 16000000 bytes \n", "#2 got 40007 bytes, owed 16000007, then FIN; the run saw 31751, then FIN: as the run saw it\n"},
	} {
		said, err := exec.Command(python, script, address).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		for _, want := range wants {
			if !strings.Contains(string(said), want) {
				t.Errorf("it does not print %q:\n%s", want, said)
			}
		}
	}
	said, err := exec.Command(python, script, "127.0.0.1:1").CombinedOutput()
	if err != nil || !strings.Contains(string(said), "#2 got 0 bytes, owed 16000007, then not connected: ") {
		t.Errorf("without a server: %v\n%s", err, said)
	}
}

// A script of one request that got a wrong reply is short.
func TestReproductionIsShort(t *testing.T) {
	run := halfClosed()
	run.Results[0].Evidence.Sent = []Event{{Conn: 2, Kind: "dial"}, {Conn: 2, Kind: "send", Bytes: 3, Head: `"abc"`}, {Conn: 2, Kind: "recv", Bytes: 3, Head: `"abx"`}}
	var out bytes.Buffer
	if err := WriteReproduction(&out, run, "CONN-7"); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines > 80 {
		t.Errorf("%d lines are not short:\n%s", lines, &out)
	}
	if !strings.HasSuffix(out.String(), "verdict(2, 3, 3, \"silence\")\n") {
		t.Errorf("its verdict:\n%s", &out)
	}
}

func TestReproductionOfNothing(t *testing.T) {
	for clause, says := range map[string]string{"CONN-1": "nothing to reproduce", "CONN-2": "not judged"} {
		if err := WriteReproduction(io.Discard, halfClosed(), clause); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", clause, err)
		}
	}
}

// What an exchange alone cannot show, a script says at its head and when it runs, and
// what can.
func TestReproductionOfWhatNoExchangeShows(t *testing.T) {
	for clause, beware := range map[string]bool{"ACC-6": true, "LOOP-5": true, "RES-1": true, "CONN-7": false, "LIFE-22": false} {
		run := halfClosed()
		run.Results[0].Clause = clause
		run.Results[0].Evidence.Rerun = "/work/here/reactorspec check --clause " + clause + " -- ./srv"
		var out bytes.Buffer
		if err := WriteReproduction(&out, run, clause); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		const rerun = "reactorspec check --clause "
		if strings.Contains(text, "# BEWARE") != beware || strings.Contains(text, "file=sys.stderr") != beware || beware && strings.Count(text, rerun+clause+" -- ./srv") != 2 || strings.Contains(text, "/work/here") {
			t.Errorf("%s:\n%s", clause, text)
		}
		python, err := exec.LookPath("python3")
		if err != nil || clause != "ACC-6" {
			continue
		}
		cmd := exec.Command(python, "-", "127.0.0.1:1")
		var errs bytes.Buffer
		cmd.Stdin, cmd.Stderr = strings.NewReader(text), &errs
		if err := cmd.Run(); err != nil || !strings.Contains(errs.String(), rerun+clause+" -- ./srv") || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%v: it says %q", err, errs.String())
		}
	}
}

// echoing is the address of a server that sends back what comes, and then its FIN; one
// that drops reads everything, and sends back the first 40,007 bytes.
func echoing(t *testing.T, drops bool) string {
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
				if drops {
					_, _ = io.CopyN(c, c, 40007)
					_, _ = io.Copy(io.Discard, c)
				} else {
					_, _ = io.Copy(c, c)
				}
				c.Close()
			}()
		}
	}()
	return fmt.Sprint(listener.Addr())
}
