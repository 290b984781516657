package proof

// Faults of accepting.
var accFaults = []Fault{
	{
		Name: "long-burst-ends-accepting",
		Why:  "a listener that yields 600 connections in a row is taken for broken and left alone",
		File: "reference/acceptor.go",
		Old: `			if a.server.admit(fd) {
				a.give(fd, from)
			}
		case err == poll.ErrAgain:
`,
		New: `			if a.server.admit(fd) {
				a.give(fd, from)
			}
			if a.row++; a.row > 600 {
				a.paused = true
				_ = a.loop.modify(a.slot, 0)
			}
		case err == poll.ErrAgain:
			a.row = 0
`,
		More: []Edit{
			{
				"reference/acceptor.go",
				`	paused   bool
`,
				`	paused   bool
	row      int
`,
			},
		},
		Breaks:  []string{"ACC-10"},
		Because: "silence | within",
	},
	{
		Name:    "burst-is-refused-in-part",
		Why:     "only as many connections of a burst are kept as a table of 200 holds",
		Args:    []string{"--max-conns", "200"},
		File:    "reference/server.go",
		Old:     "		s.log.Warn(\"refusing a connection;",
		New:     "		s.log.Info(\"refusing a connection;",
		Breaks:  []string{"ACC-1", "ACC-10", "RES-4", "RES-5"},
		Because: "closed the connection | reset the connection",
	},
	{
		Name: "acceptor-waits-for-first-byte",
		Why:  "the accepting thread waits until the client has said something before it hands the connection on",
		File: "reference/class_reactor.go",
		Old: `	r := k.loops[k.balance(from)]
`,
		New: `	poll.Await(fd, 3000)
	r := k.loops[k.balance(from)]
`,
		More: []Edit{
			{
				"reference/class_reactor.go",
				`import (
`,
				`import (
	"github.com/reactorspec/reactorspec/reference/internal/poll"
`,
			},
			awaitEdit,
		},
		Breaks:  []string{"ACC-2", "LIFE-2"},
		Because: "silence",
	},
	{
		Name: "aborted-connection-costs-the-next",
		Why:  "the error of a connection that was aborted in the queue is charged to the one behind it",
		File: "reference/acceptor.go",
		Old: `		case err == nil:
`,
		New: `		case err == nil && poll.PeerAddr(fd) == nil:
			poll.Close(fd)
			a.skip = true
		case err == nil && a.skip:
			poll.Close(fd)
			a.skip = false
		case err == nil:
`,
		More: []Edit{
			{
				"reference/acceptor.go",
				`	paused   bool
`,
				`	paused   bool
	skip     bool
`,
			},
		},
		Breaks:     []string{"ACC-3"},
		Sometimes:  []string{"CONN-12", "CONN-15"},
		Neighbours: "clients reset right behind the handshake there as well, among other moments, and whether one is still in the queue then is a race",
		Because:    "closed the connection | reset the connection",
	},
	{
		Name: "no-descriptors-ends-all",
		Why:  "EMFILE from accept ends all connections",
		File: "reference/acceptor.go",
		Old: `	a.server.acceptFailed(cause)
`,
		New: `	a.server.acceptFailed(cause)
	a.server.class.cut()
`,
		Breaks:  []string{"ACC-4", "ACC-5"},
		Because: "closed the connection | reset the connection",
	},
	{
		Name: "no-descriptors-ends-accepting",
		Why:  "the listener that was taken off the poller at EMFILE is never put back",
		File: "reference/acceptor.go",
		Old: `	if _, err := a.loop.After(acceptPause, a.resume); err != nil {
		a.server.log.Error("the listener stays paused", "error", err)
	}
`,
		New:     "",
		Breaks:  []string{"ACC-5"},
		Because: "silence | no connection",
	},
	{
		Name: "no-descriptors-spins",
		Why:  "the listener stays on the level-triggered poller at EMFILE",
		File: "reference/acceptor.go",
		Old: `			a.pause(err)
`,
		New: `			a.server.acceptFailed(err)
`,
		Breaks:  []string{"ACC-6"},
		Because: "of a core is used",
	},
	{
		Name: "all-on-one-loop",
		Why:  "every connection is given to the first loop",
		File: "reference/class_reactor.go",
		Old: `	r := k.loops[k.balance(from)]
`,
		New: `	_ = k.balance
	r := k.loops[0]
`,
		Breaks:  []string{"ACC-7"},
		Because: "serve none of",
	},
	{
		Name:    "second-loop-gets-none",
		Why:     "one of two pollers is given every connection; the other's thread waits for ever",
		Server:  "onepoller",
		Args:    []string{"{port}", "idle"},
		Control: []string{"{port}", "two"},
		Dialect: "echo",
		Class:   "multi-reactor",
		Breaks:  []string{"ACC-7"},
		Shares:  "all-on-one-loop can be asked where a connection is; here the pollers are seen from outside",
		Because: "one poller serves all",
	},
	{
		Name:    "listener-is-closed-without-descriptors",
		Why:     "a listener whose accept has failed for want of descriptors is closed for good",
		Server:  "plain",
		Args:    []string{"{port}", "closes"},
		Control: []string{"{port}", "none"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"ACC-5"},
		Because: "refuses connections",
		Shares:  "no-descriptors-ends-accepting keeps its listener, and clients wait in the queue; here they are refused",
	},
	{
		Name:    "listener-is-closed-with-the-last-descriptor",
		Why:     "the listener is closed for good when the last descriptor is taken, before any accept has failed and with nobody in the queue",
		Server:  "plain",
		Args:    []string{"{port}", "closes-early"},
		Control: []string{"{port}", "none"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"ACC-5"},
		Because: "refuses connections",
		Shares:  "the other closes it with a client in the queue, whose connection is reset",
	},
	{
		Name:       "one-client-for-each-edge",
		Why:        "an edge-triggered listener with a queue of four accepts one client for each edge, so some of those who come together are left waiting",
		Server:     "plain",
		Args:       []string{"{port}", "edge=one", "3"},
		Control:    []string{"{port}", "edge=all", "3"},
		Dialect:    "echo",
		Class:      "reactor",
		Breaks:     []string{"ACC-1"},
		Because:    "silence",
		Sometimes:  []string{"MODEL-3", "MODEL-7", "MODEL-8", "ACC-2", "ACC-3", "ACC-4", "ACC-5", "ACC-10", "CONN-6", "CONN-12", "CONN-14", "CONN-15", "CONN-19", "LOOP-6", "LOOP-12", "RES-1", "RES-2", "RES-3", "RES-7", "RES-8"},
		Neighbours: "clients come side by side there too, three or four at a time, and whether two come before the loop looks is chance",
		Slow:       "who is left out waits until a clause gives up, in all that have clients come together",
	},
	{
		Name: "sockets-are-inherited",
		Why:  "accepted sockets stay open across exec",
		File: "reference/internal/poll/listener.go",
		Old: `	flags := unix.SOCK_CLOEXEC
`,
		New: `	flags := 0
`,
		Breaks:  []string{"ACC-8"},
		Because: "would be inherited",
	},
	{
		Name:    "port-is-lost-for-a-minute",
		Why:     "the listener's address may not be reused while old connections are in TIME_WAIT",
		File:    "reference/internal/poll/listener.go",
		Old:     "unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)",
		New:     "unix.SOL_SOCKET, unix.SO_REUSEADDR, 0)",
		Breaks:  []string{"ACC-9"},
		Because: "does not come up again",
	},
	{
		Name:    "full-house-ends-accepting",
		Why:     "the listener is left alone while a hundred clients are there, and is never taken up again",
		Server:  "narrow",
		Args:    []string{"{port}", "most=100", "forgets"},
		Control: []string{"{port}"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"ACC-1", "ACC-10"},
		Because: "silence",
	},
	{
		Name: "one-of-many-loops-is-left-out",
		Why:  "a hash of the address chooses among 64 loops, and never chooses the last",
		Args: []string{"--loops", "64", "--balance", "source-hash"},
		File: "reference/class_reactor.go",
		Old: `	r := k.loops[k.balance(from)]
`,
		New: `	r := k.loops[k.balance(from)%63]
`,
		Breaks:  []string{"ACC-7"},
		Shares:  "the other leaves all loops out but one, and would be found with a handful of clients",
		Because: "serve none of",
	},
	{
		Name:       "unix-client-is-lost",
		Why:        "on a unix socket the 40th client that one turn accepts is closed unheard",
		Server:     "narrow",
		Args:       []string{"{socket}", "backlog=100", "loses=40"},
		Control:    []string{"{socket}", "backlog=100"},
		Dialect:    "echo",
		Class:      "reactor",
		Breaks:     []string{"ACC-1"},
		Sometimes:  []string{"ACC-10", "CONN-14", "CONN-15", "CONN-19", "FLOW-5", "FLOW-9", "LOOP-6", "LOOP-12", "LOOP-18", "MODEL-7", "MODEL-8", "RES-1", "RES-2", "RES-3", "RES-7", "RES-10"},
		Neighbours: "whether forty come in one turn of the loop is chance there",
		Because:    "closed the connection | reset the connection",
		Shares:     "the other leaves clients in the queue of a TCP listener: this one has them, and lets them go",
	},
}
