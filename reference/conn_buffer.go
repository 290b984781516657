package reference

import "github.com/reactorspec/reactorspec/reference/internal/poll"

// chunkSize is the unit of buffered output, in bytes. Small enough that a
// connection that is a little behind costs little, large enough that a megabyte
// needs 128 of them.
const chunkSize = 8 << 10

// maxSpareChunks bounds what a loop keeps for later: 128 chunks are 1 MiB.
const maxSpareChunks = 128

// A chunk is one piece of a connection's waiting output: data[r:w].
type chunk struct {
	next *chunk
	r, w int
	data [chunkSize]byte
}

// chunkPool keeps spare chunks for the connections of one loop, whose thread owns it.
type chunkPool struct {
	free *chunk
	n    int
}

func (p *chunkPool) get() *chunk {
	c := p.free
	if c == nil {
		return new(chunk)
	}
	p.free, c.next = c.next, nil
	p.n--
	return c
}

// put takes a chunk back as soon as its last byte is out, and not when its connection
// ends: one that stays would keep some of each request (RES-9).
func (p *chunkPool) put(c *chunk) {
	if p.n >= maxSpareChunks {
		return
	}
	c.r, c.w, c.next = 0, 0, p.free
	p.free = c
	p.n++
}

// outBuffer holds, in order, the output of one connection that the kernel has
// not taken yet. The zero value is empty and owns no memory.
type outBuffer struct {
	head, tail *chunk
	size       int // bytes
}

// append copies p behind what is there. Chunks are filled up, so that small pieces that
// wait cost the memory that they take, not a chunk each (FLOW-3).
func (b *outBuffer) append(p []byte, pool *chunkPool) {
	b.size += len(p)
	for len(p) > 0 {
		if b.tail == nil || b.tail.w == chunkSize {
			c := pool.get()
			if b.tail == nil {
				b.head = c
			} else {
				b.tail.next = c
			}
			b.tail = c
		}
		n := copy(b.tail.data[b.tail.w:], p)
		b.tail.w += n
		p = p[n:]
	}
}

// gather fills v with the front of the buffer: at most budget bytes, rounded up
// to a chunk, and at most what one writev takes (IOV_MAX): with more it would fail, and
// thousands of small replies be lost (CONN-18).
func (b *outBuffer) gather(v *poll.Vector, budget int) {
	v.Reset()
	for c := b.head; c != nil && budget > 0; c = c.next {
		if !v.Add(c.data[c.r:c.w]) {
			return
		}
		budget -= c.w - c.r
	}
}

// discard drops the first n bytes, which the kernel took.
func (b *outBuffer) discard(n int, pool *chunkPool) {
	b.size -= n
	for n > 0 {
		c := b.head
		have := c.w - c.r
		if n < have {
			c.r += n
			return
		}
		n -= have
		b.head = c.next
		if b.head == nil {
			b.tail = nil
		}
		pool.put(c)
	}
}

// release drops everything.
func (b *outBuffer) release(pool *chunkPool) { b.discard(b.size, pool) }
