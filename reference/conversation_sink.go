package reference

import "strconv"

// sink counts what it reads and says how much it was at the end.
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
