package probe

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
)

// headerSize is the length of a frame's header: its body's length, big-endian.
const headerSize = 4

// Status is the second word of a reply.
type Status string

// The statuses of the target contract.
const (
	OK          Status = "ok"
	Unsupported Status = "unsupported" // the verb is unknown or not offered
	Bad         Status = "bad"         // arguments missing, malformed or out of range
	Full        Status = "full"        // a bounded queue has no room
	Failed      Status = "failed"      // the work panicked and was contained
	Fired       Status = "fired"       // a timer expired; more replies may follow
)

// Request is what a client asks in one frame.
type Request struct {
	ID   uint32
	Verb string // "" when the body is an id alone; no server offers that verb
	Args []byte // what follows the space after the verb; for PING arbitrary bytes
}

// Reply is what a server answers in one frame.
type Reply struct {
	ID     uint32
	Status Status
	Fields []byte // key=value words, or the bytes of a PING
}

// verbs are the verbs of the target contract; parsing one of them costs no allocation.
var verbs = [...]string{
	"PING", "HELLO", "WHERE", "POST", "CROSS", "RACE", "CHAIN", "NEST", "SHARED", "HOOK",
	"TIMER", "TIMERS", "CANCEL", "RESET", "SELFCANCEL", "OFFLOAD", "FAIL", "STATS",
}

var statuses = [...]Status{OK, Unsupported, Bad, Full, Failed, Fired}

// AppendRequest writes r as one frame. A body above MaxFrame is a bug of the
// caller, who knows the limit, and panics.
func AppendRequest(dst []byte, r Request) []byte {
	return appendFrame(dst, r.ID, r.Verb, r.Args)
}

// AppendReply writes r as one frame; the rules of AppendRequest hold.
func AppendReply(dst []byte, r Reply) []byte {
	return appendFrame(dst, r.ID, string(r.Status), r.Fields)
}

func appendFrame(dst []byte, id uint32, word string, rest []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendDecimal(dst, uint64(id))
	dst = append(append(dst, ' '), word...)
	if len(rest) > 0 {
		dst = append(append(dst, ' '), rest...)
	}
	size := len(dst) - start - headerSize
	if size > MaxFrame {
		panic("probe: frame body of " + strconv.Itoa(size) + " bytes; the limit is " + strconv.Itoa(MaxFrame))
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(size))
	return dst
}

// TakeFrame cuts one frame off buf; n counts its header too and is 0 while
// bytes are missing. A bad length is ErrLength as soon as its header is complete.
func TakeFrame(buf []byte) (body []byte, n int, err error) {
	if len(buf) < headerSize {
		return nil, 0, nil
	}
	size := binary.BigEndian.Uint32(buf)
	// No body can make up for such a length (PROBE-6), and none is waited for (PROBE-7).
	if size == 0 || size > MaxFrame {
		return nil, 0, ErrLength
	}
	n = headerSize + int(size)
	if len(buf) < n {
		return nil, 0, nil
	}
	return buf[headerSize:n:n], n, nil
}

// ParseRequest decodes a frame's body. Only a body without an id is an error;
// an unknown verb is for the server to answer unsupported.
func ParseRequest(body []byte) (Request, error) {
	id, word, rest, err := split(body)
	if err != nil {
		return Request{}, err
	}
	return Request{ID: id, Verb: verb(word), Args: rest}, nil
}

// ParseReply decodes a frame's body; a status the contract does not name is ErrStatus.
func ParseReply(body []byte) (Reply, error) {
	id, word, rest, err := split(body)
	if err != nil {
		return Reply{}, err
	}
	for _, status := range statuses {
		if string(word) == string(status) {
			return Reply{ID: id, Status: status, Fields: rest}, nil
		}
	}
	return Reply{}, ErrStatus
}

// Field returns the value of the first field of that key.
func (r Reply) Field(key string) (string, bool) {
	rest := r.Fields
	for len(rest) > 0 {
		var word []byte
		word, rest, _ = bytes.Cut(rest, space)
		name, value, found := bytes.Cut(word, []byte{'='})
		if found && string(name) == key {
			return string(value), true
		}
	}
	return "", false
}

// Int returns the value of a field that is a decimal number, possibly negative.
// The error names the field; it says whether it is missing or no number.
func (r Reply) Int(key string) (int64, error) {
	value, found := r.Field(key)
	if !found {
		return 0, &FieldError{Key: key}
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, &FieldError{Key: key, Value: value}
	}
	return n, nil
}

// FieldError says which field of a reply a server left out or misspelt.
type FieldError struct {
	Key   string
	Value string // "" when the field is missing or empty
}

func (e *FieldError) Error() string {
	if e.Value == "" {
		return "reply has no field " + e.Key
	}
	return "reply field " + e.Key + "=" + strconv.Quote(e.Value) + " is not a 64-bit number"
}

// split cuts a body into its id, its second word, and what follows one space
// after that.
func split(body []byte) (id uint32, word, rest []byte, err error) {
	n, digits := decimal(body, math.MaxUint32)
	if digits == 0 || digits < len(body) && body[digits] != ' ' {
		return 0, nil, nil, ErrID
	}
	if digits == len(body) {
		return uint32(n), nil, nil, nil
	}
	word, rest, _ = bytes.Cut(body[digits+1:], space)
	return uint32(n), word, rest, nil
}

func verb(word []byte) string {
	for _, known := range verbs {
		if string(word) == known {
			return known
		}
	}
	return string(word)
}
