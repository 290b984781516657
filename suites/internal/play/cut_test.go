package play

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// complaining answers ECHO of RESP and, where the client's FIN cuts a request, says so;
// says is what it says where nothing was cut.
func complaining(says string) handler {
	return func(_ *server, c *net.TCPConn, _ int) {
		for in := bufio.NewReader(c); ; {
			if _, err := in.Peek(1); err != nil {
				_, _ = c.Write([]byte(says))
				return
			}
			var size int
			if _, err := fmt.Fscanf(in, "*2\r\n$4\r\nECHO\r\n$%d\r\n", &size); err != nil {
				_, _ = c.Write([]byte("-ERR the request is cut\r\n"))
				return
			}
			payload := make([]byte, size+2)
			if _, err := io.ReadFull(in, payload); err != nil {
				_, _ = c.Write([]byte("-ERR the request is cut\r\n"))
				return
			}
			fmt.Fprintf(c, "$%d\r\n%s", size, payload)
		}
	}
}

// A request that the client's FIN has cut may be answered by an error; behind whole
// requests nothing more is due.
func TestACutRequestMayBeComplainedOf(t *testing.T) {
	played := func(steps, says string) session.Attempt {
		read, err := transcript.Parse("x", []byte("reactorspec transcript 1\nclause CONN-22\n"+steps))
		if err != nil {
			t.Fatal(err)
		}
		return judged(t, "resp", target.File{Promises: []string{"CONN-6"}}, complaining(says), func(s *session.Session) { Play(s, read) })
	}
	for _, steps := range []string{"1 open\n1 ask 10\n1 push 1\n1 end\n", "1 open\n1 ask 10\n1 push all\n1 ask 20\n1 push 30\n1 end\n"} {
		if a := played(steps, ""); a.Failure != nil || a.HarnessError != "" {
			t.Errorf("%q: %+v %s", steps, a.Failure, a.HarnessError)
		}
	}
	if a := played("1 open\n1 ask 10\n1 push all\n1 end\n", "-ERR good bye\r\n"); a.Failure == nil {
		t.Error("a server that says more than is due is not blamed")
	}
}
