package reference

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A handler that blocks holds neither the stop beyond its deadline nor the address.
func TestStopBesideBlockedHandler(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		for _, class := range Classes {
			t.Run(network+" "+class, func(t *testing.T) {
				t.Parallel()
				stopBesideBlockedHandler(t, network, class)
			})
		}
	}
}

func stopBesideBlockedHandler(t *testing.T, network, class string) {
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	blocked, release := make(chan struct{}), make(chan struct{})
	s := startOn(t, network, address, Options{Class: class}.with(&scripted{data: func(_ *Conn, data []byte) int {
		close(blocked)
		<-release
		return len(data)
	}}))
	t.Cleanup(func() { // comes before that of startOn, which looks whether all connections are gone
		close(release)
		eventually(t, "the connection to be gone", func() bool { return s.Stats().Open == 0 })
		if network == "unix" && !lives(address) {
			t.Error("the stopped server removed its successor's file")
		}
	})
	s.dial().send("x")
	await(t, "the handler to block", blocked)

	const deadline = 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	stopped := make(chan error, 1)
	began := time.Now()
	go func() { stopped <- s.Stop(ctx) }()
	if err := await(t, "Stop", stopped); err == nil {
		t.Error("Stop does not tell of the handler that did not end")
	}
	if took := time.Since(began); took > deadline+cutTime+within/4 {
		t.Errorf("Stop took %v with a deadline of %v", took, deadline)
	}
	if conn, err := net.Dial(network, s.addr.String()); err == nil {
		conn.Close()
		t.Error("the stopped server still takes connections")
	}
	if network == "unix" && lives(address) {
		t.Error("the socket file is still there")
	}
	if network == "unix" { // a successor's, which must stay when the handler goes on
		if err := os.WriteFile(address, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The descriptor of the listener goes with its thread, although a connection's is blocked.
func TestStopClosesListenerBesideBlockedHandler(t *testing.T) {
	for _, class := range []string{ThreadPerConnection, MultiReactor} {
		t.Run(class, func(t *testing.T) {
			blocked, release := make(chan struct{}), make(chan struct{})
			s := start(t, Options{Class: class}.with(&scripted{data: func(_ *Conn, data []byte) int {
				close(blocked)
				<-release
				return len(data)
			}}))
			t.Cleanup(func() {
				close(release)
				eventually(t, "the connection to be gone", func() bool { return s.Stats().Open == 0 })
			})
			s.dial().send("x")
			await(t, "the handler to block", blocked)
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			_ = s.Stop(ctx)
			if s.listener != -1 {
				t.Error("the listener's descriptor is open after Stop")
			}
		})
	}
}

// A listener that a stop has shut down is closed by its thread, and not taken for one
// that is short of descriptors.
func TestShutListenerIsClosed(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		onEachLoop(t, func(t *testing.T, o Options) {
			s := startOn(t, network, anyAddress(t, network), o)
			s.shutListener()
			eventually(t, "the listener to be closed", func() bool {
				s.listening.Lock()
				defer s.listening.Unlock()
				return s.listener == -1
			})
			if n := s.Stats().AcceptErrors; n != 0 {
				t.Errorf("accepting paused %d times", n)
			}
		})
	}
}
