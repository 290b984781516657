package reference

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// speaker writes drawn pieces as soon as its connection opens, and closes.
type speaker struct {
	pieces [][]byte
	closed chan error
}

func (s *speaker) OnOpen(c *Conn) {
	for _, p := range s.pieces {
		if n, err := c.Write(p); err != nil || n != len(p) {
			break // the peer is gone, which OnClose says
		}
	}
	c.Close()
}
func (s *speaker) OnData(_ *Conn, data []byte) int { return len(data) }
func (s *speaker) OnEnd(*Conn)                     {}
func (s *speaker) OnClose(_ *Conn, err error)      { s.closed <- err }

// TestPartialWrites: the kernel takes what it has room for, a few bytes or many,
// since the reader draws its own pieces; whatever it takes, all arrives in order,
// and OnClose comes once, also when the reader leaves in the middle.
func TestPartialWrites(t *testing.T) {
	sizes := rapid.SampledFrom([]int{0, 1, 7, 4096, chunkSize, chunkSize + 1, 65_537, 250_000, 700_000})
	for _, o := range []Options{{Class: Reactor}, {Class: Reactor, Poller: "epollet"}, {Class: MultiReactor, Poller: "poll"}, {Class: ThreadPerConnection}} {
		t.Run(o.name(), func(t *testing.T) {
			next := make(chan *speaker, 1)
			o.Handler = func(*Conn) Handler { return <-next }
			o.Log = quiet()
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			addr, err := s.Start("unix", filepath.Join(t.TempDir(), "s"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Stop(context.Background())
			rapid.Check(t, func(t *rapid.T) {
				handler := &speaker{closed: make(chan error, 2)}
				var want []byte
				for i, n := range rapid.SliceOfN(sizes, 0, 6).Draw(t, "pieces") {
					p := make([]byte, n)
					for k := range p {
						p[k] = byte(k*31 + i)
					}
					handler.pieces, want = append(handler.pieces, p), append(want, p...)
				}
				reads := rapid.SliceOfN(sizes, 1, 5).Draw(t, "reads")
				leave := rapid.IntRange(0, 5).Draw(t, "leaves at a fifth") // 5: it stays
				next <- handler
				c, err := net.Dial("unix", addr.String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(20 * time.Second))
				var got []byte
				for i := 0; leave == 5 || len(got) < len(want)*leave/5; i++ {
					b := make([]byte, 1+reads[i%len(reads)])
					n, err := c.Read(b)
					got = append(got, b[:n]...)
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatalf("after %d of %d bytes: %v", len(got), len(want), err)
					}
				}
				if !bytes.HasPrefix(want, got) || leave == 5 && len(got) != len(want) {
					t.Fatalf("got %d of %d bytes, in order: %v", len(got), len(want), bytes.HasPrefix(want, got))
				}
				c.Close()
				select {
				case err := <-handler.closed:
					if leave == 5 && err != nil {
						t.Fatalf("OnClose after an orderly end: %v", err)
					}
				case <-time.After(20 * time.Second):
					t.Fatal("OnClose never came")
				}
			})
			eventually(t, "no connection is counted as open", func() bool { return s.Stats().Open == 0 })
		})
	}
}
