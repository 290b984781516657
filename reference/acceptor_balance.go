package reference

import (
	"hash/maphash"
	"net/netip"
)

// The ways in which an acceptor spreads connections over its sub-reactors.
const (
	RoundRobin       = "round-robin"       // each loop in turn
	LeastConnections = "least-connections" // the loop with the fewest open connections, the first of equals
	SourceHash       = "source-hash"       // by the client's IP address: one client, one loop
)

// balancer picks the index of the loop that gets a new connection. It belongs
// to the acceptor's thread.
type balancer func(from netip.AddrPort) int

// newBalancer returns the balancer of that name for n loops. open tells how many
// connections a loop has, those on their way to it included.
func newBalancer(name string, n int, open func(loop int) int64) balancer {
	switch name {
	case LeastConnections:
		return func(netip.AddrPort) int { return least(n, open) }
	case SourceHash:
		seed := maphash.MakeSeed()
		return func(from netip.AddrPort) int {
			// The port is left out: it differs with each connection of one
			// client. Peers of a Unix socket have no address and share a loop.
			return int(maphash.Comparable(seed, from.Addr()) % uint64(n))
		}
	}
	next := -1
	return func(netip.AddrPort) int {
		next = (next + 1) % n
		return next
	}
}

func least(n int, open func(loop int) int64) int {
	best, fewest := 0, open(0)
	for i := 1; i < n; i++ {
		if have := open(i); have < fewest {
			best, fewest = i, have
		}
	}
	return best
}
