package fuzz

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// framesAreTaken takes frames out of any bytes: whatever is taken is framed again to the
// same bytes, and what is read of it can be said again.
func framesAreTaken(t *rapid.T) {
	for stream := streams.Draw(t, "stream"); len(stream) > 0; {
		body, n, err := probe.TakeFrame(stream)
		if err != nil || n == 0 {
			return
		}
		if n > len(stream) || n < len(body) || len(body) > probe.MaxFrame {
			t.Fatalf("took %d bytes of %d for a body of %d", n, len(stream), len(body))
		}
		if _, less, err := probe.TakeFrame(stream[:n-1]); err != nil || less != 0 {
			t.Fatalf("a frame cut by a byte: %d, %v", less, err)
		}
		readBody(t, body)
		stream = stream[n:]
	}
}

func TestFrames(t *testing.T) { rapid.Check(t, framesAreTaken) }
func FuzzFrames(f *testing.F) { drawn(f, framesAreTaken) }

// readBody reads a body both ways and says again what it understood.
func readBody(t *rapid.T, body []byte) {
	if request, err := probe.ParseRequest(body); err == nil {
		again, n, err := probe.TakeFrame(probe.AppendRequest(nil, request))
		if err != nil || n == 0 {
			t.Fatalf("%q is framed again: %d, %v", body, n, err)
		}
		if second, err := probe.ParseRequest(again); err != nil || second.ID != request.ID || second.Verb != request.Verb || !bytes.Equal(second.Args, request.Args) {
			t.Fatalf("%q is %+v, and said again %+v, %v", body, request, second, err)
		}
	}
	if reply, err := probe.ParseReply(body); err == nil {
		again, n, err := probe.TakeFrame(probe.AppendReply(nil, reply))
		if err != nil || n == 0 {
			t.Fatalf("%q is framed again: %d, %v", body, n, err)
		}
		if second, err := probe.ParseReply(again); err != nil || second.ID != reply.ID || second.Status != reply.Status || !bytes.Equal(second.Fields, reply.Fields) {
			t.Fatalf("%q is %+v, and said again %+v, %v", body, reply, second, err)
		}
		_, _ = reply.Field("tid")
		_, _ = reply.Int("ran")
	}
}

// signOnLines draws what a client may begin with, and what is nearly that.
var signOnLines = rapid.Custom(func(t *rapid.T) []byte {
	line := rapid.OneOf(
		rapid.SampledFrom([]string{"ECHO\n", "SINK\r\n", "MAIN\n\n", "PROBE", "SOURCE 0\n", "SOURCE 12\r\n", "SOURCE 007\n", "SOURCE 1099511627776\n", "SOURCE 1099511627777\n", "SOURCE  1\n", "\r\r\n"}),
		rapid.Map(rapid.Uint64(), func(n uint64) string { return fmt.Sprintf("SOURCE %d\n", n) }),
		rapid.Map(rapid.IntRange(probe.MaxSignOn-2, probe.MaxSignOn+3), func(n int) string { return strings.Repeat("E", n) + "\r\n" }),
	).Draw(t, "line")
	return edited(t, []byte(line), "ECHO", "SOURCE ", "\r")
})

// signOnsAreRead reads sign-on lines out of any bytes, whole and in pieces.
func signOnsAreRead(t *rapid.T) {
	stream := signOnLines.Draw(t, "stream")
	line, n, err := probe.TakeLine(stream, probe.MaxSignOn)
	if err != nil || n == 0 {
		return
	}
	for cut := range n {
		if _, less, err := probe.TakeLine(stream[:cut], probe.MaxSignOn); less != 0 || err != nil {
			t.Fatalf("%d of the line's %d bytes: took %d, %v", cut, n, less, err)
		}
	}
	signOn, err := probe.ParseSignOn(line)
	if err != nil {
		return
	}
	plain := string(line)
	for strings.HasPrefix(plain, "SOURCE 0") && plain != "SOURCE 0" {
		plain = "SOURCE " + plain[len("SOURCE 0"):]
	}
	if said := string(signOn.Append(nil)); said != plain+"\n" {
		t.Fatalf("%q is read as %q", line, said)
	}
	again := signOn.Append(nil)
	line, n, err = probe.TakeLine(again, probe.MaxSignOn)
	if err != nil || n != len(again) {
		t.Fatalf("%+v is said %q: %d, %v", signOn, again, n, err)
	}
	if second, err := probe.ParseSignOn(line); err != nil || second != signOn {
		t.Fatalf("%+v is said %q and read %+v, %v", signOn, again, second, err)
	}
}

func TestSignOn(t *testing.T) { rapid.Check(t, signOnsAreRead) }
func FuzzSignOn(f *testing.F) { drawn(f, signOnsAreRead) }

// loginKeepsItsSteps compares the login conversation with what the target
// contract's table says, for any lines.
func loginKeepsItsSteps(t *rapid.T) {
	lines := rapid.OneOf(
		rapid.SampledFrom([]string{"USER ann", "USER", "USER ann lee", "USER é", "KEY k", "KEY", "KEY a b", "SHOW", "SHOW x", "SAY hi", "SAY", "SAY  two", "", " ", "QUIT", "user ann"}),
		rapid.StringMatching(`(USER|KEY|SAY|SHOW) ?[a-zA-Z0-9]{0,34}`),
	)
	item := probe.Item{Conn: 7, Command: probe.Main}
	user, steps := "", 0
	for _, line := range rapid.SliceOfN(lines, 0, 12).Draw(t, "lines") {
		answer, closing := item.Login(nil, []byte(line))
		if bytes.Count(answer, []byte("\n")) != 1 || !bytes.HasSuffix(answer, []byte("\n")) {
			t.Fatalf("%q is answered %q, which is not one line", line, answer)
		}
		if closing != (line == "QUIT") {
			t.Fatalf("%q closes: %v", line, closing)
		}
		text := string(answer)
		switch {
		case strings.HasPrefix(text, "OK USER "):
			if steps != 0 {
				t.Fatalf("%q is accepted in step %d", line, steps)
			}
			user, steps = strings.TrimSpace(text[len("OK USER "):]), 1
			if line != "USER "+user || len(user) < 1 || len(user) > 32 {
				t.Fatalf("%q names the user %q", line, user)
			}
		case text == "OK KEY\n":
			if steps != 1 {
				t.Fatalf("%q is accepted in step %d", line, steps)
			}
			steps = 2
		case strings.HasPrefix(text, "SAID "):
			if want := "SAID " + user + " " + strings.TrimPrefix(strings.TrimPrefix(line, "SAY"), " ") + "\n"; steps != 2 || text != want {
				t.Fatalf("%q in step %d is answered %q, want %q", line, steps, text, want)
			}
		case strings.HasPrefix(text, "ITEM "):
			name := user
			if name == "" {
				name = "-"
			}
			if want := fmt.Sprintf("ITEM 7 MAIN %s %d\n", name, steps); text != want {
				t.Fatalf("SHOW is answered %q, want %q", text, want)
			}
		case !strings.HasPrefix(text, "ERR ") && text != "BYE\n":
			t.Fatalf("%q is answered %q", line, text)
		}
		if item.User != user || item.Steps != steps {
			t.Fatalf("after %q the item is %+v, want user %q, steps %d", line, item, user, steps)
		}
	}
}

func TestLogin(t *testing.T) { rapid.Check(t, loginKeepsItsSteps) }
func FuzzLogin(f *testing.F) { drawn(f, loginKeepsItsSteps) }
