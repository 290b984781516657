// Package probe is the codec of the probe dialect of spec/target.md: the
// sign-on line, the login conversation, and frames with their requests and
// replies. Harness and servers share it; it does no I/O and depends on nothing.
//
// The Take functions cut one unit off the front of what was received so far and
// say how many bytes they used; 0 means that more bytes are needed. How the
// bytes were cut into segments therefore never changes what is decoded. What
// they return aliases the buffer given to them.
package probe

import (
	"bytes"
	"errors"
)

// The limits of the target contract, in bytes.
const (
	MaxSignOn = 256   // a sign-on line without its line end
	MaxFrame  = 65536 // a frame's body; the least is 1
	MaxName   = 32    // a name given to USER
)

// MaxSource is the greatest number of bytes that SOURCE sends, 1 TiB.
const MaxSource = 1 << 40

// What the decoders report. Each ends the conversation on the server's side.
var (
	ErrTooLong = errors.New("line too long")                              // a line above its limit
	ErrSignOn  = errors.New("not a sign-on command")                      // a line that is none of the five commands
	ErrLength  = errors.New("frame length is not 1 to 65536")             // a frame header out of range
	ErrID      = errors.New("frame body does not start with a 32-bit id") // no decimal id, or one of 2^32 and above
	ErrStatus  = errors.New("reply has an unknown status")                // a reply body without one of the six statuses
)

// The sign-on commands.
const (
	Echo   = "ECHO"
	Sink   = "SINK"
	Source = "SOURCE"
	Main   = "MAIN"
	Probe  = "PROBE"
)

// SignOn is a connection's first line.
type SignOn struct {
	Command string // Echo, Sink, Source, Main or Probe
	N       uint64 // the bytes that SOURCE is to send; 0 for the others
}

// ParseSignOn decodes a line as TakeLine returns it. Words are separated by
// exactly one space and written in capitals; everything else is ErrSignOn.
func ParseSignOn(line []byte) (SignOn, error) {
	switch string(line) {
	case Echo:
		return SignOn{Command: Echo}, nil
	case Sink:
		return SignOn{Command: Sink}, nil
	case Main:
		return SignOn{Command: Main}, nil
	case Probe:
		return SignOn{Command: Probe}, nil
	}
	word, rest, found := bytes.Cut(line, space)
	if !found || string(word) != Source {
		return SignOn{}, ErrSignOn
	}
	n, digits := decimal(rest, MaxSource)
	if digits == 0 || digits != len(rest) {
		return SignOn{}, ErrSignOn
	}
	return SignOn{Command: Source, N: n}, nil
}

// Append writes the sign-on line with its newline.
func (s SignOn) Append(dst []byte) []byte {
	dst = append(dst, s.Command...)
	if s.Command == Source {
		dst = appendDecimal(append(dst, ' '), s.N)
	}
	return append(dst, '\n')
}

// TakeLine cuts a line of at most max bytes off buf. The line comes without its
// newline and without one \r before that; n counts both. n is 0 while the
// newline is missing. A line that is, or can only become, longer is ErrTooLong.
func TakeLine(buf []byte, max int) (line []byte, n int, err error) {
	end := bytes.IndexByte(buf, '\n')
	if end < 0 {
		// One byte above max may yet turn out to be the \r of the line end.
		if len(buf) > max+1 || len(buf) == max+1 && buf[max] != '\r' {
			return nil, 0, ErrTooLong
		}
		return nil, 0, nil
	}
	line = buf[:end]
	// A terminal ends its line by both, and means the same command (SIGN-2).
	if end > 0 && line[end-1] == '\r' {
		line = line[:end-1]
	}
	if len(line) > max {
		return nil, 0, ErrTooLong
	}
	// The caller goes on behind the newline, where the conversation begins (SIGN-3).
	return line, end + 1, nil
}

var space = []byte{' '}

// decimal reads the digits at the front of b as a number of at most limit and
// says how many there were; 0 when there are none or the number is above limit.
func decimal(b []byte, limit uint64) (n uint64, digits int) {
	for digits < len(b) && b[digits] >= '0' && b[digits] <= '9' {
		// limit is far below 2^60, so this cannot wrap around.
		if n = n*10 + uint64(b[digits]-'0'); n > limit {
			return 0, 0
		}
		digits++
	}
	return n, digits
}

func appendDecimal(dst []byte, n uint64) []byte {
	if n >= 10 {
		dst = appendDecimal(dst, n/10)
	}
	return append(dst, byte('0'+n%10))
}
