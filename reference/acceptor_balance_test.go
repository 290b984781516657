package reference

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestBalancers(t *testing.T) {
	from := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, byte(i >> 8), byte(i)}), uint16(1000+i))
	}
	t.Run(RoundRobin, func(t *testing.T) {
		b := newBalancer(RoundRobin, 3, nil)
		var got []int
		for i := range 7 {
			got = append(got, b(from(i)))
		}
		if want := []int{0, 1, 2, 0, 1, 2, 0}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
	t.Run(LeastConnections, func(t *testing.T) {
		open := []int64{2, 0, 1}
		b := newBalancer(LeastConnections, 3, func(i int) int64 { return open[i] })
		var got []int
		for i := range 6 {
			n := b(from(i))
			open[n]++
			got = append(got, n)
		}
		if want := []int{1, 1, 2, 0, 1, 2}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
	t.Run(SourceHash, func(t *testing.T) {
		b := newBalancer(SourceHash, 4, nil)
		count := make([]int, 4)
		for i := range 1000 {
			n := b(from(i))
			if again := b(netip.AddrPortFrom(from(i).Addr(), 9)); again != n {
				t.Fatalf("address %v went to loop %d and to %d", from(i).Addr(), n, again)
			}
			count[n]++
		}
		if slices.Min(count) < 150 {
			t.Errorf("1000 addresses fell on the loops %v", count)
		}
	})
}

// Connections are spread as the option says, seen by WHERE.
func TestConnectionsAreSpread(t *testing.T) {
	for balance, want := range map[string]map[string]int{
		RoundRobin:       {"0": 4, "1": 4, "2": 4},
		LeastConnections: {"0": 4, "1": 4, "2": 4},
		SourceHash:       nil, // one of them has all
	} {
		t.Run(balance, func(t *testing.T) {
			s := start(t, Options{Loops: 3, Balance: balance})
			count := map[string]int{}
			for range 12 {
				loop, _ := s.sign("PROBE").call("WHERE", "").Field("loop")
				count[loop]++
			}
			if want == nil && len(count) != 1 || want != nil && fmt.Sprint(count) != fmt.Sprint(want) {
				t.Errorf("loops have %v connections", count)
			}
		})
	}
	t.Run("least after closes", func(t *testing.T) {
		s := start(t, Options{Loops: 2, Balance: LeastConnections})
		var onFirst []net.Conn
		for range 10 {
			c := s.sign("PROBE")
			if loop, _ := c.call("WHERE", "").Field("loop"); loop == "0" {
				onFirst = append(onFirst, c)
			}
		}
		for _, c := range onFirst {
			c.Close()
		}
		eventually(t, "they are gone", func() bool { return s.Stats().Open == 5 })
		for range 5 {
			if loop, _ := s.sign("PROBE").call("WHERE", "").Field("loop"); loop != "0" {
				t.Errorf("a connection went to loop %s, which has more", loop)
			}
		}
	})
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
