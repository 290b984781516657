package reference

import (
	"bytes"
	"syscall"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// output takes bytes in the kernel's place, where a test says how many and with what
// error; it answers like a system call. Conn.Write and flush come past it: a
// comparison with nil, which the request's path does not feel.
type output func(p []byte) (n, _ uintptr, errno syscall.Errno)

// scripted writes p to the output. It copies p, which would else escape from the
// stack of everyone who calls Conn.Write.
func (r *reactor) scripted(p []byte) (int, syscall.Errno) {
	piece := bytes.Clone(p)
	return poll.Retried(func() (uintptr, uintptr, syscall.Errno) { return r.output(piece) })
}

// lead writes p in front of what its handler writes until it calls flush: on a loop p waits
// in memory, and the rest behind it. Without loops it is Write.
func (c *Conn) lead(p []byte) {
	if c.reactor == nil {
		_, _ = c.Write(p)
		return
	}
	c.out.append(p, &c.reactor.chunks)
}

// writev writes the vector to fd, or to the output.
func (r *reactor) writev(fd int) (int, syscall.Errno) {
	if r.output != nil {
		return r.scripted(bytes.Join(r.vector.Pieces(), nil))
	}
	return r.vector.Write(fd)
}
