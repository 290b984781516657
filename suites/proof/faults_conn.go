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
		Breaks:     []string{"CONN-1", "CONN-4", "CONN-5", "CONN-7", "FLOW-1", "FLOW-4", "FLOW-7", "LIFE-3", "LIFE-16"},
		Sometimes:  []string{"CONN-6", "LIFE-22", "LOOP-11", "RES-4"},
		Neighbours: "requests of 100,000 bytes and more fill the buffer only if enough of them has come by the time of the read",
		Because:    "differs | not the one | silence | closed the connection",
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
		Control: []string{"{port}", "none"},
		Dialect: "resp",
		Class:   "multi-reactor", // the runtime's
		Breaks:  []string{"CONN-3", "CONN-5", "CONN-17", "CONN-18", "FLOW-4"},
		Because: "silence | stopped reading",
	},
	{
		Name: "write-interest-is-forgotten",
		Why:  "after a partial write the poller is not asked when the socket takes more",
		File: "reference/conn_turn.go",
		Old: `	if c.out.size > 0 {
		want |= poll.Writable
	}
`,
		New:        "",
		Breaks:     []string{"CONN-4", "CONN-5", "CONN-7", "CONN-9", "CONN-10", "CONN-18", "FLOW-1", "FLOW-4", "LIFE-3", "LIFE-16"},
		Sometimes:  []string{"FLOW-7", "LIFE-22"},
		Neighbours: "output waits only if a client falls behind by more than both socket buffers hold",
		Because:    "silence | stopped reading | reset the connection instead of sending the output | did not arrive",
	},
	{
		Name: "used-up-read-budget-is-forgotten",
		Why:  "with an edge-triggered poller, the loop waits for an event although it is its own budget that left input in the socket, and none will come",
		Args: []string{"--poller", "epollet"},
		File: "reference/conn_turn.go",
		Old: `				r.queue(c) // no event will come for what is left
`,
		New: `				_ = r
`,
		Breaks:     []string{"CONN-4"},
		Sometimes:  []string{"CONN-5", "CONN-7", "CONN-13", "CONN-18", "FLOW-1", "FLOW-4", "FLOW-7", "CONN-1"},
		Neighbours: "megabytes are sent, in CONN-1 half of one, and it is chance whether the last of them came behind a used-up budget or with an edge of their own",
		Because:    "silence | stopped reading",
	},
	{
		Name: "hangup-before-data",
		Why:  "a hang-up that is announced together with data is taken for the hang-up alone",
		File: "reference/conn_turn.go",
		Old: `	c.busy, c.queued = true, false
	gone :=`,
		New: `	c.busy, c.queued = true, false
	if poll.HalfClosed(int(c.fd)) && c.state == stateOpen && !c.ended {
		c.end()
	}
	gone :=`,
		More:       []Edit{awaitEdit},
		Breaks:     []string{"CONN-6", "CONN-11", "CONN-19", "CONN-20", "PROBE-9"},
		Sometimes:  []string{"CONN-7", "CONN-8", "CONN-9", "SIGN-3"},
		Neighbours: "data precedes the FIN by so much that the server has read it by then, unless it was slow",
		Because:    "differs | closed the connection | reset the connection | took in",
	},
	{
		Name: "a-busy-turn-begins-with-hangups",
		Why:  "a turn with more than sixteen events at hand takes hang-ups first, before the data that came with them",
		File: "reference/conn_turn.go",
		Old: `	c.busy, c.queued = true, false
	gone :=`,
		New: `	c.busy, c.queued = true, false
	if c.reactor.atHand > 16 && c.item != nil && c.state == stateOpen && !c.ended && poll.HalfClosed(int(c.fd)) {
		c.end()
	}
	gone :=`,
		More: []Edit{
			{
				"reference/loop.go",
				`		l.handleIO(l.events[:n])
`,
				`		l.atHand = n
		l.handleIO(l.events[:n])
		l.atHand = 0
`,
			},
			{
				"reference/loop.go",
				`	hooks  hooks
`,
				`	hooks  hooks
	atHand int
`,
			},
			awaitEdit,
		},
		Breaks:  []string{"CONN-20"},
		Because: "took in",
	},
	{
		Name: "pending-output-ends-with-input",
		Why:  "output that waits in memory is dropped when the client's FIN is read",
		File: "reference/conn_turn.go",
		Old: `	c.ended = true
	if c.state`,
		New: `	c.ended = true
	c.out.release(&c.reactor.chunks)
	if c.state`,
		Breaks:  []string{"CONN-7", "CONN-9"},
		Because: "closed the connection | reset the connection | differs",
	},
	{
		Name: "idle-end-is-missed",
		Why:  "the client's FIN is acted on only while output waits",
		File: "reference/conversation_echo.go",
		Old: `func (echo) OnOpen(*Conn) {}
`,
		New: `func (echo) OnOpen(*Conn) {}

func (echo) OnEnd(c *Conn) {
	if c.Pending() > 0 {
		c.Close()
	}
}
`,
		Breaks:     []string{"CONN-8", "CONN-19", "RES-1", "RES-6", "PROBE-12"},
		Because:    "still open | still registered",
		Sometimes:  []string{"CONN-7", "RES-2"},
		Neighbours: "16 MiB of output are due, and whether some still waits when the FIN is read depends on the client's pace; of the clients that close with output pending some have read all of it by then",
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
		Name: "close-drops-output",
		Why:  "what SOURCE has handed over together with its close is dropped",
		File: "reference/conversation_source.go",
		Old: `	if s.left == 0 {
		c.Close()
`,
		New: `	if s.left == 0 {
		c.Abort(nil)
`,
		Breaks:  []string{"CONN-9", "CONN-10", "LIFE-3"},
		Because: "closed the connection | reset the connection",
	},
	{
		Name: "sink-answers-after-its-close",
		Why:  "SINK closes before it says what it counted",
		File: "reference/conversation_sink.go",
		Old:  "	line := strconv.AppendUint(",
		New: `	c.Close()
	line := strconv.AppendUint(`,
		Breaks:  []string{"CONN-11", "SIGN-3"},
		Because: "closed the connection",
	},
	{
		Name:       "sigpipe-ends-server",
		Why:        "a write to a connection that its client has reset raises SIGPIPE, which nobody ignores",
		Server:     "polling",
		Args:       []string{"{port}", "sigpipe"},
		Control:    []string{"{port}", "none"},
		Dialect:    "echo",
		Class:      "reactor",
		Breaks:     []string{"ACC-3", "CONN-12", "CONN-13", "CONN-15", "LOOP-6", "LOOP-12", "RES-7", "RES-8"},
		Sometimes:  []string{"LOOP-3", "LOOP-5", "LOOP-18", "MODEL-8", "RES-1", "RES-2", "RES-3", "RES-10"},
		Neighbours: "they close connections with the echo unread, at their end, and the last exchange may be over before the server dies of that; of those that come and go in many ways the first to be reset ends it",
		Because:    "refuses connections | closed the connection | reset the connection | process ended",
	},
	{
		Name: "reset-with-output-is-forgotten",
		Why:  "a connection that was reset while output waits is taken off the poller and never closed",
		File: "reference/conn_turn.go",
		Old: `			c.fail(poll.Fail("read", errno))
			return
`,
		New: `			if c.out.size > 0 {
				r.unwatch(c)
				return
			}
			c.fail(poll.Fail("read", errno))
			return
`,
		More: []Edit{
			{
				"reference/conn_turn.go",
				`			c.fail(poll.Fail("writev", errno))
			return
`,
				`			r.unwatch(c)
			return
`,
			},
			{"reference/conn_turn.go", "	if c.out.size > 0 && (gone ||", "	if c.slot != 0 && c.out.size > 0 && (gone ||"},
			{
				"reference/conn_turn.go",
				`	if gone && !c.wantsInput() {
`,
				`	if c.slot != 0 && gone && !c.wantsInput() {
`,
			},
		},
		Breaks:     []string{"CONN-13"},
		Sometimes:  []string{"RES-2", "RES-3", "RES-7"},
		Neighbours: "clients that are reset with output pending are 64, and hold what they were to get where the kernel had room for less",
		Because:    "sockets are still open",
	},
	{
		Name: "echo-reaches-a-neighbour",
		Why:  "with more than 24 connections on a loop, some of the bytes go to the next connection in the table",
		File: "reference/conversation_echo.go",
		Old:  "	_, _ = c.Write(data)",
		New: `	if r := c.reactor; r.conns.length > 24 && len(data) > 100 && data[50] < 16 {
		c = *r.conns.at((int(c.place) + 1) % r.conns.length)
	}
	_, _ = c.Write(data)`,
		Breaks:     []string{"CONN-14"},
		Sometimes:  []string{"CONN-19", "RES-4"},
		Neighbours: "whoever gets bytes of another is hit; which connections are beside it is chance",
		Because:    "silence | not the one",
	},
	{
		Name: "descriptor-is-closed-twice",
		Why:  "the descriptor of a connection that was reset is closed a second time a little later, when it may be another's",
		File: "reference/server.go",
		Old: `	s.counts.open.Add(-1)
	s.emptied()
}

// panicked`,
		New: `	if c.err != nil {
		time.AfterFunc(200*time.Microsecond, func() { poll.Close(int(c.fd)) })
	}
	s.counts.open.Add(-1)
	s.emptied()
}

// panicked`,
		Breaks:     []string{"CONN-15"},
		Sometimes:  []string{"CONN-12", "CONN-13", "ACC-3", "FLOW-9", "CONN-14", "ACC-7", "ACC-8", "LOOP-4", "LOOP-5", "LOOP-6", "LOOP-12", "TIME-14", "WORK-6", "RES-2", "RES-8", "RES-10", "FLOW-2"},
		Neighbours: "whoever gets the number of a connection that was reset is hit, in the check that resets or in one right behind it, if it is accepted within the moment between the two closes",
		Because:    "closed the connection | reset the connection | silence | refuses",
	},
	{
		Name:    "urgent-byte-stops-splice",
		Why:     "io.Copy between two TCP connections is splice(2), which does not get past an urgent byte",
		Server:  "splice",
		Args:    []string{"{port}"},
		Control: []string{"{port}", "none"},
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
			{"reference/conn_buffer.go", "b.tail.w == chunkSize {", "b.tail.w == chunkSize || len(p) < 1024 {"},
			{
				"reference/conversation_probe.go",
				`		if len(p.out) >= maxReplies {
`,
				`		if len(p.out) > 0 {
`,
			},
		},
		Breaks:  []string{"CONN-18"},
		Because: "closed the connection | reset the connection",
	},
	{
		Name: "half-closed-before-adoption",
		Why:  "a connection whose client has half-closed before its loop knows it is taken for dead",
		File: "reference/reactor.go",
		Old: `	c := &Conn{server: r.server, reactor: r, fd: int32(fd), busy: true}
`,
		New: `	if poll.HalfClosed(fd) {
		r.server.refuse(fd, nil)
		r.open.Add(-1)
		return
	}
	c := &Conn{server: r.server, reactor: r, fd: int32(fd), busy: true}
`,
		More:       []Edit{awaitEdit},
		Breaks:     []string{"CONN-19"},
		Sometimes:  []string{"CONN-9", "CONN-11"},
		Neighbours: "FIN follows the sign-on at once there, and may come before or after the loop takes the connection on",
		Because:    "closed the connection | reset the connection",
	},
	{
		Name:       "abort-cuts-what-is-under-way",
		Why:        "a connection whose client has half-closed ends by RST, whether its output was acknowledged or not",
		Server:     "narrow",
		Args:       []string{"{port}", "cuts"},
		Control:    []string{"{port}", "abort"},
		Dialect:    "echo",
		Class:      "reactor",
		Breaks:     []string{"CONN-7"},
		Sometimes:  []string{"CONN-6", "CONN-19"},
		Neighbours: "100,000 and 20,000 bytes are on their way to a client that reads, and are lost only if it has not taken them by then",
		Because:    "reset the connection",
		Shares:     "what waits in user memory is another fault than what waits in the kernel",
	},
	{
		Name: "wrong-at-one-length-in-echo", Why: "a reply of 769 bytes is wrong in its last byte, and no reply of another length is wrong",
		Server: "paces", Args: []string{"{port}", "echo", "wrong=769"}, Control: []string{"{port}", "echo"}, Dialect: "echo", Class: "reactor",
		Breaks: []string{"CONN-1", "RES-9", "RES-10"}, Because: "not the one | differs | reply",
		Shares:    "full-read-loses-its-last-byte is wrong at every full buffer; this one at one length alone",
		Sometimes: []string{"CONN-15", "CONN-2"}, Neighbours: "their payloads have random lengths, and may have this one",
	},
	{
		Name: "wrong-at-one-length-in-resp", Why: "a reply of 65,537 bytes, one more than 64 KiB, is wrong in its last byte",
		Server: "paces", Args: []string{"{port}", "resp", "wrong=65537"}, Control: []string{"{port}", "resp"}, Dialect: "resp", Class: "reactor",
		Breaks: []string{"CONN-1"}, Because: "not the one | differs | reply",
		Shares:    "the other is wrong at a small length",
		Sometimes: []string{"CONN-15", "CONN-2"}, Neighbours: "their payloads have random lengths, and may have this one",
	},
	{
		Name: "wrong-at-one-length-in-memcache", Why: "likewise at 769 bytes, in memcached's protocol",
		Server: "paces", Args: []string{"{port}", "memcache", "wrong=769"}, Control: []string{"{port}", "memcache"}, Dialect: "memcache", Class: "reactor",
		Breaks: []string{"CONN-1", "RES-9", "RES-10"}, Because: "not the one | differs | reply",
		Shares:    "one length in each dialect",
		Sometimes: []string{"CONN-15", "CONN-2"}, Neighbours: "their payloads have random lengths, and may have this one",
	},
	{
		Name: "wrong-at-one-length-in-http", Why: "likewise at 769 bytes, in a request line",
		Server: "paces", Args: []string{"{port}", "http", "wrong=769"}, Control: []string{"{port}", "http"}, Dialect: "http", Class: "reactor",
		Breaks: []string{"CONN-1", "RES-9", "RES-10"}, Because: "not the one | differs | reply",
		Shares:    "one length in each dialect",
		Sometimes: []string{"CONN-15", "CONN-2", "CONN-14"}, Neighbours: "their payloads have random lengths, and may have this one; the clients of CONN-14 ask for random lengths",
	},
	{
		Name: "wrong-at-one-length", Why: "the last byte of a read of 769 bytes is changed",
		File: "reference/conversation_echo.go",
		Old:  "	_, _ = c.Write(data)",
		New: `	if len(data) == 769 {
		data[768] ^= 1
	}
	_, _ = c.Write(data)`,
		Breaks: []string{"CONN-1", "RES-9", "RES-10"}, Because: "differs | not the one",
		Sometimes: []string{"CONN-2", "CONN-4", "CONN-5", "CONN-7", "CONN-14", "CONN-15"}, Neighbours: "a read of just so many bytes is chance where lengths are random or streams are cut anywhere",
		Shares: "one length in each dialect",
	},
}
