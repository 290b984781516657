package clauses

import (
	"fmt"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// everyLength is up to which length, in bytes, each one is tried: a table of sizes,
	// a length in two digits or bytes, a buffer of a kibibyte end below it.
	everyLength = 1030
	// plainPower is up to which power of two requests are written before their reply is
	// read, and greatPower up to which they are tried at all.
	plainPower = 17
	greatPower = 20
	// lengthsTime bounds the exchanges beyond those of plainPower: a server that is given
	// little bandwidth takes minutes for them all.
	lengthsTime = 20 * time.Second
)

// bytesComeBack exchanges payloads of some thousand lengths, on a few connections at a time: each
// must come back as it was sent.
func bytesComeBack(s *session.Session) {
	conns := beside(s, 4)
	lengths(s, conns, around(s, 0, plainPower))
	began := time.Now()
	var small []int
	for n := 1; n <= everyLength; n++ {
		if fits(s, n) {
			small = append(small, n)
		}
	}
	s.Rand.Shuffle(len(small), func(i, j int) { small[i], small[j] = small[j], small[i] })
	for range 10 {
		if n := 1 + s.Rand.IntN(100_000); fits(s, n) {
			small = append(small, n)
		}
	}
	great := around(s, plainPower+1, greatPower)
	done := 0
	for ; done < len(small) && time.Since(began) < lengthsTime; done += len(conns) {
		lengths(s, conns, small[done:min(done+len(conns), len(small))])
	}
	done = min(done, len(small))
	for ; done < len(small)+len(great) && time.Since(began) < lengthsTime; done++ {
		c := conns[done%len(conns)].Next()
		conns[done%len(conns)] = c
		exchangeWhole(s, c, s.Payload(great[done-len(small)]))
	}
	closeAll(conns)
	if all := len(small) + len(great); done < all {
		s.Untested(fmt.Sprintf("%d of %d lengths came back in %v, all of them right: it is too slow for the others", done, all, lengthsTime))
	}
}

// around lists the lengths beside and at the powers of two that the dialect carries.
func around(s *session.Session, from, to int) (lengths []int) {
	for power := from; power <= to; power++ {
		for _, n := range []int{1<<power - 1, 1 << power, 1<<power + 1} {
			if fits(s, n) {
				lengths = append(lengths, n)
			}
		}
	}
	return lengths
}

// lengths exchanges payloads of these lengths, one on each connection at the same time.
func lengths(s *session.Session, conns []*session.Conn, of []int) {
	for from := 0; from < len(of); from += len(conns) {
		together := of[from:min(from+len(conns), len(of))]
		payloads := make([][]byte, len(together))
		for i, n := range together {
			conns[i] = conns[i].Next()
			payloads[i] = s.Payload(n)
			conns[i].Request(payloads[i])
			promptAcks(conns[i]) // or a thousand replies in two parts take a minute
		}
		for i, payload := range payloads {
			conns[i].Reply(payload)
		}
	}
}
