package probe

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReplyFields(t *testing.T) {
	reply := Reply{Fields: []byte("ran=12 loop=0 late=-5 word= big=9223372036854775808 ran=13 bare x=a=b")}
	for key, want := range map[string]string{"ran": "12", "late": "-5", "word": "", "x": "a=b"} {
		if got, found := reply.Field(key); !found || got != want {
			t.Errorf("field %s is %q, %v; want %q", key, got, found, want)
		}
	}
	for _, key := range []string{"an", "bare", "missing", ""} {
		if got, found := reply.Field(key); found {
			t.Errorf("field %q is %q, want none", key, got)
		}
	}
	if n, err := reply.Int("late"); n != -5 || err != nil {
		t.Errorf("late is %d, %v", n, err)
	}
	for key, want := range map[string]string{
		"missing": "reply has no field missing",
		"word":    "reply has no field word",
		"x":       `reply field x="a=b" is not a 64-bit number`,
		"big":     `reply field big="9223372036854775808" is not a 64-bit number`,
	} {
		var fieldError *FieldError
		if _, err := reply.Int(key); !errors.As(err, &fieldError) || err.Error() != want {
			t.Errorf("number %s: %v, want %s", key, err, want)
		}
	}
}

// What the contract leaves open, and no vector shows, is settled here for our
// own servers.
func TestWhatTheContractLeavesOpen(t *testing.T) {
	exactly := strings.Repeat("x", MaxSignOn)
	for _, test := range []struct {
		line string
		used int
		err  error
	}{
		{exactly, 0, nil}, {exactly + "\r", 0, nil}, {exactly + "\n", MaxSignOn + 1, nil}, {exactly + "\r\n", MaxSignOn + 2, nil},
		{exactly + "x", 0, ErrTooLong}, {exactly + "\r\r", 0, ErrTooLong}, {exactly + "\rx", 0, ErrTooLong},
	} {
		if _, used, err := TakeLine([]byte(test.line), MaxSignOn); used != test.used || err != test.err {
			t.Errorf("%d bytes, the last %q: %d used, %v", len(test.line), test.line[len(test.line)-1], used, err)
		}
	}
	for _, body := range []string{"4294967296 PING", "18446744073709551617 PING"} {
		if _, err := ParseRequest([]byte(body)); err != ErrID {
			t.Errorf("%s: %v", body, err)
		}
	}
	if request, err := ParseRequest([]byte("7")); err != nil || request.ID != 7 || request.Verb != "" {
		t.Errorf("an id alone: %+v, %v", request, err)
	}
	item := Item{Conn: 1, Command: Main}
	for _, step := range []struct{ line, answer string }{
		{"USER ann", "OK USER ann\n"}, {"USER bob", "ERR the user is already named\n"}, {"KEY a", "OK KEY\n"}, {"KEY b", "ERR KEY comes once, after USER\n"}, {"SHOW", "ITEM 1 MAIN ann 2\n"},
	} {
		if answer, _ := item.Login(nil, []byte(step.line)); string(answer) != step.answer {
			t.Errorf("%s: %s", step.line, answer)
		}
	}
}

func TestFrameOfTheGreatestBody(t *testing.T) {
	args := bytes.Repeat([]byte{'x'}, MaxFrame-len("1 PING "))
	frame := AppendRequest([]byte("before"), Request{ID: 1, Verb: "PING", Args: args})[len("before"):]
	body, n, err := TakeFrame(frame)
	if err != nil || n != len(frame) || len(body) != MaxFrame {
		t.Fatalf("%d bytes of %d taken, body of %d, %v", n, len(frame), len(body), err)
	}
	request, err := ParseRequest(body)
	if err != nil || !bytes.Equal(request.Args, args) {
		t.Errorf("the arguments did not survive: %v", err)
	}
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "limit is 65536") {
			t.Errorf("a body above the limit panics with %q", text)
		}
	}()
	AppendRequest(nil, Request{ID: 1, Verb: "PING", Args: append(args, 'x')})
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	frame := AppendRequest(nil, Request{ID: 77, Verb: "PING", Args: []byte("payload")})
	out := make([]byte, 0, 128)
	if n := testing.AllocsPerRun(100, func() {
		body, _, _ := TakeFrame(frame)
		request, _ := ParseRequest(body)
		out = AppendReply(out[:0], Reply{ID: request.ID, Status: OK, Fields: request.Args})
	}); n != 0 {
		t.Errorf("a PING costs %v allocations", n)
	}
}

var anyBytes = rapid.SliceOfN(rapid.Byte(), 0, 300)

func signOns(t *rapid.T) SignOn {
	signOn := SignOn{Command: rapid.SampledFrom([]string{Echo, Sink, Source, Main, Probe}).Draw(t, "command")}
	if signOn.Command == Source {
		signOn.N = rapid.Uint64Range(0, MaxSource).Draw(t, "n")
	}
	return signOn
}

// Whatever follows a sign-on line, and wherever the stream is cut, the line
// decodes to what was encoded, and not before its newline has come.
func TestSignOnSurvivesEverySplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		signOn := signOns(t)
		line := signOn.Append(nil)
		stream := append(bytes.Clone(line), anyBytes.Draw(t, "following")...)
		for cut := range len(stream) + 1 {
			got, used, err := signOnOf(stream[:cut])
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if cut < len(line) && used != 0 {
				t.Fatalf("cut at %d: used %d bytes of an unfinished line", cut, used)
			}
			if cut >= len(line) && (got != signOn || used != len(line)) {
				t.Fatalf("cut at %d: %+v, %d used", cut, got, used)
			}
		}
	})
}

// A verdict on a longer prefix never contradicts the one on a shorter: once a
// line is taken or refused, later bytes change nothing.
func TestLineVerdictIsStable(t *testing.T) {
	letters := rapid.SampledFrom([]byte("ECHO x\r\r\n\n\x00"))
	rapid.Check(t, func(t *rapid.T) {
		stream := rapid.SliceOfN(letters, 0, 40).Draw(t, "stream")
		limit := rapid.IntRange(0, 12).Draw(t, "limit")
		var first []byte
		taken, refused := 0, false
		for cut := range len(stream) + 1 {
			line, n, err := TakeLine(stream[:cut], limit)
			switch {
			case refused && err == nil:
				t.Fatalf("refused before %d bytes, then not", cut)
			case taken > 0 && (n != taken || !bytes.Equal(line, first)):
				t.Fatalf("took %q, with %d bytes it is %q", first, cut, line)
			case err == nil && len(line) > limit:
				t.Fatalf("took a line of %d, the limit is %d", len(line), limit)
			}
			refused, taken, first = err != nil, n, line
		}
	})
}

type message struct {
	id   uint32
	word string
	rest []byte
}

// messages draws what a stream of frames says; a status is a fine verb too.
func messages(t *rapid.T) []message {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) message {
		return message{
			id:   rapid.Uint32().Draw(t, "id"),
			word: string(rapid.SampledFrom(statuses[:]).Draw(t, "word")),
			rest: anyBytes.Draw(t, "rest"),
		}
	}), 0, 5).Draw(t, "messages")
}

// Requests and replies survive a round trip however the stream is segmented,
// and a truncated stream gives exactly its whole frames.
func TestFramesSurviveSegmentsAndTruncation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := messages(t)
		var stream []byte
		ends := []int{0}
		for i, m := range sent {
			if i%2 == 0 {
				stream = AppendRequest(stream, Request{ID: m.id, Verb: m.word, Args: m.rest})
			} else {
				stream = AppendReply(stream, Reply{ID: m.id, Status: Status(m.word), Fields: m.rest})
			}
			ends = append(ends, len(stream))
		}
		length := rapid.IntRange(0, len(stream)).Draw(t, "length")
		segment := rapid.IntRange(1, 50).Draw(t, "segment")
		whole := 0
		for ends[whole] < length && ends[whole+1] <= length {
			whole++
		}
		requests, rest, err := decode(stream[:length], segment, ParseRequest)
		if err != nil || len(requests) != whole || rest != length-ends[whole] {
			t.Fatalf("%d requests, %d left, %v; want %d, %d", len(requests), rest, err, whole, length-ends[whole])
		}
		replies, _, err := decode(stream[:length], segment, ParseReply)
		if err != nil || len(replies) != whole {
			t.Fatalf("%d replies, %v; want %d", len(replies), err, whole)
		}
		for i, request := range requests {
			if request.ID != sent[i].id || request.Verb != sent[i].word || !bytes.Equal(request.Args, sent[i].rest) {
				t.Fatalf("request %d is %+v, want %+v", i, request, sent[i])
			}
			if replies[i].ID != sent[i].id || string(replies[i].Status) != sent[i].word || !bytes.Equal(replies[i].Fields, sent[i].rest) {
				t.Fatalf("reply %d is %+v, want %+v", i, replies[i], sent[i])
			}
		}
	})
}

// Arbitrary bytes never panic a decoder, never use more than there is, and what
// decodes encodes to an equal meaning.
func TestArbitraryBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.OneOf(anyBytes, rapid.Map(rapid.StringMatching(`[0-9]{0,11}[ x]?[A-Za-z]{0,12} ?.{0,9}`),
			func(s string) []byte { return []byte(s) })).Draw(t, "body")
		if taken, n, err := TakeFrame(body); n > len(body) || len(taken) > n || err != nil && n != 0 {
			t.Fatalf("took %d of %d bytes, %v", n, len(body), err)
		}
		if signOn, err := ParseSignOn(body); err == nil {
			line := signOn.Append(nil)
			if again, err := ParseSignOn(line[:len(line)-1]); again != signOn || err != nil {
				t.Fatalf("%q means %+v, its encoding %+v, %v", body, signOn, again, err)
			}
		}
		request, err := ParseRequest(body)
		if err != nil {
			return
		}
		frame := AppendRequest(nil, request)
		again, err := ParseRequest(frame[headerSize:])
		if err != nil || again.ID != request.ID || again.Verb != request.Verb || !bytes.Equal(again.Args, request.Args) {
			t.Fatalf("%q means %+v, its encoding %+v, %v", body, request, again, err)
		}
	})
}

// The login conversation never goes back: steps only grow, the user stays, and
// a refused line changes nothing.
func TestLoginOnlyAdvances(t *testing.T) {
	lines := rapid.SampledFrom([]string{
		"USER ann", "USER b", "USER", "USER ", "USER a b", "USER é", "KEY k", "KEY", "KEY a b", "SHOW", "SHOW x", "SAY", "SAY a", "QUIT", "QUIT now", "", "user ann",
	})
	rapid.Check(t, func(t *rapid.T) {
		item := Item{Conn: 3, Command: Main}
		for _, line := range rapid.SliceOfN(lines, 0, 12).Draw(t, "lines") {
			before := item
			answer, closing := item.Login(nil, []byte(line))
			refused := bytes.HasPrefix(answer, []byte("ERR "))
			switch {
			case bytes.Count(answer, []byte{'\n'}) != 1 || answer[len(answer)-1] != '\n':
				t.Fatalf("%q is answered %q, not by one line", line, answer)
			case closing != (line == "QUIT"):
				t.Fatalf("%q: closing is %v", line, closing)
			case refused && item != before:
				t.Fatalf("%q is refused but changes %+v to %+v", line, before, item)
			case item.Steps < before.Steps || item.Steps > before.Steps+1 || before.User != "" && item.User != before.User:
				t.Fatalf("%q changes %+v to %+v", line, before, item)
			case item.Steps != before.Steps && !strings.HasPrefix(string(answer), "OK "):
				t.Fatalf("%q advances but is answered %q", line, answer)
			}
		}
		if ok := string(item.AppendOK(nil)); ok != "OK 3\n" {
			t.Fatalf("the OK line is %q", ok)
		}
	})
}
