package play

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// ending serves HTTP and ends each connection behind its third reply, which says so
// or does not. It closes in two steps, so that the reply is not lost to a reset, or
// at once.
func ending(says, gently bool) handler {
	return func(_ *server, c *net.TCPConn, _ int) {
		in := bufio.NewReader(c)
		for n := 1; n <= 3; n++ {
			request, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			word := ""
			if n == 3 && says {
				word = "Connection: close\r\n"
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", word, len(request.URL.RawQuery), request.URL.RawQuery)
		}
		if gently {
			_ = c.CloseWrite()
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = io.Copy(io.Discard, c)
		}
	}
}

// A connection that the server says it ends is owed nothing more, in whatever step
// the client learns of it; one that ends without a word is.
func TestAnnouncedEnds(t *testing.T) {
	search := Search{Time: 400 * time.Millisecond, Dir: t.TempDir()}
	run := func(s *session.Session) { search.Run(s, ShapeFor(s)) }
	for _, gently := range []bool{true, false} {
		if a := judged(t, "http", target.File{}, ending(true, gently), run); a.Failure != nil || a.HarnessError != "" || a.Untested != "" {
			t.Errorf("said, gently %t: %+v", gently, a)
		}
	}
	if a := judged(t, "http", target.File{}, ending(false, true), run); a.Failure == nil {
		t.Errorf("not said: %+v", a)
	}
}
