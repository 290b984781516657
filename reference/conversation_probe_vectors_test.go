package reference

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// The conversations of testdata/vectors, held with every class.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../testdata/vectors/exchanges.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name      string
			SignOn    string `json:"sign_on"`
			Send      string
			Want      string
			SendLines []string `json:"send_lines"`
			WantLines []string `json:"want_lines"`
			Fin       bool
			Closed    bool
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("the file holds no vectors")
	}
	onEach(t, func(t *testing.T, o Options) {
		s := start(t, o)
		for _, v := range file.Vectors {
			t.Run(v.Name, func(t *testing.T) {
				c := s.dial()
				defer c.Close()
				c.t = t
				c.send(v.SignOn + "\n" + bytesOf(t, v.Send))
				for _, line := range v.SendLines {
					c.send(line + "\n")
				}
				if v.Fin {
					c.closeWrite()
				}
				number := strings.TrimPrefix(c.line(), "OK ")
				c.want(bytesOf(t, v.Want))
				for _, want := range v.WantLines {
					want = strings.ReplaceAll(want, "{conn}", number)
					if got := c.line(); got != want && !(want == "ERR" && strings.HasPrefix(got, "ERR ")) {
						t.Fatalf("line %q, want %q", got, want)
					}
				}
				if v.Closed {
					c.wantEnd()
					return
				}
				c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				if rest, err := io.ReadAll(c.r); len(rest) > 0 || err == nil {
					t.Errorf("then came %q, %v; want silence", rest, err)
				}
			})
		}
	})
}

func bytesOf(t *testing.T, text string) string {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
