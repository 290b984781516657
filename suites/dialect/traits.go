package dialect

// Traits are what a dialect says of itself beside its words. A type that embeds
// them has the methods of Dialect that ask for them, and writes the others: Name,
// Opening, Request and ReadReply.
type Traits struct {
	// Min and Max bound a payload, in bytes; both 0 in a constant dialect.
	Min, Max int
	// Pipelined: requests may be sent before the replies to earlier ones are read;
	// it promises CONN-3 and CONN-22.
	Pipelined bool
	// HalfClosed: what was asked before the client's FIN is answered behind it; it
	// promises CONN-6, CONN-7, CONN-8 and CONN-19.
	HalfClosed bool
	// PerConnection is how many requests one connection takes; 0: any number.
	PerConnection int
	// Clients is how many may be there at a time; 0: not known.
	Clients int
}

func (t Traits) MinPayload() int  { return t.Min }
func (t Traits) MaxPayload() int  { return t.Max }
func (t Traits) Pipelines() bool  { return t.Pipelined }
func (t Traits) HalfCloses() bool { return t.HalfClosed }
func (t Traits) Requests() int    { return t.PerConnection }
func (t Traits) MaxClients() int  { return t.Clients }
