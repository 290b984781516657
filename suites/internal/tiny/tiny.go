// Package tiny holds small servers, good and bad, for the tests of the engine and of
// the doors: a test binary becomes one of them if the environment says so.
package tiny

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Variable makes a test binary a tiny server instead of running tests; its value
// says which.
const Variable = "REACTORSPEC_TEST_SERVER"

// Served reports, at the start of a test binary's TestMain, that the environment made
// it a server, which has ended by then.
func Served() bool {
	mode := os.Getenv(Variable)
	if mode != "" {
		serve(mode)
	}
	return mode != ""
}

// Target is a target that starts this binary as that server.
func Target(t *testing.T, mode string) target.Target {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return target.Target{File: target.File{
		Name: mode, Dialect: "probe", Class: "thread-per-connection",
		Start:        target.Command{self, "{port}"},
		Env:          map[string]string{Variable: mode},
		ReadyTimeout: target.Duration(3 * time.Second),
	}}
}

// Garbling is a target file, with a space in its name, of a server that breaks CONN-1.
func Garbling(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "garbles it.yaml")
	text := fmt.Sprintf("name: garbles\ndialect: probe\nclass: thread-per-connection\nstart: [%q, '{port}']\nenv: {%s: garbles}\n", self, Variable)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// serve is the main of the tiny servers. They speak as much of the probe
// dialect as the engine needs.
func serve(mode string) {
	switch mode {
	case "absent":
		select {}
	case "exits":
		fmt.Fprintln(os.Stderr, "no \x1b[31mconfiguration\x1b[0m <here>")
		os.Exit(4)
	case "unsupported":
		os.Exit(127)
	case "daemon":
		child := exec.Command(os.Args[0], os.Args[1:]...)
		child.Env = append(os.Environ(), Variable+"=good", "REACTORSPEC_NONCE=-")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := child.Start(); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var number atomic.Uint64
	for {
		conn, err := listener.Accept()
		if err != nil {
			os.Exit(1)
		}
		go (&tiny{mode: mode, conn: conn, number: number.Add(1)}).run()
	}
}

// tiny is one connection of a tiny server.
type tiny struct {
	mode   string
	conn   net.Conn
	number uint64
	in     *bufio.Reader
}

// DiesAt is the connection at which the mode "mortal" ends the process; the
// first few belong to the start, the greeting, and the sanity exchanges.
const DiesAt = 9

func (c *tiny) run() {
	defer c.conn.Close()
	c.in = bufio.NewReader(c.conn)
	switch c.mode {
	case "slams":
		return
	case "plain": // RFC 862
		_, _ = io.Copy(c.conn, c.conn)
		return
	case "silent":
		_, _ = io.Copy(io.Discard, c.conn)
		return
	case "garbage":
		_, _ = io.WriteString(c.conn, "HTTP/1.1 400 Bad Request\x1b[2J\r\n\r\n")
		_, _ = io.Copy(io.Discard, c.conn)
		return
	case "floods":
		junk := bytes.Repeat([]byte("flood "), 4096)
		for {
			if _, err := c.conn.Write(junk); err != nil {
				return
			}
		}
	case "mortal":
		if c.number >= DiesAt {
			fmt.Fprintln(os.Stderr, "panic: it was the ninth")
			os.Exit(2)
		}
	}
	line, err := c.in.ReadString('\n')
	if err != nil {
		return
	}
	switch strings.TrimSpace(line) {
	case "ECHO":
		fmt.Fprintf(c.conn, "OK %d\n", c.number)
		c.echo()
	case "PROBE":
		fmt.Fprintf(c.conn, "OK %d\n", c.number)
		c.probe()
	}
}

func (c *tiny) echo() {
	switch c.mode {
	case "other": // correct bytes, but for another request
		before := []byte("0123456789abcdef")
		for {
			b := make([]byte, len(before))
			if _, err := io.ReadFull(c.in, b); err != nil {
				return
			}
			_, _ = c.conn.Write(before)
			before = b
		}
	case "garbles": // from the 17th byte on
		_, _ = io.CopyN(c.conn, c.in, 16)
		for {
			b := make([]byte, 4096)
			n, err := c.in.Read(b)
			if err != nil {
				return
			}
			for i := range n {
				b[i] ^= 0x20
			}
			_, _ = c.conn.Write(b[:n])
		}
	}
	_, _ = io.Copy(c.conn, c.in)
}

func (c *tiny) probe() {
	var buffer []byte
	for {
		body, n, err := probe.TakeFrame(buffer)
		if err != nil {
			return
		}
		if n == 0 {
			piece := make([]byte, 4096)
			got, err := c.in.Read(piece)
			if err != nil {
				return
			}
			buffer = append(buffer, piece[:got]...)
			continue
		}
		request, err := probe.ParseRequest(body)
		if err != nil {
			return
		}
		reply := probe.Reply{ID: request.ID, Status: probe.Unsupported}
		switch {
		case request.Verb == "HELLO":
			nonce := os.Getenv("REACTORSPEC_NONCE")
			if c.mode == "impostor" {
				nonce = "SOMEBODYELSE"
			}
			reply.Status = probe.OK
			reply.Fields = fmt.Appendf(nil, "class=thread-per-connection loops=0 features=where,stats limit=0 wakeup=none poller=none nonce=%s", nonce)
		case request.Verb == "PING":
			reply.Status, reply.Fields = probe.OK, request.Args
		case c.mode == "yes-man":
			reply.Status = probe.OK
		}
		if _, err := c.conn.Write(probe.AppendReply(nil, reply)); err != nil {
			return
		}
		buffer = append([]byte(nil), buffer[n:]...)
	}
}
