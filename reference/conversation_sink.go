package reference

import "strconv"

// sink counts what it reads, to the last byte before the FIN (CONN-11), and says how much
// it was at the end.
type sink struct {
	closing
	n uint64
}

func (*sink) OnOpen(*Conn) {}

func (s *sink) OnData(_ *Conn, data []byte) int {
	s.n += uint64(len(data))
	return len(data)
}

func (s *sink) OnEnd(c *Conn) {
	line := strconv.AppendUint([]byte("SUNK "), s.n, 10)
	_, _ = c.Write(append(line, '\n'))
	c.Close()
}
