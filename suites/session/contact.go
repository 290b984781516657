package session

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
)

const (
	// bannerPatience is how long a server whose first exchange failed is listened to in
	// silence: more than one on loopback takes to greet, and people still wait for it.
	bannerPatience = time.Second
	// helloPatience is how long such a server may take to answer a ClientHello.
	helloPatience = 2 * time.Second
	// bannerBytes is how much of what a server says unasked is read and quoted.
	bannerBytes = 120
)

// speaksTLS is what to change where a plain client has met a port that speaks TLS.
const speaksTLS = "the port speaks TLS: give --tls, or tls: in the target file"

// ContactHint says what to change where a server accepts connections, and nothing is
// served in the dialect: it may speak first, where the dialect has the client begin, or
// speak TLS, where the client is plain. Empty where it shows neither. It opens
// connections of its own, so that nothing that was said before has a part in it.
func ContactHint(ctx context.Context, in *target.Instance, d dialect.Dialect) string {
	if said, first := SaidFirst(ctx, in, d, bannerPatience); first {
		return SpeaksFirst(d, said)
	}
	if in.File().TLS == nil && answersInTLS(ctx, in) {
		return speaksTLS
	}
	return ""
}

// SaidFirst is what a server says to a client that has connected, over TLS where the target
// is spoken to so, and is silent for so long; first is false where it says nothing, or
// where the dialect has it begin.
func SaidFirst(ctx context.Context, in *target.Instance, d dialect.Dialect, patience time.Duration) (said []byte, first bool) {
	if opening := d.Opening(); len(opening) > 0 && opening[0].Read != nil {
		return nil, false
	}
	conn := reach(ctx, in)
	if conn == nil {
		return nil, false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	said = make([]byte, bannerBytes+1)
	n, _ := conn.Read(said)
	return said[:n], n > 0
}

// reach connects, over TLS where the target is spoken to so; nil where it cannot.
func reach(ctx context.Context, in *target.Instance) net.Conn {
	config, err := in.TLSConfig()
	if err != nil {
		return nil
	}
	conn, err := (&net.Dialer{Timeout: helloPatience}).DialContext(ctx, in.Network(), in.Addr().String())
	if err != nil || config == nil {
		return conn
	}
	secured := tls.Client(conn, config)
	shaking, cancel := context.WithTimeout(ctx, helloPatience)
	defer cancel()
	if secured.HandshakeContext(shaking) != nil {
		_ = conn.Close()
		return nil
	}
	return secured
}

// Undiscerning says what a Go type of somebody's own cannot tell of the target's replies.
func Undiscerning(ctx context.Context, in *target.Instance, d dialect.Dialect) string {
	conn := reach(ctx, in)
	if conn == nil {
		return ""
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	return dialect.Undiscerning(conn, d, helloPatience)
}

// SpeaksFirst says in one line that a server speaks first, where the dialect does not
// expect it, and what to do.
func SpeaksFirst(d dialect.Dialect, said []byte) string {
	quoted := quote(said[:min(len(said), bannerBytes)], len(said))
	change := "describe its protocol in a dialect file that begins with `open:` and a step `- read:` (spec/dialect-files.md)"
	if _, described := d.(*dialect.Described); described {
		change = "begin the dialect file with `open:` and a step `- read:` for it (spec/dialect-files.md)"
	} else if _, err := dialect.Lookup(d.Name()); err != nil { // somebody's own Go type
		change = "begin the dialect's Opening with a dialect.Step that has Read (spec/go-test.md)"
	}
	if fitting := dialect.Greeted(said); len(fitting) > 0 {
		change += ", or try --dialect " + strings.Join(fitting, " or ")
	}
	return fmt.Sprintf("the server speaks first, before it is asked anything, and the %s dialect does not expect it: it says %s; %s", d.Name(), quoted, change)
}

// answersInTLS reports whether the answer to a ClientHello is a TLS record.
func answersInTLS(ctx context.Context, in *target.Instance) bool {
	ctx, cancel := context.WithTimeout(ctx, helloPatience)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, in.Network(), in.Addr().String())
	if err != nil {
		return false
	}
	defer conn.Close()
	heard := &eavesdropper{Conn: conn}
	// Nothing is said behind the handshake, so it does not matter who is at the other end.
	_ = tls.Client(heard, &tls.Config{ServerName: "localhost", InsecureSkipVerify: true}).HandshakeContext(ctx)
	return isTLS(heard.head)
}

// eavesdropper keeps the first bytes that come over a connection.
type eavesdropper struct {
	net.Conn
	head []byte
}

func (e *eavesdropper) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	if room := 6 - len(e.head); room > 0 {
		e.head = append(e.head, b[:min(n, room)]...)
	}
	return n, err
}

// isTLS reports whether b begins with a record that a TLS server sends (RFC 8446 section
// 5.1): an alert or a ServerHello. A ClientHello is an echo of ours.
func isTLS(b []byte) bool {
	const alert, handshake, serverHello = 0x15, 0x16, 2
	if len(b) < 6 || b[1] != 3 || b[2] > 4 {
		return false
	}
	return b[0] == alert && bytes.Equal(b[3:5], []byte{0, 2}) || b[0] == handshake && b[5] == serverHello
}

// HandshakeHint says what to change where a TLS session did not come about; untrusted is
// a certificate that we do not take.
func HandshakeHint(err error) (hint string, untrusted bool) {
	switch {
	case errors.As(err, new(tls.RecordHeaderError)):
		return "it does not speak TLS there: leave --tls out", false
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return "name who vouches for it (tls: ca, --tls-ca), its name (server_name), or take any certificate (insecure, --tls-insecure)", true
	}
	return "see whether it speaks TLS there; if not, leave --tls out", false
}
