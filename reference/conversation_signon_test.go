package reference

import (
	"slices"
	"syscall"
	"testing"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// Whoever says more behind the sign-on is answered in one piece, whoever waits at once, and
// what the kernel does not take follows in order.
func TestAnswerToTheSignOn(t *testing.T) {
	for _, x := range []struct {
		name, said string
		took       []int // by each write; the rest of them take everything
		want       []string
	}{
		{"and nothing else", "ECHO\n", nil, []string{"OK 1\n"}},
		{"and more", "ECHO\nabc", nil, []string{"OK 1\nabc"}},
		{"and more, to nobody", "SINK\nabc", nil, []string{"OK 1\n"}},
		{"and a part of a request", "PROBE\n\x00", nil, []string{"OK 1\n"}},
		{"and the kernel has no room", "ECHO\nabc", []int{0, 3}, []string{"", "OK ", "1\nabc"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			b := newByHand(t, false, Options{})
			c, peer := b.connect()
			var wrote []string
			b.output = func(p []byte) (n, _ uintptr, errno syscall.Errno) {
				if i := len(wrote); i < len(x.took) {
					p = p[:x.took[i]]
				}
				if wrote = append(wrote, string(p)); len(p) == 0 {
					return 0, 0, syscall.EAGAIN
				}
				return uintptr(len(p)), 0, 0
			}
			if _, err := syscall.Write(peer, []byte(x.said)); err != nil {
				t.Fatal(err)
			}
			b.event(c, poll.Readable)
			for range len(x.want) {
				if c.Pending() > 0 {
					b.event(c, poll.Writable)
				}
			}
			if !slices.Equal(wrote, x.want) {
				t.Errorf("to %q it wrote %q, want %q", x.said, wrote, x.want)
			}
		})
	}
}
