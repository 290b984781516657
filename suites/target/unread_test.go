package target

import (
	"context"
	"testing"
	"time"
)

// becomes waits until cond holds.
func becomes(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !cond() {
		if pause(ctx, time.Millisecond); ctx.Err() != nil {
			t.Fatalf("%s: not within ten seconds", what)
		}
	}
}

// TestOutputIsHeld has a target print without end, and leaves that unread for a while.
func TestOutputIsHeld(t *testing.T) {
	i := launch(t, actFile("flood"))
	before := i.PrintedBytes()
	becomes(t, "it prints", func() bool { return i.PrintedBytes() > before })
	room, err := i.HoldOutput()
	if err != nil {
		t.Fatal(err)
	}
	becomes(t, "a pipe fills", func() bool { return 2*i.Unread() > room })
	held := i.PrintedBytes()
	echoes(t, i)
	if now := i.PrintedBytes(); now != held {
		t.Errorf("%d bytes were read meanwhile", now-held)
	}
	i.ReadOn()
	becomes(t, "it is read again", func() bool { return i.PrintedBytes() > held })
	if _, err := i.HoldOutput(); err != nil {
		t.Fatal(err)
	}
	i.Stop() // does not wait for anybody to read
}
