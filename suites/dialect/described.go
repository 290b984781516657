package dialect

import (
	"bufio"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Described is a dialect that a YAML text describes (spec/dialect-files.md).
type Described struct {
	Traits
	name    string
	about   string
	opening []openStep
	request text
	reply   []*frame
	unique  string // of one connection; "" before PerConn
}

// openStep is one step of an opening: bytes to send, or a frame to read.
type openStep struct {
	send text
	read *frame
}

// Name is the name of the description.
func (d *Described) Name() string { return d.name }

// About is what the description says of itself; it may be empty.
func (d *Described) About() string { return d.about }

// Request fills the payload into the template.
func (d *Described) Request(payload []byte) []byte {
	checkSize(d, payload)
	return d.request.bytes(d.fill(payload))
}

// Opening lists the steps of the description's `open`.
func (d *Described) Opening() []Step {
	var steps []Step
	for _, step := range d.opening {
		if step.read == nil {
			steps = append(steps, Step{Send: step.send.bytes(d.fill(nil))})
			continue
		}
		steps = append(steps, Step{Read: func(r *bufio.Reader) error {
			return d.reading(r, nil, nil).frame(step.read)
		}})
	}
	return steps
}

// ReadReply reads the frames of one reply.
func (d *Described) ReadReply(r *bufio.Reader, payload []byte) (Reply, error) {
	return d.Listen(r, payload, nil)
}

// Listen is ReadReply that tells heard of each frame.
func (d *Described) Listen(r *bufio.Reader, payload []byte, heard func(Heard)) (Reply, error) {
	reading := d.reading(r, payload, heard)
	for _, f := range d.reply {
		if err := reading.frame(f); err != nil {
			return Reply{}, err
		}
	}
	// What the patterns hold of the payload was compared byte by byte; Weakness says where that is nothing.
	return Reply{Payload: payload, Last: d.closes()}, nil
}

// ListenOpening reads what step i of the opening reads, and tells heard of each frame.
func (d *Described) ListenOpening(i int, r *bufio.Reader, heard func(Heard)) error {
	return d.reading(r, nil, heard).frame(d.opening[i].read)
}

func (d *Described) reading(r *bufio.Reader, payload []byte, heard func(Heard)) *reading {
	return &reading{r: r, name: d.name, fill: d.fill(payload), left: maxOverhead + 4*len(payload), heard: heard}
}

func (d *Described) fill(payload []byte) fill {
	unique := d.unique
	if unique == "" {
		unique = "a0000000"
	}
	return fill{payload, unique}
}

// describedConns counts the connections of this process, and describedRun tells
// its unique words from those of others.
var (
	describedConns atomic.Uint64
	describedRun   = rand.Uint64N(26 * 36 * 36 * 36)
)

// perConn gives the dialect of one connection a unique word.
func (d *Described) perConn() Dialect {
	const letters, ofConn = "abcdefghijklmnopqrstuvwxyz", 36 * 36 * 36 * 36
	conn := describedConns.Add(1)
	run := describedRun + conn/ofConn
	// The first of the eight is a letter, as the names of most protocols want it.
	word := strconv.FormatUint(run%(36*36*36)*ofConn+conn%ofConn, 36)
	one := *d
	one.unique = letters[run/(36*36*36)%26:][:1] + strings.Repeat("0", uniqueSize-1-len(word)) + word
	return &one
}

// closes reports whether the end of the connection is the end of a reply.
func (d *Described) closes() bool {
	return len(d.reply) > 0 && d.reply[len(d.reply)-1].close
}

// Constant reports whether every request is the same.
func (d *Described) Constant() bool { return d.Max == 0 }

// Skips reports whether a server may say something unasked.
func (d *Described) Skips() bool {
	return slices.ContainsFunc(d.reply, func(f *frame) bool { return len(f.skip) > 0 })
}

// LastFrame says which frame ends a reply that has several, and where the file says it; empty
// where a reply has a fixed number of frames.
func (d *Described) LastFrame() string {
	for _, step := range d.opening {
		if step.read != nil && len(step.read.until) > 0 {
			return step.read.due(d.fill(nil))
		}
	}
	for _, f := range d.reply {
		if len(f.until) > 0 {
			return f.due(d.fill(nil))
		}
	}
	return ""
}

// Carries reports whether a good reply holds the payload of its request, so that
// a reply to another request is told from it.
func (d *Described) Carries() bool {
	for _, f := range d.reply {
		if f.carries() {
			return true
		}
	}
	return false
}

// Weakness says what the dialect cannot tell of a server; empty where it can tell
// a wrong reply from a right one.
func (d *Described) Weakness() string {
	told := false
	for _, f := range d.reply {
		told = told || f.tells() || f.header != nil
	}
	switch {
	case !told:
		return "anything in the form of the reply passes for a good one, even an error message: say is: or contains: in reply"
	case !d.Constant() && !d.Carries():
		return "the reply does not hold the payload, so the reply to another request passes for a good one: say {payload} or {hex} in is: or contains:"
	}
	return ""
}
