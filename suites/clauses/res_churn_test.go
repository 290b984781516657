package clauses

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// A cut is of a length that the dialect takes, whatever that is.
func TestCutsFit(t *testing.T) {
	for _, lengths := range []string{"{min: 1, max: 1}", "{min: 7, max: 7}", "{min: 3, max: 5}", "{min: 1, max: 4000}"} {
		d, err := dialect.ReadDescribed([]byte("request: \"{hex}\\n\"\nreply: {line: \"\\n\", is: \"{hex}\"}\npayload: "+lengths+"\n"), "lengths.yaml")
		if err != nil {
			t.Fatal(err)
		}
		s := &session.Session{Dialect: d}
		payload := make([]byte, min(2*everyLength, d.MaxPayload()))
		seen := map[int]bool{}
		for i := range 4 * everyLength {
			n := len(cut(s, payload, i))
			if seen[n] = true; n < d.MinPayload() || n > d.MaxPayload() {
				t.Fatalf("%s: %d bytes for %d", lengths, n, i)
			}
		}
		if most := max(d.MinPayload(), len(payload)/2); len(seen) != min(everyLength, most-d.MinPayload()+1) {
			t.Errorf("%s: %d lengths, up to %d", lengths, len(seen), most)
		}
	}
}

// TestMain is the test and, where the environment asks for it, the server that it starts.
func TestMain(m *testing.M) {
	if fault, serves := os.LookupEnv("ECHO_WITH"); serves {
		echoWith(fault)
		return
	}
	os.Exit(m.Run())
}

// echoWith is an echo server with one fault, or with none that it knows.
func echoWith(fault string) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	var kept [][]byte
	keep := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, bytes.Repeat([]byte{1}, n))
	}
	var count, places atomic.Int64
	for {
		c, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		number := count.Add(1)
		go func() {
			defer c.Close()
			if places.Add(1) > 5000 && fault == "the place of each reset" {
				return
			}
			b := make([]byte, 4<<10)
			for {
				n, err := c.Read(b)
				if err != nil {
					if err == io.EOF || fault != "the place of each reset" {
						places.Add(-1)
					}
					return
				}
				if fault == "wrong from the 5,000th on" && number >= 5000 {
					b[0]++
				}
				if fault == "all that is unread" {
					waits := bytes.Clone(b[:n])
					keep(len(waits))
					go func() { _, _ = c.Write(waits) }()
				} else if _, err := c.Write(b[:n]); err != nil {
					places.Add(-1)
					return
				}
			}
		}()
	}
}

// attempt tries a check on a server of its own.
func attempt(t *testing.T, fault, clause string, findings *session.Findings) session.Attempt {
	t.Helper()
	on := target.Target{File: target.File{Name: "test", Dialect: "echo", Class: spec.Reactor, Start: []string{os.Args[0]}, Env: map[string]string{"ECHO_WITH": fault}}}
	instance, err := on.Launch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Stop()
	d, err := dialect.Lookup("echo")
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range All() {
		if check.Clause == clause {
			known, _ := spec.Lookup(clause)
			return check.Attempt(context.WithoutCancel(t.Context()), session.Setup{Target: instance, Info: on.File, Dialect: d, Clause: known, Seed: 1,
				Budget: session.DefaultBudget, Findings: findings})
		}
	}
	t.Fatalf("there is no check of %s", clause)
	return session.Attempt{}
}

// TestOneRunOfConnectionsServesSeveralClauses: whoever comes second opens none.
func TestOneRunOfConnectionsServesSeveralClauses(t *testing.T) {
	if testing.Short() {
		t.Skip("opens thousands of connections; left out by -short")
	}
	findings := new(session.Findings)
	const few = 4 * 4 // events of the connections that show that they are descriptors
	for i, clause := range []string{"RES-3", "RES-1", "RES-2", "RES-7", "RES-8", "RES-10"} {
		began := time.Now()
		a := attempt(t, "nothing", clause, findings)
		if a.Failure != nil || a.Untested+a.Inconclusive+a.HarnessError != "" {
			t.Fatalf("%s: %+v, %+v", clause, a.Failure, a)
		}
		t.Logf("%s: %v\n%s", clause, time.Since(began), strings.Join(a.Notes, "\n"))
		if sent := len(a.Events); i > 0 && sent > few {
			t.Errorf("%s: it had connections of its own: %d events", clause, sent)
		}
	}
}

func TestWhatIsKept(t *testing.T) {
	if testing.Short() {
		t.Skip("opens thousands of connections; left out by -short")
	}
	for _, c := range []struct{ fault, clause, reason string }{
		{"wrong from the 5,000th on", "RES-10", "not the one to this request"},
		{"the place of each reset", "RES-10", "instead of sending the reply"},
		{"all that is unread", "FLOW-11", "memory grew"},
		{"nothing", "FLOW-11", ""},
		{"nothing", "RES-9", ""},
	} {
		t.Run(c.fault+" "+c.clause, func(t *testing.T) {
			a := attempt(t, c.fault, c.clause, nil)
			t.Logf("%v\n%s", a.Took, strings.Join(a.Notes, "\n"))
			switch {
			case a.Untested+a.Inconclusive+a.HarnessError != "":
				t.Errorf("%+v", a)
			case c.reason == "" && a.Failure != nil:
				t.Errorf("%+v", a.Failure)
			case c.reason != "" && (a.Failure == nil || !strings.Contains(a.Failure.Reason, c.reason)):
				t.Errorf("%+v, want a failure that says %q", a.Failure, c.reason)
			}
		})
	}
}
