package play

import (
	"hash/fnv"
	"maps"
	"math/bits"
	"slices"
)

// signs tell what a server did from what it did at other times: replies, ends and
// whether it took what was sent, each with what was seen before it on the same
// connection, and with how much was on its way. Numbers count by their magnitude,
// so that a payload of another length is no news by itself.
type signs map[uint32]struct{}

// mostSigns bounds what one playing can bring.
const mostSigns = 4096

func (s signs) add(sign uint32) {
	if len(s) < mostSigns {
		s[sign] = struct{}{}
	}
}

func (s signs) list() []uint32 { return slices.Collect(maps.Keys(s)) }

// Sign makes a sign of words.
func Sign(words ...string) uint32 {
	h := fnv.New32a()
	for _, word := range words {
		_, _ = h.Write([]byte(word))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum32()
}

// saw notes what the server did on this connection: what and how in words, and two
// amounts that it depends on.
func (c *link) saw(what, how string, amount, waiting int) {
	size := [4]byte{byte(bits.Len(uint(amount))), byte(bits.Len(uint(waiting))), byte(min(len(c.p.conns), 3)), 'f'}
	if c.finned {
		size[3] = 'F'
	}
	now := Sign(what, how, string(size[:]))
	c.p.signs.add(now)
	c.p.signs.add(now ^ bits.RotateLeft32(c.last, 7))
	c.last = now
}
