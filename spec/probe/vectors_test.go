package probe

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// hexBytes is a byte string of the vectors.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	decoded, err := hex.DecodeString(string(text))
	*h = decoded
	return err
}

func vectors[T any](t *testing.T, file string) []T {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "vectors", file))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	var page struct {
		About   string
		Vectors []T
	}
	if err := decoder.Decode(&page); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if page.About == "" || len(page.Vectors) == 0 {
		t.Fatalf("%s is empty", file)
	}
	return page.Vectors
}

// word is the vectors' name of an error.
func word(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrTooLong):
		return "too-long"
	case errors.Is(err, ErrSignOn):
		return "sign-on"
	case errors.Is(err, ErrLength):
		return "length"
	case errors.Is(err, ErrID):
		return "id"
	case errors.Is(err, ErrStatus):
		return "status"
	}
	return err.Error()
}

func TestSignOnVectors(t *testing.T) {
	for _, v := range vectors[struct {
		Name, Command, Error string
		Bytes                hexBytes
		Used                 int
		N                    uint64
	}](t, "signon.json") {
		t.Run(v.Name, func(t *testing.T) {
			signOn, used, err := signOnOf(v.Bytes)
			problem := word(err)
			if err == nil && used == 0 {
				problem = "more"
			}
			if problem != v.Error || signOn != (SignOn{v.Command, v.N}) || used != v.Used {
				t.Errorf("%q gives %+v, %d bytes used, error %q; want %s %d, %d, %q",
					v.Bytes, signOn, used, problem, v.Command, v.N, v.Used, v.Error)
			}
		})
	}
}

// signOnOf decodes a sign-on at the front of buf.
func signOnOf(buf []byte) (SignOn, int, error) {
	line, used, err := TakeLine(buf, MaxSignOn)
	if err != nil || used == 0 {
		return SignOn{}, 0, err
	}
	signOn, err := ParseSignOn(line)
	if err != nil {
		used = 0
	}
	return signOn, used, err
}

func TestRequestVectors(t *testing.T) {
	for _, v := range vectors[struct {
		Name, Error string
		Bytes       hexBytes
		Rest        int
		Requests    []struct {
			ID   uint32
			Verb string
			Args hexBytes
		}
	}](t, "requests.json") {
		t.Run(v.Name, func(t *testing.T) {
			for _, cuts := range []int{len(v.Bytes), 1} {
				requests, rest, err := decode(v.Bytes, cuts, ParseRequest)
				if len(requests) != len(v.Requests) || rest != v.Rest || word(err) != v.Error {
					t.Fatalf("fed %d at a time: %d requests, %d left, error %q; want %d, %d, %q",
						cuts, len(requests), rest, word(err), len(v.Requests), v.Rest, v.Error)
				}
				for i, want := range v.Requests {
					got := requests[i]
					if got.ID != want.ID || got.Verb != want.Verb || !bytes.Equal(got.Args, want.Args) {
						t.Errorf("request %d is %+v, want %+v", i, got, want)
					}
				}
			}
		})
	}
}

func TestReplyVectors(t *testing.T) {
	for _, v := range vectors[struct {
		Name, Error string
		Bytes       hexBytes
		Rest        int
		Replies     []struct {
			ID     uint32
			Status Status
			Fields hexBytes
		}
	}](t, "replies.json") {
		t.Run(v.Name, func(t *testing.T) {
			for _, cuts := range []int{len(v.Bytes), 1} {
				replies, rest, err := decode(v.Bytes, cuts, ParseReply)
				if len(replies) != len(v.Replies) || rest != v.Rest || word(err) != v.Error {
					t.Fatalf("fed %d at a time: %d replies, %d left, error %q; want %d, %d, %q",
						cuts, len(replies), rest, word(err), len(v.Replies), v.Rest, v.Error)
				}
				for i, want := range v.Replies {
					got := replies[i]
					if got.ID != want.ID || got.Status != want.Status || !bytes.Equal(got.Fields, want.Fields) {
						t.Errorf("reply %d is %+v, want %+v", i, got, want)
					}
				}
			}
		})
	}
}

// decode takes all frames of a stream that arrives in segments of that many
// bytes and says how many bytes of the whole stream stay undecoded.
func decode[T any](stream []byte, segment int, parse func([]byte) (T, error)) (decoded []T, rest int, err error) {
	segment = max(segment, 1)
	for arrived, used := 0, 0; ; {
		body, n, err := TakeFrame(stream[used:arrived])
		var one T
		if err == nil && n > 0 {
			one, err = parse(body)
		}
		switch {
		case err != nil:
			return decoded, len(stream) - used, err
		case n > 0:
			decoded, used = append(decoded, one), used+n
		case arrived == len(stream):
			return decoded, len(stream) - used, nil
		default:
			arrived = min(arrived+segment, len(stream))
		}
	}
}

// The exchanges are run against the smallest server that the codec makes
// possible, so that vectors and codec agree; real servers get them in suites.
func TestExchangeVectors(t *testing.T) {
	const conn = 7
	for _, v := range vectors[struct {
		Name      string
		SignOn    string   `json:"sign_on"`
		SendLines []string `json:"send_lines"`
		WantLines []string `json:"want_lines"`
		Send      hexBytes
		Want      hexBytes
		Fin       bool
		Closed    bool
	}](t, "exchanges.json") {
		t.Run(v.Name, func(t *testing.T) {
			send := []byte(v.Send)
			for _, line := range v.SendLines {
				send = append(send, line+"\n"...)
			}
			got, closed := converse(t, v.SignOn, send, v.Fin, conn)
			if closed != v.Closed {
				t.Errorf("closed: %v, want %v", closed, v.Closed)
			}
			if v.SendLines == nil && !bytes.Equal(got, v.Want) {
				t.Errorf("answered %q, want %q", got, v.Want)
			}
			if v.SendLines != nil {
				wantLines(t, string(got), v.WantLines, conn)
			}
		})
	}
}

func wantLines(t *testing.T, got string, want []string, conn int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("answered %q, want %q", lines, want)
	}
	for i, line := range lines {
		expected := strings.ReplaceAll(want[i], "{conn}", strconv.Itoa(conn))
		if line != expected && (want[i] != "ERR" || !strings.HasPrefix(line, "ERR ")) {
			t.Errorf("line %d is %q, want %q", i, line, expected)
		}
	}
}

// converse answers a whole conversation after its OK line.
func converse(t *testing.T, line string, in []byte, fin bool, conn uint64) (out []byte, closed bool) {
	t.Helper()
	signOn, err := ParseSignOn([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	switch signOn.Command {
	case Echo:
		return in, fin
	case Sink:
		return []byte("SUNK " + strconv.Itoa(len(in)) + "\n"), fin
	case Source:
		for i := range signOn.N {
			out = append(out, byte(i%251))
		}
		return out, true
	case Main:
		item := Item{Conn: conn, Command: Main}
		for len(in) > 0 && !closed {
			line, n, err := TakeLine(in, MaxSignOn)
			if err != nil || n == 0 {
				return out, fin
			}
			out, closed = item.Login(out, line)
			in = in[n:]
		}
		return out, closed || fin
	}
	requests, _, err := decode(in, len(in), ParseRequest)
	for _, request := range requests {
		reply := Reply{ID: request.ID, Status: Unsupported}
		if request.Verb == "PING" {
			reply.Status, reply.Fields = OK, request.Args
		}
		out = AppendReply(out, reply)
	}
	return out, fin || err != nil
}
