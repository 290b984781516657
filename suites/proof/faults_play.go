package proof

// Faults that show only where the moments of several connections cross.
var playFaults = []Fault{
	{
		Name: "neighbours-end-clears-half-sign-ons",
		Why:  "the end of a connection also clears what its loop's other connections have sent of a sign-on line",
		File: "reference/reactor.go",
		Old: `	last := r.conns.pop()
`,
		New: `	for i := range r.conns.length {
		if other := *r.conns.at(i); other.item == nil {
			other.in = nil
		}
	}
	last := r.conns.pop()
`,
		Breaks:     []string{"CONN-22"},
		Sometimes:  []string{"SIGN-8"},
		Neighbours: "20 sign-ons are half sent while others come and go, and are hit if those are on the same loop and end in between",
		Because:    "closed the connection | reset the connection | silence",
	},
	{
		Name: "timer-of-a-reset-connection-answers-a-neighbour",
		Why:  "the timers of a connection that was reset fire for whoever stands first in its loop's table",
		File: "reference/conversation_probe.go",
		Old: `	p.gone.Store(true)
	p.drop()
`,
		New: `	p.gone.Store(true)
	if r := p.c.reactor; r != nil && p.c.err != nil && len(p.timers) > 0 && r.conns.length > 0 {
		p.c = *r.conns.at(0)
		return
	}
	p.drop()
`,
		Breaks:     []string{"PROBE-13"},
		Sometimes:  []string{"TIME-14"},
		Neighbours: "connections with timers are reset there, and a stray expiry is seen only if it comes to the connection that is watched",
		Because:    "a reply came to a request | bytes came where none were due | differs | not the one | bad frame | no reply | is another | sign-on",
	},
	{
		Name: "hook-is-waited-for-after-its-end",
		Why:  "a conversation that ends takes its hooks away and then waits for their replies",
		File: "reference/conversation_probe_turns.go",
		Old: `			told = true
			p.due--
`,
		New: `			told = true
`,
		Breaks:  []string{"PROBE-13"},
		Because: "still open after the client's FIN",
		Shares:  "the other shows whose reply comes, this one that a connection ends",
	},
}
