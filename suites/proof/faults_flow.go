package proof

// Faults of back-pressure and fairness.
var flowFaults = []Fault{
	{
		Name:    "reading-pauses-too-early",
		Why:     "reading pauses at 64 KiB of unread output, though 16 MiB are declared, until all of it is gone",
		File:    "reference/conn.go",
		Old:     "		if c.out.size > c.server.options.Limit {",
		New:     "		if c.out.size > 64<<10 {",
		More:    []Edit{{"reference/conn_turn.go", "c.congested && c.out.size <= c.server.options.LowWater", "c.congested && c.out.size == 0"}},
		Breaks:  []string{"FLOW-1"},
		Because: "unread, at no more than its limit",
	},
	{
		Name: "output-without-bound",
		Why:  "reading never pauses, however much output waits",
		Args: []string{"--limit", "1048576"},
		File: "reference/conn.go",
		Old: `			c.congested = true
`,
		New: `			_ = c
`,
		Breaks:  []string{"FLOW-2", "FLOW-3", "FLOW-11"},
		Because: "from a client that reads nothing | memory grew",
	},
	{
		Name:   "output-beyond-a-declared-heap",
		Why:    "reading never pauses, however much output waits, and the target file declares a heap that is collected at 600 MiB",
		Args:   []string{"--limit", "1048576"},
		Memory: 600 << 20,
		File:   "reference/conn.go",
		Old: `			c.congested = true
`,
		New: `			_ = c
`,
		Breaks:  []string{"FLOW-2", "FLOW-3"},
		Because: "from a client that reads nothing | memory grew",
	},
	{
		Name:    "process-for-each-without-bound",
		Why:     "a process for each connection, which reads on however much output waits",
		Server:  "processes",
		Args:    []string{"{port}", "each-hoards"},
		Control: []string{"{port}", "each"},
		Dialect: "echo",
		Class:   "thread-per-connection",
		Limit:   65536,
		Breaks:  []string{"FLOW-2", "FLOW-3", "FLOW-11"},
		Because: "from a client that reads nothing | memory grew",
		Shares:  "the other is one process: here each client's memory is a process's own",
	},
	{
		Name:    "chunks-mostly-empty",
		Why:     "each chunk of waiting output holds no more than an eighth of the memory that it takes",
		Args:    []string{"--limit", "1048576"},
		File:    "reference/conn_buffer.go",
		Old:     "b.tail.w == chunkSize {",
		New:     "b.tail.w >= 256 {",
		More:    []Edit{{"reference/conn_buffer.go", "copy(b.tail.data[b.tail.w:], p)", "copy(b.tail.data[b.tail.w:256], p)"}},
		Breaks:  []string{"FLOW-3"},
		Because: "memory grew",
	},
	{
		Name: "reading-never-resumes",
		Why:  "a connection whose output went beyond the limit is never read from again",
		File: "reference/conn_turn.go",
		Old: `		c.congested = false
`,
		New: `		_ = c
`,
		Breaks:     []string{"FLOW-4"},
		Sometimes:  []string{"CONN-4", "CONN-18"},
		Neighbours: "20 and 24 MiB pass, and what waits of them exceeds the 16 MiB of the limit only if the kernel and the client hold little of it",
		Because:    "silence | stopped reading",
	},
	{
		Name: "writes-block-the-loop",
		Why:  "the loop waits until the socket takes the rest of a write",
		File: "reference/conn.go",
		Old: `		c.assertOwner("Conn.Write")
`,
		New: `		poll.AwaitRoom(int(c.fd), 2500)
		c.assertOwner("Conn.Write")
`,
		More:       []Edit{awaitEdit},
		Breaks:     []string{"FLOW-1", "FLOW-5", "LOOP-12"},
		Sometimes:  []string{"CONN-12", "FLOW-3", "FLOW-8", "FLOW-9", "FLOW-10", "LOOP-3", "LOOP-4", "MODEL-8"},
		Neighbours: "the loop is away for two seconds and a half at a time, which others notice if they ask it at the beginning of that and not at its end; clients that do not read hold each loop only once their sockets are full",
		Because:    "silence | no connection | stopped reading | still open | unread, at no more than its limit",
	},
	{
		Name:       "writes-block-the-only-thread",
		Why:        "a server of one thread has blocking sockets, so a write waits for its client, and everyone else waits too",
		Server:     "polling",
		Args:       []string{"{port}", "blocking"},
		Control:    []string{"{port}", "none"},
		Dialect:    "echo",
		Class:      "reactor",
		Breaks:     []string{"FLOW-5"},
		Sometimes:  []string{"MODEL-8"},
		Neighbours: "of the clients that do not read one has to fill its socket before the fresh one comes",
		Because:    "silence | no connection",
	},
	{
		Name: "partial-frame-blocks-the-loop",
		Why:  "the loop waits for the rest of a frame that came in part",
		File: "reference/conversation_probe.go",
		Old: `		if n == 0 && err == nil {
			break
		}
`,
		New: `		if n == 0 && err == nil {
			if used < len(data) {
				poll.Await(int(c.fd), 2500)
			}
			break
		}
`,
		More:       []Edit{awaitEdit},
		Breaks:     []string{"FLOW-6"},
		Sometimes:  []string{"PROBE-10", "MODEL-8"},
		Neighbours: "the frames are completed one after the other, and the loop may be waiting for one that is completed late; clients that stall amid a request hold each loop, if they have sent a part of a frame",
		Because:    "silence",
	},
	{
		Name: "a-busy-connection-keeps-the-loop",
		Why:  "the loop stays with a connection for as long as more input comes",
		File: "reference/conn_turn.go",
		Old: `		if n < len(r.buf) && !all {
			return
		}
		if budget -= n; budget <= 0 {
`,
		New: `		if n < len(r.buf) && n < 8192 && !all {
			return
		}
		if c.out.size > 0 {
			c.flush()
		}
		poll.Await(int(c.fd), 60)
		if budget -= 0; budget <= 0 {
`,
		More:    []Edit{awaitEdit},
		Breaks:  []string{"FLOW-7"},
		Because: "silence | of the firehoses passed",
	},
	{
		Name:    "source-fills-memory",
		Why:     "SOURCE hands over 16 MiB at a time, whatever its client has read",
		Args:    []string{"--limit", "1048576"},
		File:    "reference/conversation_source.go",
		Old:     "const sourceTurn = 256 << 10",
		New:     "const sourceTurn = 16 << 20",
		More:    []Edit{{"reference/conversation_source.go", " && c.Pending() == 0;", ";"}},
		Breaks:  []string{"FLOW-8"},
		Because: "memory grew",
	},
	{
		Name: "close-flushes-in-the-loop",
		Why:  "SOURCE hands over all that it has, and before its close the loop stays until the client has taken it, or takes nothing for two seconds and a half",
		File: "reference/conversation_source.go",
		Old: `	if s.left == 0 {
		c.Close()
`,
		New: `	if s.left == 0 {
		for before := 0; c.state == stateOpen && c.out.size != before; {
			before = c.out.size
			poll.AwaitRoom(int(c.fd), 2500)
			c.flush()
		}
		c.Close()
`,
		More: []Edit{
			{
				"reference/conversation_source.go",
				`package reference
`,
				`package reference

import "github.com/reactorspec/reactorspec/reference/internal/poll"
`,
			},
			{"reference/conversation_source.go", "for budget := sourceTurn; s.left > 0 && budget > 0 && c.Pending() == 0; {", "for budget := sourceTurn; s.left > 0 && (s.sent+s.left <= 16<<20 || budget > 0 && c.Pending() == 0); {"},
			awaitEdit,
		},
		Breaks:  []string{"FLOW-10", "LOOP-12"},
		Because: "silence",
	},
	{
		Name: "close-lingers-in-the-loop",
		Why:  "closing a connection whose output waits keeps the loop for two seconds and a half",
		File: "reference/reactor.go",
		Old: `	c.state = stateClosed
	r.unwatch(c)
`,
		New: `	c.state = stateClosed
	if c.out.size > 0 {
		time.Sleep(2500 * time.Millisecond)
	}
	r.unwatch(c)
`,
		Breaks:     []string{"FLOW-9", "CONN-12", "LOOP-3", "LOOP-4", "LOOP-12"},
		Sometimes:  []string{"CONN-13", "CONN-14", "CONN-15", "FLOW-2", "FLOW-5", "FLOW-6", "FLOW-7", "FLOW-10", "PROBE-2", "PROBE-3", "CONN-1", "SIGN-1", "PROBE-1", "LOOP-1", "ACC-1", "MODEL-8", "RES-10", "RES-7"},
		Neighbours: "the loops sleep two seconds and a half for each stalled connection that an earlier check on the same server left, so that whichever comes next may find them asleep, CONN-1, SIGN-1, PROBE-1, LOOP-1 and ACC-1 too; a fresh connection waits for its loop beside those that were closed before; a loop that each close keeps for seconds has not come to the clients that ended amid their beginning when RES-7 looks",
		Because:    "silence | still open",
	},
	{
		Name:    "queues-without-bound",
		Why:     "no limit is declared, and output is queued for as long as its client writes",
		Server:  "epoll",
		Args:    []string{"{port}", "holds=1099511627776"},
		Control: []string{"{port}"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"FLOW-11"},
		Because: "memory grew",
		Shares:  "the same in another dialect: what a check reaches there is another matter (rule 8)",
	},
	{
		Name:    "queues-items-without-bound",
		Why:     "items are queued for as long as a client asks for them, whether it reads or not",
		Server:  "hoard",
		Args:    []string{"{port}", "memcache", "0"},
		Control: []string{"{port}", "memcache", "1048576"},
		Dialect: "memcache",
		Class:   "multi-reactor",
		Breaks:  []string{"FLOW-11"},
		Because: "memory grew",
		Shares:  "the same in another dialect: what a check reaches there is another matter (rule 8)",
	},
	{
		Name:    "queues-responses-without-bound",
		Why:     "pipelined requests are answered into memory, whether their client reads or not (hertz v0.10.4)",
		Server:  "hoard",
		Args:    []string{"{port}", "http", "0"},
		Control: []string{"{port}", "http", "1048576"},
		Dialect: "http",
		Class:   "multi-reactor",
		Breaks:  []string{"FLOW-11"},
		Because: "memory grew",
		Shares:  "the same in another dialect: what a check reaches there is another matter (rule 8)",
	},
	{
		Name:     "keeps-a-header-that-never-ends",
		Why:      "what has come of a request is kept until its end has come, however much that is (Nim issue 3847)",
		Server:   "httpepoll",
		Args:     []string{"{port}", "no-limit"},
		Control:  []string{"{port}"},
		Dialect:  "http",
		Class:    "reactor",
		Promises: []string{"FLOW-12"},
		Breaks:   []string{"FLOW-12"},
		Because:  "of a request that did not end",
	},
}
