package suites_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
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
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "\x00\x04nope and more than was asked for")
			go func() { _, _ = io.Copy(io.Discard, conn); conn.Close() }()
		}
	}()
	run, err := suites.Check(t.Context(), target.Target{Addr: "tcp://" + listener.Addr().String()}, suites.Speaking(mine))
	if err == nil || run.Problem == nil || run.Problem.Kind != report.Start || run.Verdict.Exit != report.ExitNotConformant {
		t.Errorf("%v, %+v, %+v", err, run.Problem, run.Verdict)
	}
}
