package suites_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// framed is a dialect of somebody's own: a payload behind two bytes of length,
// answered by the same. Its traits promise CONN-1, 2, 3, 14, 15 and 22.
type framed struct{ dialect.Traits }

func (framed) Name() string            { return "framed" }
func (framed) Opening() []dialect.Step { return nil }

func (framed) Request(payload []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(payload))), payload...)
}

func (d framed) ReadReply(r *bufio.Reader, payload []byte) (dialect.Reply, error) {
	got := make([]byte, 2+len(payload))
	if _, err := io.ReadFull(r, got); err != nil {
		return dialect.Reply{}, fmt.Errorf("framed: %w", err)
	}
	if want := d.Request(payload); !bytes.Equal(got, want) {
		return dialect.Reply{}, &dialect.ReplyError{Dialect: "framed", Want: fmt.Sprintf("%.40q", want), Got: fmt.Sprintf("%.40q", got)}
	}
	return dialect.Reply{Payload: got[2:]}, nil
}

var mine = framed{dialect.Traits{Min: 1, Max: 1<<16 - 1, Pipelined: true}}

// serveEcho gives every byte back, until the listener is closed.
func serveEcho(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		}()
	}
}

// A server is judged in a dialect of its author's own. In a test of it,
// suites.Verify(t, server, suites.Speaking(mine)) does the same.
func ExampleSpeaking() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	go serveEcho(listener)

	server := target.Target{Addr: "tcp://" + listener.Addr().String()}
	run, err := suites.Check(context.Background(), server, suites.Speaking(mine), suites.Clauses("CONN-1", "CONN-3", "CONN-6"))
	if err != nil {
		panic(err)
	}
	for _, result := range run.Results {
		fmt.Println(result.Clause, result.Outcome)
	}
	// Output:
	// CONN-1 pass
	// CONN-3 pass
	// CONN-6 unsupported
}

func TestSpeakingInVerify(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go serveEcho(listener)
	server := target.Target{Addr: "tcp://" + listener.Addr().String()}
	suites.Verify(t, server, suites.Speaking(mine), suites.Clauses("CONN-2", "ACC-1"))
}

// A wrong reply is told in words.
func TestSpeakingTells(t *testing.T) {
	addr := greeter(t, "\x00\x04nope and more than was asked for")
	run, err := suites.Check(t.Context(), target.Target{Addr: addr}, suites.Speaking(mine))
	if err == nil || run.Problem == nil || run.Problem.Kind != report.Start || run.Verdict.Exit != report.ExitNotConformant {
		t.Errorf("%v, %+v, %+v", err, run.Problem, run.Verdict)
	}
}

// credulous takes whatever has the length of its reply.
type credulous struct{ framed }

func (credulous) ReadReply(r *bufio.Reader, payload []byte) (dialect.Reply, error) {
	_, err := r.Discard(2 + len(payload))
	return dialect.Reply{Payload: payload}, err
}

// careless compares all of the reply but what was asked.
type careless struct{ framed }

func (careless) ReadReply(r *bufio.Reader, payload []byte) (dialect.Reply, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return dialect.Reply{}, err
	}
	if int(binary.BigEndian.Uint16(head)) != len(payload) {
		return dialect.Reply{}, &dialect.ReplyError{Dialect: "framed", Want: "the length", Got: "another"}
	}
	_, err := r.Discard(len(payload))
	return dialect.Reply{Payload: payload}, err
}

// A dialect of somebody's own that takes everything for a good reply is told of.
func TestSpeakingTakesEverything(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go serveEcho(listener)
	for name, c := range map[string]struct {
		d    dialect.Dialect
		note string
	}{
		"credulous": {credulous{mine}, "of which each byte was changed"},
		"careless":  {careless{mine}, "the reply to another request"},
		"careful":   {mine, ""},
	} {
		t.Run(name, func(t *testing.T) {
			run, err := suites.Check(t.Context(), target.Target{Addr: "tcp://" + listener.Addr().String()}, suites.Speaking(c.d), suites.Clauses("ACC-1"))
			if err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(run.Notes, "\n")
			if strings.Contains(notes, "ReadReply") != (c.note != "") || !strings.Contains(notes, c.note) {
				t.Errorf("want a note with %q:\n%s", c.note, notes)
			}
		})
	}
}

// Where the server begins, the dialect's Opening has to: the hint speaks of Go.
func TestSpeakingFirst(t *testing.T) {
	addr := serving(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "hello\n")
		_, _ = io.Copy(conn, conn)
	})
	server := target.Target{Addr: addr}
	run, err := suites.Check(t.Context(), server, suites.Speaking(mine), suites.Clauses("ACC-1"))
	if err == nil || run.Problem == nil || !strings.Contains(run.Problem.Message, "begin the dialect's Opening with a dialect.Step that has Read") || strings.Contains(run.Problem.Message, "dialect file") {
		t.Errorf("%v, %+v", err, run.Problem)
	}
	run, err = suites.Check(t.Context(), server, suites.Speaking(greeted{mine}), suites.Clauses("CONN-1"))
	if err != nil || run.Verdict.Exit != report.ExitConformant {
		t.Errorf("with that step: %v, %+v, %+v", err, run.Problem, run.Results)
	}
}

type greeted struct{ framed }

func (greeted) Opening() []dialect.Step {
	return []dialect.Step{{Read: func(r *bufio.Reader) error {
		_, err := r.ReadString('\n')
		return err
	}}}
}

func TestSpeakingNil(t *testing.T) {
	server := target.Target{Addr: "tcp://127.0.0.1:1"}
	for name, d := range map[string]dialect.Dialect{"nil": nil, "nil pointer": (*dialect.Described)(nil)} {
		t.Run(name, func(t *testing.T) {
			run, err := suites.Check(t.Context(), server, suites.Speaking(d))
			if err == nil || !strings.Contains(err.Error(), "suites.Speaking(nil): give it a dialect.Dialect") || run.Verdict.Exit != report.ExitUsage {
				t.Errorf("%v, exit %d", err, run.Verdict.Exit)
			}
		})
	}
}
