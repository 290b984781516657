package proof

// Faults of accepting.
var accFaults = []Fault{
	{
		Name: "long-burst-ends-accepting", Why: "a listener that yields 600 connections in a row is taken for broken and left alone",
		File: "reference/acceptor.go", Old: "			if a.server.admit(fd) {\n				a.give(fd, from)\n			}\n		case err == poll.ErrAgain:\n", New: "			if a.server.admit(fd) {\n				a.give(fd, from)\n			}\n			if a.row++; a.row > 600 {\n				a.paused = true\n				_ = a.loop.modify(a.slot, 0)\n			}\n		case err == poll.ErrAgain:\n			a.row = 0\n",
		More:   []Edit{{"reference/acceptor.go", "	paused   bool\n", "	paused   bool\n	row      int\n"}},
		Breaks: []string{"ACC-10"}, Because: "silence | within",
	},
	{
		Name:    "burst-is-refused-in-part",
		Why:     "of a burst only as many connections are kept as a table of 200 holds",
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
		Old:  "	r := k.loops[k.balance(from)]\n",
		New:  "	poll.Await(fd, 3000)\n	r := k.loops[k.balance(from)]\n",
		More: []Edit{
			{"reference/class_reactor.go", "import (\n", "import (\n	\"github.com/reactorspec/reactorspec/reference/internal/poll\"\n"},
			awaitEdit,
		},
		Breaks:  []string{"ACC-2", "LIFE-2"},
		Because: "silence",
	},
	{
		Name: "aborted-connection-costs-the-next",
		Why:  "the error of a connection that was aborted in the queue is charged to the one behind it",
		File: "reference/acceptor.go",
		Old:  "		case err == nil:\n",
		New: `		case err == nil && poll.PeerAddr(fd) == nil:
			poll.Close(fd)
			a.skip = true
		case err == nil && a.skip:
			poll.Close(fd)
			a.skip = false
		case err == nil:
`,
		More:       []Edit{{"reference/acceptor.go", "	paused   bool\n", "	paused   bool\n	skip     bool\n"}},
		Breaks:     []string{"ACC-3"},
		Sometimes:  []string{"CONN-12", "CONN-15"},
		Neighbours: "clients reset right behind the handshake there as well, among other moments, and whether one is still in the queue then is a race",
		Because:    "closed the connection | reset the connection",
	},
	{
		Name:    "no-descriptors-ends-all",
		Why:     "EMFILE from accept ends all connections",
		File:    "reference/acceptor.go",
		Old:     "	a.server.acceptFailed(cause)\n",
		New:     "	a.server.acceptFailed(cause)\n	a.server.class.cut()\n",
		Breaks:  []string{"ACC-4", "ACC-5"},
		Because: "closed the connection | reset the connection",
	},
	{
		Name:    "no-descriptors-ends-accepting",
		Why:     "the listener that was taken off the poller at EMFILE is never put back",
		File:    "reference/acceptor.go",
		Old:     "	if _, err := a.loop.After(acceptPause, a.resume); err != nil {\n		a.server.log.Error(\"the listener stays paused\", \"error\", err)\n	}\n",
		New:     "",
		Breaks:  []string{"ACC-5"},
		Because: "silence | no connection",
	},
	{
		Name:    "no-descriptors-spins",
		Why:     "the listener stays on the level-triggered poller at EMFILE",
		File:    "reference/acceptor.go",
		Old:     "			a.pause(err)\n",
		New:     "			a.server.acceptFailed(err)\n",
		Breaks:  []string{"ACC-6"},
		Because: "of a core is used",
	},
	{
		Name:    "all-on-one-loop",
		Why:     "every connection is given to the first loop",
		File:    "reference/class_reactor.go",
		Old:     "	r := k.loops[k.balance(from)]\n",
		New:     "	_ = k.balance\n	r := k.loops[0]\n",
		Breaks:  []string{"ACC-7"},
		Because: "serve none of",
	},
	{
		Name:    "sockets-are-inherited",
		Why:     "accepted sockets stay open across exec",
		File:    "reference/internal/poll/listener.go",
		Old:     "	flags := unix.SOCK_CLOEXEC\n",
		New:     "	flags := 0\n",
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
}
