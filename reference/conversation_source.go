package reference

// sourcePeriod is the length after which SOURCE's bytes repeat: byte i is i mod 251.
const sourcePeriod = 251

// sourcePattern holds whole periods, so that a slice of it that starts at
// i mod 251 is what comes at i.
var sourcePattern = func() []byte {
	p := make([]byte, 261*sourcePeriod)
	for i := range p {
		p[i] = byte(i % sourcePeriod)
	}
	return p
}()

// sourceTurn is how many bytes a source offers the kernel in one turn.
const sourceTurn = 256 << 10

// source sends its bytes in pieces, as fast as the client takes them and no faster
// (FLOW-8), and closes. It keeps at most one piece in memory.
type source struct {
	closing
	sent, left uint64
}

func (s *source) OnOpen(c *Conn) { s.OnDrain(c) }

// OnData drops what the client says; nothing is asked of it.
func (s *source) OnData(_ *Conn, data []byte) int { return len(data) }

// OnEnd lets the rest go out: the client's FIN is no wish to hear less (CONN-9).
func (s *source) OnEnd(*Conn) {}

// OnStop lets the rest go out as well; it is due (LIFE-3).
func (s *source) OnStop(*Conn) {}

func (s *source) OnDrain(c *Conn) {
	for budget := sourceTurn; s.left > 0 && budget > 0 && c.Pending() == 0; {
		piece := sourcePattern[s.sent%sourcePeriod:]
		piece = piece[:min(uint64(len(piece)), s.left)]
		if _, err := c.Write(piece); err != nil {
			return // the connection ends by itself
		}
		s.sent += uint64(len(piece))
		s.left -= uint64(len(piece))
		budget -= len(piece)
	}
	// Close delivers what waits, later and without us: to stay for it would hold up the
	// loop's other connections (FLOW-10).
	if s.left == 0 {
		c.Close()
		return
	}
	c.RequestDrain()
}
