package proof

// Variant is an edit of the reference that breaks nothing: something that a
// correct server may do in another way.
type Variant struct {
	Fault
	// Clauses are those that blamed, or might blame, a server for it.
	Clauses []string
}

// Legal lists the variants. A check that fails one of them is wrong.
var Legal = []Variant{
	{
		Fault: Fault{
			Name: "missed-expiries-at-once",
			Why:  "a periodic timer makes up in one turn for all expiries that it missed before it",
			File: "reference/timers.go",
			Old: `	for !l.fire() {
	}
`,
			New: `	for again := true; again; {
		for !l.fire() {
		}
		t.mu.Lock()
		again = false
		for tm := t.wheel.expire(now); tm != nil; tm = t.wheel.expire(now) {
			tm.in, tm.at = inReady, int32(len(t.ready))
			t.ready = append(t.ready, tm)
			again = true
		}
		t.mu.Unlock()
	}
`,
		},
		Clauses: []string{"TIME-1", "TIME-3", "TIME-4", "TIME-8", "TIME-10", "TIME-11"},
	},
	{
		Fault: Fault{
			Name: "coarse-tick",
			Why:  "timers are looked at where a clock of 200 ms ticks",
			File: "reference/loop_sleep.go",
			Old:  "return min(max(0, next-now), poll.MaxTimeout)",
			New: `if next <= now {
		return 0
	}
	const tick = 200 * time.Millisecond
	return min((next+tick-1)/tick*tick-now, poll.MaxTimeout)`,
		},
		Clauses: []string{"TIME-1", "TIME-2", "TIME-3", "TIME-4", "TIME-8", "TIME-12", "TIME-13"},
	},
	{
		Fault: Fault{
			Name: "closes-beyond-its-limit",
			Why:  "a connection with more unread output than the limit is closed",
			File: "reference/conn.go",
			Old: `			c.congested = true
`,
			New: `			c.congested = true
			c.Abort(ErrClosed)
`,
		},
		Clauses: []string{"FLOW-1", "FLOW-2", "FLOW-3", "FLOW-4", "FLOW-5", "FLOW-9", "CONN-4", "CONN-5", "CONN-7", "CONN-12", "CONN-13", "CONN-18", "LOOP-3", "LOOP-4", "LOOP-12"},
	},
}
