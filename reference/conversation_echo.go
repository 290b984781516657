package reference

// echo sends every byte back, in order (CONN-1). At the peer's FIN everything that waits is
// still delivered, however much (CONN-7), because Close drains.
type echo struct{ closing }

func (echo) OnOpen(*Conn) {}

// OnData answers each piece as it came, so that it makes no difference where the client
// cut (CONN-2), and answers on the connection that brought it and on no other (CONN-14).
func (echo) OnData(c *Conn, data []byte) int {
	_, _ = c.Write(data) // a write error ends the connection by itself
	return len(data)
}
