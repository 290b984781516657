package reference

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// A stop's deadline is more than 0 and up to the longest time.
func TestRangeOfStopDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for deadline, fits := range map[time.Duration]bool{
		-1: false, 0: false, 1: true, time.Hour: true, maxTime: true, maxTime + 1: false,
	} {
		err := serve(ctx, io.Discard, Options{Log: quiet()}, "tcp", "127.0.0.1:0", deadline)
		if bad := new(OptionError); errors.As(err, &bad) == fits {
			t.Errorf("a deadline of %v: %v; want it accepted: %t", deadline, err, fits)
		}
	}
}

// Nothing is told of a server that ends in order, even if nobody takes its address; an
// address that cannot be written is told of.
func TestServeTellsWhatFails(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	closed, full := outFile(t, os.DevNull), outFile(t, "/dev/full")
	closed.Close()
	for name, x := range map[string]struct {
		out   io.Writer
		tells bool
	}{
		"a writer": {new(bytes.Buffer), false}, "closed output": {closed, false}, "full output": {full, true},
	} {
		var log strings.Builder
		if err := serve(ctx, x.out, Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, "tcp", "127.0.0.1:0", within); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if told := strings.Contains(log.String(), "telling the address failed"); told != x.tells {
			t.Errorf("%s: told of is %t\n%s", name, told, log.String())
		}
		if strings.Contains(log.String(), "did not end") {
			t.Errorf("%s: a stop in order is told of as\n%s", name, log.String())
		}
	}
}

func outFile(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// The port of the environment is the default, and 7000 without one.
func TestDefaultPort(t *testing.T) {
	for port, want := range map[string]string{"": "127.0.0.1:7000", "1234": "127.0.0.1:1234"} {
		t.Setenv("PORT", port)
		fs := flag.NewFlagSet("serve", flag.ContinueOnError)
		Command(fs)
		if got := fs.Lookup("listen").DefValue; got != want {
			t.Errorf("PORT is %q: --listen is %q, want %q", port, got, want)
		}
	}
}

// An address with a slash, or of the abstract space, is a Unix socket's.
func TestNetworkOfAddress(t *testing.T) {
	for address, want := range map[string]string{
		"/run/s": "unix", "./s": "unix", "@s": "unix", "@run/s": "unix", "127.0.0.1:0": "tcp", "[::1]:80": "tcp", ":80": "tcp", "s": "tcp",
	} {
		if got := networkOf(address); got != want {
			t.Errorf("%s is taken for %s, want %s", address, got, want)
		}
	}
}

func TestCommand(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, w, Options{Log: quiet()}, "tcp", "127.0.0.1:0", time.Second)
		w.Close()
	}()
	var line [64]byte
	n, err := r.Read(line[:])
	if err != nil {
		t.Fatal(err)
	}
	addr, found := strings.CutPrefix(string(bytes.TrimSuffix(line[:n], []byte("\n"))), "listening on ")
	if !found {
		t.Fatalf("it printed %q", line[:n])
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := await(t, "the end of serve", ended); err != nil {
		t.Errorf("serve: %v", err)
	}
}
