package reference

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// Requests that come together are answered with few writes: one as soon as enough is
// gathered, and one for the rest.
func TestRepliesAreGathered(t *testing.T) {
	var writes []int
	r := newByHand(t, false, Options{})
	r.output = func(p []byte) (n, _ uintptr, errno syscall.Errno) {
		writes = append(writes, len(p))
		return uintptr(len(p)), 0, 0
	}
	c, peer := r.connect()
	send := func(text []byte) {
		if n, err := syscall.Write(peer, text); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
		writes = nil
		r.event(c, poll.Readable)
	}
	send([]byte("PROBE\n"))
	const size = 1024 // of a reply
	around := len(probe.AppendReply(nil, probe.Reply{ID: 1, Status: probe.OK, Fields: []byte("p")})) - 1
	ping := probe.Request{ID: 1, Verb: "PING", Args: []byte(strings.Repeat("p", size-around))}
	for n, want := range map[int][]int{
		1:                     {size},
		3:                     {3 * size},
		maxReplies/size - 1:   {maxReplies - size},
		maxReplies / size:     {maxReplies},
		maxReplies/size + 5:   {maxReplies, 5 * size},
		2*maxReplies/size - 4: {maxReplies, maxReplies - 4*size},
	} {
		var requests []byte
		for range n {
			requests = probe.AppendRequest(requests, ping)
		}
		if len(requests) > readBufferSize {
			t.Fatalf("%d requests do not come together", n)
		}
		send(requests)
		if !slices.Equal(writes, want) {
			t.Errorf("%d replies of %d bytes are written in pieces of %v, want %v", n, size, writes, want)
		}
	}
}
