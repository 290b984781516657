package session

import "time"

// The spec's bounds on undisturbed time; nothing makes them longer but its own text.
const (
	// Prompt is what an answer may take that waits for nothing but a loop's attention. The
	// faults that it tells apart wait for a poll timeout of a second or more.
	Prompt = 500 * time.Millisecond
	// Punctual is how late a timer may be on an idle loop.
	Punctual = 250 * time.Millisecond
)

// Budget is how long a check waits. How long checks wait is decided here; a time
// that only one family allows is a named constant, with its reason, in that
// family's file. What is given here is measured on the effective clock (see
// Stopwatch), unless it says otherwise: time in which this machine stalled does
// not count.
type Budget struct {
	// Await is how long something that must come may take. Two seconds is two
	// thousand times what a reply on loopback takes, and well below the
	// fifteen seconds after which people think that a tool hangs.
	Await time.Duration
	// Handshake is how long the kernel may take to let a connection in. Where the
	// target's queue was full it asks again after 1, 3, 7 and 15 s (tcp(7),
	// tcp_syn_retries), and whoever is let in then has been waiting for room alone.
	Handshake time.Duration
	// Silence is how long a check listens for what must not come. A spurious
	// byte on loopback arrives within a millisecond; 300 ms forgives a delayed
	// ACK (40 ms) and several housekeeping timers.
	Silence time.Duration
	// Poll is the pause between two looks at a condition that nothing announces.
	// Five milliseconds is coarser than a scheduling slice and finer than
	// any budget.
	Poll time.Duration
	// Check is the hard deadline of one attempt at a check, in wall time.
	Check time.Duration
	// Study is the hard deadline of one attempt at a study, in wall time.
	Study time.Duration
	// Wall bounds a single wait in wall time, however much the machine stalls.
	Wall time.Duration
	// Grace is how long a check that was told to end (its connections are
	// closed by then) may take to return.
	Grace time.Duration
}

// DefaultBudget is the budget of every run that names no other.
var DefaultBudget = Budget{
	Await:     2 * time.Second,
	Handshake: 16 * time.Second,
	Silence:   300 * time.Millisecond,
	Poll:      5 * time.Millisecond,
	Check:     40 * time.Second,
	Study:     3 * time.Minute, // a server that loses something of every connection is waited for at each way they end (RES)
	Wall:      30 * time.Second,
	Grace:     3 * time.Second,
}

// Times is the budget for a target that is so many times slower than others: what
// must come may take as long. What must not come is listened for no longer, and
// looks and the end of a check are ours, not the target's.
func (b Budget) Times(patience float64) Budget {
	for _, wait := range []*time.Duration{&b.Await, &b.Handshake, &b.Check, &b.Study, &b.Wall} {
		*wait = time.Duration(float64(*wait) * patience)
	}
	return b
}

const (
	// headBytes is how much of each piece of data evidence quotes: enough for
	// any sign-on line, and a failure still fits a terminal.
	headBytes = 48
	// sentBytes is how much is kept of what we sent: a request whole, in most
	// cases, so that the exchange can be said again.
	sentBytes = 160
	// firstEvents and lastEvents bound the evidence of an attempt: how it
	// began and how it ended.
	firstEvents = 12
	lastEvents  = 36
	// maxNotes bounds the remarks that a check may leave.
	maxNotes = 32
)
