package reference

// echo sends every byte back, in order (CONN-1). At the peer's FIN everything that waits is
// still delivered, however much (CONN-7), because Close drains.
type echo struct{ closing }

func (echo) OnOpen(*Conn) {}

func (echo) OnData(c *Conn, data []byte) int {
	_, _ = c.Write(data) // a write error ends the connection by itself
	return len(data)
}
