package reference

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
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

// TestBalanceAgainstModel: connections come and go in any order. Round-robin
// gives each loop its turn; least-connections never takes a loop that has more than another;
// a client's address decides alone.
func TestBalanceAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "loops")
		given := map[string][]int64{}
		open := map[string][]int64{}
		balancers := map[string]balancer{}
		for _, name := range Balances {
			given[name], open[name] = make([]int64, n), make([]int64, n)
			balancers[name] = newBalancer(name, n, func(i int) int64 { return open[name][i] })
		}
		homes := map[netip.Addr]int{}
		t.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) {
				from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, rapid.Byte().Draw(t, "address")}), rapid.Uint16().Draw(t, "port"))
				for _, name := range Balances {
					i := balancers[name](from)
					if i < 0 || i >= n {
						t.Fatalf("%s picks loop %d of %d", name, i, n)
					}
					if name == LeastConnections {
						for other, have := range open[name] {
							if have < open[name][i] {
								t.Fatalf("loop %d with %d connections gets one, loop %d has %d", i, open[name][i], other, have)
							}
						}
					}
					if home, known := homes[from.Addr()]; name == SourceHash && known && home != i {
						t.Fatalf("%v is served by loop %d and by loop %d", from.Addr(), home, i)
					} else if name == SourceHash {
						homes[from.Addr()] = i
					}
					given[name][i]++
					open[name][i]++
				}
			},
			"close": func(t *rapid.T) {
				i := rapid.IntRange(0, n-1).Draw(t, "loop")
				for _, name := range Balances {
					open[name][i] = max(0, open[name][i]-1)
				}
			},
			"": func(t *rapid.T) {
				least, most := given[RoundRobin][0], given[RoundRobin][0]
				for _, have := range given[RoundRobin] {
					least, most = min(least, have), max(most, have)
				}
				if most-least > 1 {
					t.Fatalf("round-robin gave %s", fmt.Sprint(given[RoundRobin]))
				}
			},
		})
	})
}
