package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// held are connections that are never closed.
var held sync.Map

// spun is the one connection that spins.
var spun atomic.Bool

// fewer reports whether it was called less than n times, by whatever process with this
// directory of temporary files.
func fewer(n int) bool {
	f, err := os.CreateTemp("", "called-*")
	if err != nil {
		return false
	}
	_ = f.Close()
	files, _ := filepath.Glob(filepath.Join(os.TempDir(), "called-*"))
	return len(files) < n
}

// serve is an echo server with a fault.
func serve(mode string) {
	address := "127.0.0.1:" + os.Getenv("PORT")
	switch mode {
	case "exits":
		fmt.Fprintln(os.Stderr, "cannot \x1b[31mopen\x1b[0m <config> & give up")
		os.Exit(5)
	case "absent":
		select {}
	case "daemon", "hidden daemon":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), serverVariable+"=good")
		if mode == "hidden daemon" { // it cleans its environment
			child.Env = append(child.Env, "REACTORSPEC_NONCE=-")
		}
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := child.Start(); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
	case "taken":
		address = os.Getenv(addressVariable)
	}
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		conn, err := listener.Accept()
		if errors.Is(err, syscall.EMFILE) {
			<-time.After(time.Millisecond) // until descriptors are free again
			continue
		}
		if err != nil {
			os.Exit(1)
		}
		go func() {
			switch mode {
			case "inherits": // leaves its connections to children that it may have
				if raw, err := conn.(*net.TCPConn).SyscallConn(); err == nil {
					_ = raw.Control(func(fd uintptr) { _, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_SETFD, 0) })
				}
				_, _ = io.Copy(conn, conn)
			case "slams":
			case "garbage":
				_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\x1b[2J\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn)
			case "floods":
				for _, err := conn.Write(bytes.Repeat([]byte("flood "), 4096)); err == nil; {
					_, err = conn.Write(bytes.Repeat([]byte("flood "), 4096))
				}
			case "other": // answers with the bytes before
				before := []byte("0123456789abcdef")
				for now := make([]byte, len(before)); ; before, now = now, before {
					if _, err := io.ReadFull(conn, now); err != nil {
						break
					}
					_, _ = conn.Write(before)
				}
			case "panics": // of the 5,000th byte of a connection: who greets it sends less
				if n, _ := io.CopyN(conn, conn, 5000); n == 5000 {
					panic("nobody is left to echo")
				}
			case "mortal": // dies of the first byte, but for the first few connections of all instances
				if !fewer(20) {
					if n, _ := io.CopyN(conn, conn, 1); n > 0 {
						os.Exit(9)
					}
				}
				_, _ = io.Copy(conn, conn)
			case "keeps": // the socket of whoever reset
				if _, err := io.Copy(conn, conn); err != nil {
					held.Store(conn, true)
					return
				}
			case "spins": // once a client has gone
				_, _ = io.Copy(conn, conn)
				for !spun.Swap(true) {
					for { //nolint:staticcheck // this server is to spin
					}
				}
			case "clings": // never closes what its client has closed
				_, _ = io.Copy(conn, conn)
				select {}
			case "cuts": // the connection behind its 100th byte
				_, _ = io.CopyN(conn, conn, 100)
			case "garbles": // from the 17th byte on
				_, _ = io.CopyN(conn, conn, 16)
				fmt.Fprintln(os.Stderr, "now it \x1b[2J garbles")
				b := make([]byte, 4096)
				for n, err := conn.Read(b); err == nil; n, err = conn.Read(b) {
					for i := range n {
						b[i] ^= 0x20
					}
					_, _ = conn.Write(b[:n])
				}
			default:
				_, _ = io.Copy(conn, conn)
			}
			_ = conn.Close()
		}()
	}
}
