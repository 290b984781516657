package session

import (
	"errors"
	"fmt"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// accepted waits until the server's end of the connection stands among the
// descriptors of its processes, which is what being served means where nothing
// can be said.
func (c *Conn) accepted() {
	tree := c.s.Tree()
	if c.s.Target.Network() == "unix" {
		c.s.Untested("nothing shows whose a unix socket is, and the dialect has no words to ask")
	}
	client := c.Local().String()
	took, held := c.s.Holds(c.budget(), func() bool {
		sockets, err := tree.Sockets()
		switch {
		case errors.Is(err, observe.ErrGone), errors.Is(err, observe.ErrReused):
			c.Failf(Wrong, "the server's process ended", "the process goes on", err.Error(), "")
		case err != nil:
			c.s.Inconclusive("the target's sockets cannot be read: " + err.Error())
		}
		for _, socket := range sockets {
			if socket.Remote == client {
				return true
			}
		}
		return false
	})
	if !held {
		c.Failf(Late, fmt.Sprintf("the server has not accepted the connection from %s within %s, or has closed it", client, milliseconds(c.budget())),
			"the accepted socket stands among the server's descriptors", fmt.Sprintf("it does not, after %s", milliseconds(took)), "")
	}
}
