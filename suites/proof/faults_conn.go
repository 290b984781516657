package proof

// Faults of the bytes of a connection.
var connFaults = []Fault{
	{
		Name: "full-read-loses-its-last-byte",
		Why:  "a read that fills the buffer loses the last byte of it",
		File: "reference/conversation_echo.go",
		Old:  "	_, _ = c.Write(data)",
		New: `	if len(data) == readBufferSize {
		_, _ = c.Write(data[:len(data)-1])
		return len(data)
	}
	_, _ = c.Write(data)`,
		Breaks:    []string{"CONN-1", "CONN-4", "CONN-5", "CONN-7", "FLOW-1", "FLOW-4", "FLOW-7", "LOOP-7"},
		Sometimes: []string{"CONN-2", "CONN-3", "CONN-6", "LOOP-11"},
		Because:   "differs | not the one | silence | closed the connection",
	},
	{
		Name: "single-bytes-in-a-row-are-lost",
		Why:  "the second of two reads of one byte each is taken for an echo of the first and dropped",
		File: "reference/conversation_echo.go",
		Old:  "	_, _ = c.Write(data)",
		New: `	if len(data) > 1 {
		c.item.Steps = 0
	} else if c.item.Steps++; c.item.Steps > 1 {
		return len(data)
	}
	_, _ = c.Write(data)`,
		Breaks:  []string{"CONN-2"},
		Because: "not the one | silence",
	},
	{
		Name:    "one-request-a-read",
		Why:     "of the requests that one read brings only the first is answered; the others wait for an event that never comes",
		Server:  "oneread",
		Args:    []string{"{port}"},
		Dialect: "resp",
		Breaks:  []string{"CONN-3", "CONN-5", "CONN-17", "CONN-18", "FLOW-4"},
		Because: "silence | stopped reading",
	},
	{
		Name:      "write-interest-is-forgotten",
		Why:       "after a partial write the poller is not asked when the socket takes more",
		File:      "reference/conn.go",
		Old:       "	if c.out.size > 0 {\n		want |= poll.Writable\n	}\n",
		New:       "",
		Breaks:    []string{"CONN-4", "CONN-5", "CONN-7", "CONN-9", "CONN-10", "CONN-18", "FLOW-4", "LOOP-7", "LIFE-3"},
		Sometimes: []string{"CONN-1", "CONN-3", "CONN-6", "CONN-19", "FLOW-1", "FLOW-7", "PROBE-3"},
		Because:   "silence | stopped reading | reset the connection instead of sending the output",
	},
	{
		Name:      "used-up-read-budget-is-forgotten",
		Why:       "with an edge-triggered poller, what a turn's budget leaves in the socket is waited for though no event will come",
		Args:      []string{"--poller", "epollet"},
		File:      "reference/conn.go",
		Old:       "				r.queue(c) // no event will come for what is left\n",
		New:       "				_ = r\n",
		Breaks:    []string{"CONN-4", "LOOP-7"},
		Sometimes: []string{"CONN-3", "CONN-7", "CONN-18", "FLOW-4", "FLOW-7", "FLOW-1", "CONN-20", "CONN-11", "CONN-12", "CONN-13", "FLOW-2", "FLOW-3", "CONN-5"},
		Because:   "silence | stopped reading",
	},
	{
		Name:      "hangup-before-data",
		Why:       "a hang-up that is announced together with data is taken for the hang-up alone",
		File:      "reference/conn.go",
		Old:       "	c.busy, c.queued = true, false\n	gone :=",
		New:       "	c.busy, c.queued = true, false\n	if poll.HalfClosed(int(c.fd)) && c.state == stateOpen && !c.ended {\n		c.end()\n	}\n	gone :=",
		More:      []Edit{awaitEdit},
		Breaks:    []string{"CONN-6", "CONN-11", "CONN-19", "CONN-20", "PROBE-9", "SIGN-3"},
		Sometimes: []string{"CONN-7", "CONN-8", "CONN-9"},
		Because:   "differs | closed the connection | reset the connection | took in",
	},
	{
		Name:      "pending-output-ends-with-input",
		Why:       "output that waits in memory is dropped when the client's FIN is read",
		File:      "reference/conn.go",
		Old:       "	c.ended = true\n	if c.state",
		New:       "	c.ended = true\n	c.out.release(&c.reactor.chunks)\n	if c.state",
		Breaks:    []string{"CONN-7", "CONN-9"},
		Sometimes: []string{"CONN-6"},
		Because:   "closed the connection | reset the connection | differs",
	},
	{
		Name:      "idle-end-is-missed",
		Why:       "the client's FIN is acted on only while output waits",
		File:      "reference/conversation_echo.go",
		Old:       "func (echo) OnOpen(*Conn) {}\n",
		New:       "func (echo) OnOpen(*Conn) {}\n\nfunc (echo) OnEnd(c *Conn) {\n	if c.Pending() > 0 {\n		c.Close()\n	}\n}\n",
		Breaks:    []string{"CONN-8", "CONN-19", "RES-1", "RES-6"},
		Because:   "still open | still registered",
		Sometimes: []string{"CONN-7", "PROBE-12"},
	},
	{
		Name:    "half-close-is-hang-up",
		Why:     "SOURCE ends when its client half-closes",
		File:    "reference/conversation_source.go",
		Old:     "func (s *source) OnEnd(*Conn) {}",
		New:     "func (s *source) OnEnd(c *Conn) { c.Close() }",
		Breaks:  []string{"CONN-9"},
		Because: "closed the connection | reset the connection",
	},
	{
		Name:      "close-drops-output",
		Why:       "what SOURCE has handed over together with its close is dropped",
		File:      "reference/conversation_source.go",
		Old:       "	if s.left == 0 {\n		c.Close()\n",
		New:       "	if s.left == 0 {\n		c.Abort(nil)\n",
		Breaks:    []string{"CONN-9", "CONN-10", "LIFE-3"},
		Sometimes: []string{"SIGN-1"},
		Because:   "closed the connection | reset the connection",
	},
	{
		Name:    "sink-answers-after-its-close",
		Why:     "SINK closes before it says what it counted",
		File:    "reference/conversation_sink.go",
		Old:     "	line := strconv.AppendUint(",
		New:     "	c.Close()\n	line := strconv.AppendUint(",
		Breaks:  []string{"CONN-11", "SIGN-3"},
		Because: "closed the connection",
	},
	{
		Name:      "sigpipe-ends-server",
		Why:       "a write to a connection that its client has reset raises SIGPIPE, which nobody ignores",
		Server:    "sigpipe",
		Args:      []string{"{port}"},
		Dialect:   "echo",
		Class:     "reactor",
		Breaks:    []string{"ACC-3", "CONN-12", "CONN-13", "CONN-15", "LOOP-12", "RES-2"},
		Sometimes: []string{"LOOP-5", "LOOP-6", "RES-7"},
		Because:   "refuses connections | closed the connection | reset the connection | process ended",
	},
	{
		Name: "reset-with-output-is-forgotten",
		Why:  "a connection that was reset while output waits is taken off the poller and never closed",
		File: "reference/conn.go",
		Old:  "			c.fail(poll.Fail(\"read\", errno))\n			return\n",
		New:  "			if c.out.size > 0 {\n				r.unwatch(c)\n				return\n			}\n			c.fail(poll.Fail(\"read\", errno))\n			return\n",
		More: []Edit{
			{"reference/conn.go", "			c.fail(poll.Fail(\"writev\", errno))\n			return\n", "			r.unwatch(c)\n			return\n"},
			{"reference/conn.go", "	if c.out.size > 0 && (gone ||", "	if c.slot != 0 && c.out.size > 0 && (gone ||"},
			{"reference/conn.go", "	if gone && !c.wantsInput() {\n", "	if c.slot != 0 && gone && !c.wantsInput() {\n"},
		},
		Breaks:  []string{"CONN-13"},
		Because: "descriptors are still open",
	},
	{
		Name: "echo-reaches-a-neighbour",
		Why:  "with more than 24 connections on a loop, some of the bytes go to the next connection in the table",
		File: "reference/conversation_echo.go",
		Old:  "	_, _ = c.Write(data)",
		New: `	if r := c.reactor; len(r.conns) > 24 && len(data) > 100 && data[50] < 16 {
		c = r.conns[(int(c.place)+1)%len(r.conns)]
	}
	_, _ = c.Write(data)`,
		Breaks:  []string{"CONN-14"},
		Because: "silence | not the one",
	},
	{
		Name: "descriptor-is-closed-twice",
		Why:  "the descriptor of a connection that was reset is closed a second time a little later, when it may be another's",
		File: "reference/server.go",
		Old:  "	s.counts.open.Add(-1)\n	s.emptied()\n}\n\n// panicked",
		New: `	if c.err != nil {
		time.AfterFunc(200*time.Microsecond, func() { poll.Close(int(c.fd)) })
	}
	s.counts.open.Add(-1)
	s.emptied()
}

// panicked`,
		Breaks:    []string{"CONN-15"},
		Sometimes: []string{"CONN-12", "CONN-13", "ACC-3", "FLOW-9", "CONN-14", "ACC-7", "ACC-8", "LOOP-5", "LOOP-12", "TIME-14", "WORK-6", "RES-2"},
		Because:   "closed the connection | reset the connection | silence | refuses",
	},
	{
		Name:    "urgent-byte-stops-splice",
		Why:     "io.Copy between two TCP connections is splice(2), which does not get past an urgent byte",
		Server:  "splice",
		Args:    []string{"{port}"},
		Dialect: "echo",
		Class:   "multi-reactor",
		Breaks:  []string{"CONN-16"},
		Because: "silence",
	},
	{
		Name:    "small-replies-wait-for-acks",
		Why:     "Nagle's algorithm is left on, and a reply is written in parts of 4 KiB",
		File:    "reference/internal/poll/listener.go",
		Old:     "unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)",
		New:     "unix.IPPROTO_TCP, unix.TCP_NODELAY, 0)",
		More:    []Edit{{"reference/reactor.go", "buf: make([]byte, readBufferSize)", "buf: make([]byte, 4096)"}},
		Breaks:  []string{"CONN-17"},
		Because: "small replies sent together take",
	},
	{
		Name: "more-pieces-than-writev-takes",
		Why:  "each small reply is a piece of its own, and writev is given more than IOV_MAX of them",
		File: "reference/internal/poll/rawio.go",
		Old:  "const IOVMax = 1024",
		New:  "const IOVMax = 65536",
		More: []Edit{
			{"reference/buffer.go", "b.tail.w == chunkSize {", "b.tail.w == chunkSize || len(p) < 1024 {"},
			{"reference/conversation_probe.go", "		if len(p.out) >= maxReplies {\n", "		if len(p.out) > 0 {\n"},
		},
		Breaks:    []string{"CONN-18"},
		Sometimes: []string{"PROBE-3"},
		Because:   "closed the connection | reset the connection",
	},
	{
		Name:      "half-closed-before-adoption",
		Why:       "a connection whose client has half-closed before its loop knows it is taken for dead",
		File:      "reference/reactor.go",
		Old:       "	c := &Conn{server: r.server, reactor: r, fd: int32(fd), busy: true}\n",
		New:       "	if poll.HalfClosed(fd) {\n		r.server.refuse(fd, nil)\n		r.open.Add(-1)\n		return\n	}\n	c := &Conn{server: r.server, reactor: r, fd: int32(fd), busy: true}\n",
		More:      []Edit{awaitEdit},
		Breaks:    []string{"CONN-19"},
		Sometimes: []string{"CONN-9", "CONN-11"},
		Because:   "closed the connection | reset the connection",
	},
}
