package reference

import (
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// A source whose client takes everything at once leaves the loop to the others
// after its share of each turn, and sends all in the end.
func TestSourceTakesTurns(t *testing.T) {
	const turns = 8
	s, err := New(Options{Class: Reactor, Log: quiet(), Handler: func(*Conn) Handler { return &source{left: turns * sourceTurn} }})
	if err != nil {
		t.Fatal(err)
	}
	r, err := newReactor(s, LoopOptions{Log: quiet(), poller: &stillPoller{interest: map[int]poll.Events{}}, clock: &handClock{at: time.Hour}, Waker: new(scriptWaker)})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[1])
	taken := 0
	r.output = func(p []byte) (n, _ uintptr, errno syscall.Errno) { // a kernel that has room for everything
		taken += len(p)
		return uintptr(len(p)), 0, 0
	}
	s.counts.open.Add(1)
	r.open.Add(1)
	most := sourceTurn + len(sourcePattern) // the last piece may go beyond
	for turn := func() { r.adopt(pair[0]) }; taken < turns*sourceTurn; turn = func() { r.handleIO(nil) } {
		before := taken
		turn()
		if share := taken - before; share == 0 || share > most {
			t.Fatalf("a turn sent %d bytes, want some and at most %d", share, most)
		}
	}
	if taken != turns*sourceTurn {
		t.Errorf("sent %d bytes, want %d", taken, turns*sourceTurn)
	}
	if err := syscall.Shutdown(pair[1], syscall.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	for i := range r.conns.length {
		c := *r.conns.at(i)
		r.handleIO([]poll.Event{{Token: uint64(c.slot), Events: poll.Readable}})
	}
	if r.conns.length > 0 {
		t.Error("the connection is not closed at the end")
	}
}
