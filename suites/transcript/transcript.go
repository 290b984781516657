// Package transcript is the text form of what clients did to a server: which
// connections were opened, what was sent in which pieces, what was read and how
// each connection ended. One step stands on a line:
//
//	reactorspec transcript 1
//	clause CONN-22
//	seed 0x5e1f
//	# a sign-on in two pieces, while a neighbour leaves
//	1 dial
//	1 push 2
//	2 open
//	2 reset
//	1 send 100
//	1 end
//
// Payloads are not stored: they are computed from the seed. What is due to each
// connection is not stored either: it follows from the steps and from what the
// target's dialect promises, so one transcript plays on any target that speaks
// its conversations.
//
// Fuzz targets and the command share it with the checks: there is no compatibility promise.
package transcript

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// Bounds of a transcript, so that no file makes a player hold or wait for more.
const (
	MaxSteps = 2000
	MaxConns = 64                    // connection numbers go from 1 to this
	MaxSize  = 4 << 20               // bytes of one payload or piece
	MaxCount = 4096                  // requests of one step
	MaxBytes = 128 << 20             // payload bytes of a whole transcript
	MaxWait  = 10_000                // milliseconds of one wait
	MaxWaits = MaxWait               // milliseconds of all waits
	MaxCrowd = 20_000                // clients of all crowds
	maxFile  = MaxSteps*64 + 100_000 // bytes of a file, comments included
)

// Op is what a step does.
type Op string

// The operations. A step on a connection that is not open, or that its
// conversation does not know, does nothing: so every part of a transcript is a
// transcript. Those that are about the server's process do nothing where it is not ours.
const (
	Dial  Op = "dial"  // connect; the opening (a sign-on line, if the dialect has one) waits to be pushed
	Open  Op = "open"  // connect, send the opening and read its answer
	Ask   Op = "ask"   // make a request of Size payload bytes, to be pushed
	Call  Op = "call"  // make a request with Verb and Size as its argument, to be pushed; frames only
	Push  Op = "push"  // send the next Size bytes of what was made; 0: all
	Send  Op = "send"  // make Count requests of Size bytes and send all that was made, in one go
	Read  Op = "read"  // read the next Count replies that are due; 0: all
	Sip   Op = "sip"   // read at most Size bytes of what is due
	Fin   Op = "fin"   // half-close; what was not pushed is dropped
	End   Op = "end"   // read all that is due, half-close, and wait for the server's end
	Reset Op = "reset" // close with RST
	Close Op = "close" // close
	Wait  Op = "wait"  // for Size milliseconds do nothing
	Halt  Op = "halt"  // stop the server's process for Size milliseconds
	Rain  Op = "rain"  // for Size milliseconds send harmless signals to the server's threads
	Short Op = "short" // for Size milliseconds leave the server no free descriptor, while a client comes; nothing while an answer is due
	Crowd Op = "crowd" // Size clients come one after the other, have one request answered each, and leave
	Spoil Op = "spoil" // damage what was made and not pushed, in the way that Verb names; Size says where, or what
)

// Step is one line.
type Step struct {
	Conn   int // from 1; 0 if Op is of none
	Op     Op
	Frames bool   // dial and open: the conversation is PROBE
	Narrow bool   // open: its segments and its receive buffer are small
	Verb   string // call: one of Verbs; spoil: one of Spoils
	Size   int
	Count  int
}

// OfNone reports whether the operation is about none of the numbered connections.
func (op Op) OfNone() bool { return op == Crowd || op.Lasts() }

// Lasts reports whether Size is the time that the operation takes, in milliseconds.
func (op Op) Lasts() bool { return slices.Contains(lasting, op) }

var lasting = []Op{Wait, Halt, Rain, Short}

// Verbs of call, each with one argument, which Size gives.
const (
	Post       = "POST"    // Size tasks to the connection's own loop
	Cross      = "CROSS"   // Size tasks to it from each of three threads
	Hook       = "HOOK"    // Size turns of it; the position changes from request to request
	Timer      = "TIMER"   // a one-shot timer of Size milliseconds, keyed by its request's id
	ResetTimer = "RESET"   // the connection's last timer fires Size milliseconds later
	Cancel     = "CANCEL"  // the connection's last timer
	Offload    = "OFFLOAD" // Size milliseconds of a worker's time
	Fail       = "FAIL"    // a panic in a task (Size 0), a timer (1), a worker (2) or the handler (3)
	Where      = "WHERE"
	Unknown    = "UNKNOWN" // a verb that no target knows
)

var verbs = []string{Post, Timer, Cancel, Offload, Where, Unknown, Cross, Hook, ResetTimer, Fail}

// The ways of spoil. Whoever spoils is owed nothing from then on: the server may answer
// anything, or close.
const (
	Flip   = "flip"   // the bit with number Size
	Cut    = "cut"    // all from byte Size on
	Repeat = "repeat" // some hundred bytes from byte Size on come twice
	Lie    = "lie"    // the decimal or binary number found from byte Size on becomes another
	Alien  = "alien"  // the words of another protocol follow, Size says which
	Noise  = "noise"  // Size bytes follow that mean nothing
)

var spoils = []string{Flip, Cut, Repeat, Lie, Alien, Noise}

// Spoils lists them.
func Spoils() []string { return slices.Clone(spoils) }

// InHandler is Size of a Fail in the handler, which ends the connection.
const InHandler = 3

// Verbs lists them.
func Verbs() []string { return slices.Clone(verbs) }

// maxArgument bounds Size of a call: milliseconds or tasks.
const maxArgument = 1000

// Transcript is a sequence of steps and what payloads are made of.
type Transcript struct {
	Clause string
	Seed   uint64
	Notes  []string // comments before the first step, a line each
	Steps  []Step
}

// Frames reports whether a PROBE conversation is part of it, which only the
// probe dialect has.
func (t Transcript) Frames() bool {
	return slices.ContainsFunc(t.Steps, func(s Step) bool { return s.Frames })
}

// Hostile reports whether something is spoilt in it: then only those connections on
// which nothing is are owed anything.
func (t Transcript) Hostile() bool {
	return slices.ContainsFunc(t.Steps, func(s Step) bool { return s.Op == Spoil })
}

// Together is the greatest number of connections that are open at one time.
func (t Transcript) Together() int {
	open, most := map[int]bool{}, 0
	for _, s := range t.Steps {
		switch s.Op {
		case Dial, Open:
			open[s.Conn] = true
			most = max(most, len(open))
		case Crowd:
			most = max(most, len(open)+1)
		case Close, Reset, End:
			delete(open, s.Conn)
		}
	}
	return most
}

// Clients is the number of connections that are opened in it.
func (t Transcript) Clients() (n int) {
	for _, s := range t.Steps {
		switch s.Op {
		case Dial, Open:
			n++
		case Crowd:
			n += s.Size
		}
	}
	return n
}

// Payload computes the payload of a connection's nth request, counted from 0.
func (t Transcript) Payload(conn, n, size int) []byte {
	source := rand.NewPCG(t.Seed, uint64(conn)<<32|uint64(n))
	b := make([]byte, size, size+8)
	for i := 0; i < size; i += 8 {
		binary.LittleEndian.PutUint64(b[i:i+8:i+8], source.Uint64())
	}
	return b
}
