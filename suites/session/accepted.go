package session

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// accepted waits until the server's end of the connection stands among the
// descriptors of its processes, which is what being served means where nothing
// can be said.
func (c *Conn) accepted() {
	c.s.Tree() // or untested
	if c.s.Target.Network() == "unix" {
		c.s.Untested("nothing shows whose a unix socket is, and the dialect has no words to ask")
	}
	client := c.Local().String()
	took, held := c.s.Holds(c.budget(), func() bool {
		sockets, err := c.s.sockets()
		switch {
		case errors.Is(err, observe.ErrGone), errors.Is(err, observe.ErrReused):
			c.Failf(Wrong, "the server's process ended", "the process goes on", err.Error(), "")
		case err != nil:
			c.s.Inconclusive("the target's sockets cannot be read: " + err.Error())
		}
		return slices.ContainsFunc(sockets, func(socket observe.Socket) bool { return socket.Remote == client })
	})
	if !held {
		c.Failf(Late, fmt.Sprintf("the server has not accepted the connection from %s within %s, or has closed it", client, milliseconds(c.budget())),
			"the accepted socket stands among the server's descriptors", fmt.Sprintf("it does not, after %s", milliseconds(took)), "")
	}
}

// socketsSeen is the last look at the target's sockets.
type socketsSeen struct {
	mu    sync.Mutex
	began time.Time
	list  []observe.Socket
	err   error
}

// sockets are those of the target, as a look shows them that began after the call: the
// goroutines that wait for a burst of hundreds share it, since it costs milliseconds.
func (s *Session) sockets() ([]observe.Socket, error) {
	asked, seen := time.Now(), &s.seen
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if seen.began.Before(asked) {
		seen.began = time.Now()
		seen.list, seen.err = s.Tree().Sockets()
	}
	return seen.list, seen.err
}
