package reference

import (
	"bytes"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// What is appended comes out in order, whatever is gathered and taken at a time,
// and the memory goes back to the pool.
func TestOutBuffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b outBuffer
		var pool chunkPool
		var v poll.Vector
		var model []byte
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				p := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(0, 3*chunkSize).Draw(t, "n"))
				b.append(p, &pool)
				model = append(model, p...)
			},
			"take": func(t *rapid.T) {
				budget := rapid.OneOf(rapid.IntRange(1, 8*chunkSize), rapid.SampledFrom([]int{chunkSize, 2 * chunkSize})).Draw(t, "budget")
				b.gather(&v, budget)
				got := pieces(&v)
				if all := v.Pieces(); len(all) > 0 && len(got)-len(all[len(all)-1]) >= budget {
					t.Fatalf("gathered %d pieces of %d bytes, of which the last is beyond a budget of %d", len(all), len(got), budget)
				}
				if len(got) < min(budget, len(model)) || len(got) > budget+chunkSize || !bytes.Equal(got, model[:len(got)]) {
					t.Fatalf("gathered %d bytes of %d for a budget of %d", len(got), len(model), budget)
				}
				n := rapid.IntRange(0, len(got)).Draw(t, "taken")
				b.discard(n, &pool)
				model = model[n:]
			},
			"": func(t *rapid.T) {
				if b.size != len(model) || (b.head == nil) != (len(model) == 0) || (b.tail == nil) != (b.head == nil) {
					t.Fatalf("size %d, head %p, tail %p; want %d bytes", b.size, b.head, b.tail, len(model))
				}
				if pool.n > maxSpareChunks {
					t.Fatalf("%d spare chunks", pool.n)
				}
			},
		})
		b.release(&pool)
		if b.size != 0 || b.head != nil {
			t.Fatal("release left something")
		}
	})
}

// One writev takes IOV_MAX pieces and no more: the vector says when it is full.
func TestGatherStopsAtIOVMax(t *testing.T) {
	var b outBuffer
	var pool chunkPool
	b.append(make([]byte, (poll.IOVMax+10)*chunkSize), &pool)
	v := new(poll.Vector)
	b.gather(v, 1<<40)
	if n := len(v.Pieces()); n != poll.IOVMax {
		t.Errorf("%d pieces, want %d", n, poll.IOVMax)
	}
}

// A pool keeps so much for later and no more, and gives it out again.
func TestChunkPoolKeepsSome(t *testing.T) {
	var b outBuffer
	var pool chunkPool
	for range 2 {
		b.append(make([]byte, 2*maxSpareChunks*chunkSize), &pool)
		if pool.n != 0 || pool.free != nil {
			t.Errorf("%d chunks are spare while more are needed", pool.n)
		}
		b.release(&pool)
		kept := 0
		for c := pool.free; c != nil; c = c.next {
			kept++
		}
		if kept != maxSpareChunks || pool.n != kept {
			t.Errorf("%d chunks are kept and %d counted, want %d", kept, pool.n, maxSpareChunks)
		}
	}
}

// A connection itself is small; what it needs beyond is there while it is needed.
func TestConnSize(t *testing.T) {
	if size := unsafe.Sizeof(Conn{}); size > 256 {
		t.Errorf("a Conn is %d bytes, want at most 256", size)
	}
}
