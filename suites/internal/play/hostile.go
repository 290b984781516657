package play

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/suites/transcript"
)

// aliens are the first words of other protocols.
var aliens = []string{
	"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff0\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
	"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
	"*3\r\n$3\r\nSET\r\n$-1\r\n",
	"*2147483647\r\n",
	"EHLO x\r\n",
	"SSH-2.0-x\r\n",
	"\x00\x00\x00\x08\x04\xd2\x16\x2f",
	"\xff\xff\xff\xff\x7f\xff\xff\xff",
	"\r\n\r\n\r\n\r\n",
	"PROBE\n\x00\x00\x00\x00",
}

// lies are what a number becomes.
var lies = []uint64{0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 40}

// spoil damages what is made. Whatever was due to the connection is no more: a
// server may take what follows for the end of it all.
func (c *link) spoil(way string, n int) {
	if c.silent() {
		return
	}
	c.spoilt, c.due = true, nil
	at := 0
	if len(c.made) > 0 {
		at = n % len(c.made)
	}
	switch way {
	case transcript.Alien:
		c.made = append(c.made, aliens[n%len(aliens)]...)
	case transcript.Noise:
		c.made = append(c.made, c.p.t.Payload(c.number, 1<<20+c.asked, n)...)
		c.asked++
	case transcript.Flip:
		if len(c.made) > 0 {
			c.made[n/8%len(c.made)] ^= 1 << (n % 8)
		}
	case transcript.Cut:
		c.made = c.made[:at]
	case transcript.Repeat:
		c.made = append(c.made, slices.Clone(c.made[at:min(len(c.made), at+mostSpoilt)])...)
	case transcript.Lie:
		c.made = lie(c.made, at, lies[n%len(lies)])
	}
}

// lie puts another number where the first digits stand from byte at on, or, where there
// are none, over the four bytes there.
func lie(b []byte, at int, number uint64) []byte {
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	if from := slices.IndexFunc(b[at:], digit); from >= 0 && from < 64 {
		from += at
		to := from
		for to < len(b) && digit(b[to]) {
			to++
		}
		return slices.Concat(b[:from], decimal(number), b[to:])
	}
	if at+4 <= len(b) {
		binary.BigEndian.PutUint32(b[at:], uint32(number))
	}
	return b
}

func decimal(n uint64) []byte {
	var digits []byte
	for {
		digits = append([]byte{byte('0' + n%10)}, digits...)
		if n /= 10; n == 0 {
			return digits
		}
	}
}

const (
	// drainTime is how long a spoilt connection listens: nothing is due to it, so
	// it waits for nothing but to let the server go on.
	drainTime = 2 * time.Millisecond
	// mostDrained bounds what it takes at a time, in bytes.
	mostDrained = 1 << 20
)

// drain reads what has come on a spoilt connection, whatever it is.
func (c *link) drain() {
	if c.gone {
		return
	}
	c.out.stuck = false
	socket, head, got := c.conn.Raw(), "", 0
	b := make([]byte, 16<<10)
	for got < mostDrained {
		_ = socket.SetReadDeadline(time.Now().Add(drainTime))
		n, err := socket.Read(b)
		if head == "" {
			head = outline(b[:n])
		}
		if got += n; err == nil {
			continue
		}
		end := "open"
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			c.gone, end = true, "closed"
			if !errors.Is(err, io.EOF) {
				end = "failed"
			}
		}
		c.saw("heard", end+head, got, 0)
		return
	}
}

// outline is what stands at the beginning of an answer, without what changes from one
// to the next: digits, and bytes that are no text.
func outline(b []byte) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '0'
		case r < ' ' || r > '~':
			return '.'
		}
		return r
	}, string(b[:min(len(b), 12)]))
}

// neighbour opens a connection that does no harm, where the transcript has some that
// do and the server has room for it.
func (p *player) neighbour() {
	if p.t.Hostile() && !p.rules.serial && (!p.s.Declared() || p.s.Room(p.t.Together()+1) > p.t.Together()) {
		p.beside = p.s.Open()
		p.asBefore()
	}
}

// asBefore has the neighbour served once more.
func (p *player) asBefore() {
	if p.beside == nil {
		return
	}
	told := p.s.Trial(func() {
		p.beside = p.beside.Next()
		p.beside.Exchange(p.s.Payload(64))
	})
	if told != nil {
		told.Reason = "a neighbour that did no harm is wronged: " + told.Reason
		p.s.Fail(told)
	}
}
