package target

import (
	"context"
	"os"
	"testing"
	"time"
)

// A second instance at the address of the first ends of itself, and one at another address serves beside it.
func TestSecond(t *testing.T) {
	first := launch(t, actFile("echo"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	same, err := first.Second(first.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer same.Stop()
	if exit, err := same.Wait(ctx); err != nil || exit.Clean() {
		t.Errorf("at the same address: %v, %v; want another status than 0", exit, err)
	}
	if listens, _ := same.Listens(); listens {
		t.Error("the socket of the first instance counts as the second's")
	}
	at, err := first.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	other, err := first.Second(at)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	for {
		if listens, err := other.Listens(); err == nil && listens {
			break
		}
		if err := pause(ctx, pollEvery); err != nil {
			t.Fatal("the one at another address does not listen")
		}
	}
	other.Stop()
	echoes(t, first)
}

// The file of a unix socket stays where the start is to find it.
func TestRestartOver(t *testing.T) {
	f := actFile("echo")
	f.Start = Command{os.Args[0], "{socket}"}
	i := launch(t, f)
	path := i.Addr().String()
	if err := i.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("the file went with the server: %v", err)
	}
	if err := i.RestartOver(t.Context()); err == nil {
		t.Error("a server that removes nothing listens where a file is left")
	}
	if err := i.Restart(t.Context()); err != nil {
		t.Errorf("the file is still there behind Restart: %v", err)
	}
	echoes(t, i)
}

// A server that is started without its standard descriptors serves, and is what takes the signals.
func TestRestartBare(t *testing.T) {
	i := launch(t, actFile("echo"))
	if err := i.RestartBare(t.Context()); err != nil {
		t.Fatal(err)
	}
	echoes(t, i)
	if now := i.latest.Load(); now.main != now.root {
		t.Error("the shell is still there, and waits for the server")
	}
	if i.bare {
		t.Error("the next start is bare too")
	}
}
