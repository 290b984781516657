package proof

// idling is every clause about a server that should be idle: what a fault
// breaks whose loop spins from the first turn, or from the first wakeup, on.
var idling = []string{
	"LOOP-1", "LOOP-2", "LOOP-3", "LOOP-4", "LOOP-5", "LOOP-6", "LOOP-7", "LOOP-11",
	"WAKE-7", "TIME-9", "TIME-10", "ACC-6", "PROBE-10",
}

// spinning is what a server of the echo dialect breaks that is busy all the time.
var spinning = []string{"LOOP-1", "LOOP-2", "LOOP-3", "LOOP-4", "LOOP-5", "LOOP-6", "LOOP-7", "LOOP-11"}

var loopFaults = []Fault{
	{
		Name: "zero-timeout", Why: "the loop polls with a timeout of zero and spins: the first of S7's two faults",
		File: "reference/loop.go", Old: "l.poller.Wait(l.events, timeout)", New: "l.poller.Wait(l.events, 0*timeout)",
		Breaks: idling, Sometimes: []string{"LOOP-8"},
		Neighbours: "a spinning loop is scheduled often only if something else wants its core", Because: "of a core",
		Shares: "the other spins for want of draining: the clauses cannot tell why a loop spins, only that it does",
		Timing: true,
	},
	{
		Name: "long-timeout", Why: "the loop polls with a long timeout and nothing wakes it: the second of S7's two faults",
		File: "reference/loop_sleep.go", Old: "if err := l.waker.Wake(); err != nil {", New: "if err := error(nil); err != nil {",
		More:   []Edit{{"reference/loop_sleep.go", "return poll.Forever", "return 1200 * time.Millisecond"}},
		Slow:   "every hand-over of a connection waits for the poll's timeout, and a whole run takes a quarter of an hour",
		Breaks: []string{"LOOP-16", "WAKE-1", "WAKE-2", "WAKE-3", "WAKE-4"}, Because: "took | takes | waited | silence",
		Sometimes:  []string{"WAKE-9", "LOOP-3", "LOOP-12"},
		Neighbours: "a signal ends the loop's sleep as well; a fresh connection waits for its loop beside a flood",
		Timing:     true,
	},
	{
		Name:       "polls-for-a-minute-after-traffic",
		Why:        "the loop polls without a timeout for a minute after the last byte: a spin, and no way to wait",
		Server:     "epolls",
		Args:       []string{"{port}", "polls", "60000"},
		Control:    []string{"{port}", "polls", "1000"},
		Dialect:    "echo",
		Class:      "reactor",
		Breaks:     spinning,
		Because:    "of a core",
		Slow:       "each of its instances spins for a minute, and several at once starve each other",
		Sometimes:  []string{"ACC-6"},
		Neighbours: "whether a client beyond the limit sends the last byte late enough is a matter of moments",
		Shares:     "the other uses its core in processes that come and go: the clauses tell how much is used, and not by whom",
	},
	{
		Name:       "helpers-come-and-go",
		Why:        "the master starts helpers that live only for a moment, one after another: no process is busy for long, but a core is",
		Server:     "processes",
		Args:       []string{"{port}", "storm"},
		Control:    []string{"{port}", "prefork"},
		Dialect:    "echo",
		Class:      "multi-reactor",
		Breaks:     spinning,
		Because:    "of a core",
		Sometimes:  []string{"ACC-6", "LOOP-12", "LOOP-8"},
		Neighbours: "ACC-6 has the same use, if the limit leaves the master room to fork; LOOP-8 is a matter of how often the helpers are put aside, and what the processes of LOOP-12 die of cannot be told",
		Shares:     "the other uses its core in one thread: the clauses tell how much is used, and not by whom",
	},
	{
		Name:       "polls-for-fifteen-seconds-after-traffic",
		Why:        "the loop polls without a timeout for fifteen seconds after the last byte, where five are allowed",
		Server:     "epolls",
		Args:       []string{"{port}", "polls", "15000"},
		Control:    []string{"{port}", "polls", "3000"},
		Dialect:    "echo",
		Class:      "reactor",
		Breaks:     []string{"LOOP-4", "LOOP-5", "LOOP-6", "LOOP-7"},
		Because:    "of a core",
		Slow:       "each of its instances spins for as long as it is used, and several at once starve each other",
		Sometimes:  []string{"ACC-6", "LOOP-1", "LOOP-2", "LOOP-3", "LOOP-11"},
		Neighbours: "whether a client beyond the limit sends the last byte late enough is a matter of moments; where several of its instances spin beside each other, the fifteen seconds may be over before one of them could run for five, in LOOP-1, LOOP-2, LOOP-3 and LOOP-11",
		Shares:     "the other spins for a minute: this one is just beyond what is allowed",
	},
	{
		Name:       "settles-for-a-minute",
		Why:        "a second thread is busy for a minute once a megabyte has passed, which is more than settling",
		Server:     "epolls",
		Args:       []string{"{port}", "settles", "60000"},
		Control:    []string{"{port}", "settles", "4000"},
		Dialect:    "echo",
		Class:      "reactor",
		Breaks:     []string{"LOOP-3", "LOOP-4"},
		Sometimes:  []string{"LOOP-6", "LOOP-7", "LOOP-11"},
		Neighbours: "a megabyte may pass there as well",
		Because:    "of a core",
		Shares:     "the other spins while output waits: this one, whatever is asked, once much has passed",
	},
	{
		Name:       "workers-die-of-sigpipe",
		Why:        "a worker that writes to a client which has gone dies of SIGPIPE, with all its clients, and is started again",
		Server:     "processes",
		Args:       []string{"{port}", "mortal"},
		Control:    []string{"{port}", "prefork"},
		Dialect:    "echo",
		Class:      "multi-reactor",
		Breaks:     []string{"LOOP-12"},
		Sometimes:  []string{"CONN-12", "CONN-13", "CONN-15", "FLOW-9", "LOOP-6", "LOOP-18", "RES-1", "RES-2", "RES-3", "RES-7", "RES-8", "RES-10"},
		Neighbours: "a client that leaves takes the others of its worker along, if the worker writes to it then",
		Because:    "died | ended | closed",
	},
	{
		Name:       "ten-spin-for-each-that-left",
		Why:        "ten processes spin for each of the first clients that left without a word (sslh 284 has one for each): they keep each other from running, so that none of them gets much",
		Server:     "forking",
		Args:       []string{"{port}", "ten-spin"},
		Control:    []string{"{port}", "none"},
		Dialect:    "echo",
		Class:      "thread-per-connection",
		Breaks:     []string{"LOOP-1"},
		Because:    "of a core",
		Sometimes:  []string{"ACC-6", "LOOP-2", "LOOP-3", "LOOP-4", "LOOP-5", "LOOP-6", "LOOP-8", "LOOP-9", "LOOP-10", "LOOP-11", "LOOP-12", "LOOP-15", "LOOP-16", "LOOP-17", "LOOP-18"},
		Neighbours: "five instances are judged beside each other, and their crowds leave a fifth of a core to each, or less: which of them can be judged all the same is chance, and LOOP-1 waits until it is alone",
		Shares:     "the others use their core in one thread, or in few: the clauses tell how much is used, and not by whom",
		Slow:       "a client that leaves without a word is common, and each leaves ten processes",
	},
	{
		Name:    "spins-after-five-seconds-of-rest",
		Why:     "with nothing due for five seconds the loop polls without a timeout, for ever",
		Server:  "plain",
		Args:    []string{"{port}", "spins-late"},
		Control: []string{"{port}", "none"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"LOOP-1"},
		Beside:  []string{"LOOP-2", "LOOP-3", "LOOP-4", "LOOP-5", "LOOP-6", "LOOP-7", "LOOP-9", "LOOP-11", "RES-1", "RES-2", "RES-7"},
		Because: "of a core is used",
	},
	{
		Name:       "helper-that-left-burns-a-core",
		Why:        "a process of the server has left its parents, with their session, group and environment, and burns a core",
		Server:     "plain",
		Args:       []string{"{port}", "helper-spins"},
		Control:    []string{"{port}", "helper-waits"},
		Dialect:    "echo",
		Class:      "reactor",
		Breaks:     []string{"LOOP-1", "LOOP-4", "LOOP-5", "LOOP-6", "LOOP-7"},
		Because:    "of a core",
		Sometimes:  []string{"ACC-6", "LOOP-12", "LOOP-8", "LOOP-2", "LOOP-3", "LOOP-11"},
		Neighbours: "as helpers-come-and-go; and a helper of each instance burns on, so that LOOP-2, LOOP-3 and LOOP-11 may find too little of a core left",
		Shares:     "helpers-come-and-go are collected by their parent; this one is nobody's child",
	},
	{
		Name: "half-close-spin",
		Why:  "a connection keeps its read interest after the end of input, which stays readable",
		File: "reference/conn_turn.go",
		Old: `	if c.wantsInput() {
		want |= poll.Readable`,
		New: `	if c.wantsInput() || c.ended {
		want |= poll.Readable`,
		Breaks:  []string{"LOOP-3"},
		Because: "half-closed",
	},
	{
		Name: "stalled-write-spin",
		Why:  "a write that finds no room is tried again in the next turn instead of waited for",
		File: "reference/conn_turn.go",
		Old: `if errno == poll.EAGAIN {
			return
		}
		if errno != 0 {
			c.fail(poll.Fail("writev"`,
		New: `if errno == poll.EAGAIN {
			r.queue(c)
			return
		}
		if errno != 0 {
			c.fail(poll.Fail("writev"`,
		More: []Edit{
			{
				"reference/conn.go",
				`		c.out.append(p[n:], &c.reactor.chunks)
`,
				`		c.out.append(p[n:], &c.reactor.chunks)
		c.reactor.queue(c)
`,
			},
		},
		Breaks:  []string{"LOOP-3", "LOOP-4"},
		Because: "of a core",
		Timing:  true,
	},
	{
		Name: "partial-request-spin",
		Why:  "the rest of an incomplete request is asked for in every turn",
		File: "reference/conn_turn.go",
		Old: `	if c.drainAsked && c.out.size == 0 {
		c.drained()`,
		New: `	if len(c.in) > 0 {
		c.reactor.queue(c)
	}
	if c.drainAsked && c.out.size == 0 {
		c.drained()`,
		Breaks:  []string{"LOOP-5", "PROBE-10"},
		Because: "while requests are incomplete | hold a part of a frame",
	},
	{
		Name: "reset-spin",
		Why:  "some connections whose read failed are forgotten and stay on the poller, which reports the hangup for ever",
		File: "reference/conn_turn.go",
		Old: `			c.fail(poll.Fail("read", errno))
			return`,
		New: `			if forgotten < 40 { // enough to be seen, and few enough for a check to end
				forgotten++
				c.forgotten, c.ended = true, true
				return
			}
			c.fail(poll.Fail("read", errno))
			return`,
		More: []Edit{
			{
				"reference/conn_turn.go",
				`	if gone && !c.wantsInput() {
		c.lost()`,
				`	if gone && !c.wantsInput() && !c.forgotten {
		c.lost()`,
			},
			{
				"reference/conn_turn.go",
				"// ready handles an event,",
				`var forgotten int

// ready handles an event,`,
			},
			{
				"reference/conn.go",
				"	drainAsked bool",
				`	forgotten  bool
	drainAsked bool`,
			},
		},
		Class:      "reactor",
		Args:       []string{"--class", "reactor"}, // a second loop that spins would take the last core from the judge
		Breaks:     []string{"LOOP-6"},
		Because:    "of a core",
		Sometimes:  []string{"PROBE-10", "CONN-13"},
		Neighbours: "connections that earlier checks on the same server reset spin on while PROBE-10 measures, if there were any, and CONN-13 finds its own sockets open if the forty are not used up",
	},
	{
		Name: "sticky-write-interest",
		Why:  "the write interest is never taken back once output has waited",
		File: "reference/conn_turn.go",
		Old: `	if c.out.size > 0 {
		want |= poll.Writable`,
		New: `	if c.everWaited = c.everWaited || c.out.size > 0; c.everWaited {
		want |= poll.Writable`,
		More: []Edit{
			{
				"reference/conn.go",
				"	drainAsked bool",
				`	everWaited bool
	drainAsked bool`,
			},
		},
		Breaks:  []string{"LOOP-7"},
		Because: "write interest",
	},
	{
		Name: "write-interest-always",
		Why:  "every connection asks for writability, which it nearly always has",
		File: "reference/conn_turn.go",
		Old: `	if c.out.size > 0 {
		want |= poll.Writable`,
		New: `	if c.out.size > 0 || !c.ended {
		want |= poll.Writable`,
		Breaks:  []string{"LOOP-2", "LOOP-5", "LOOP-7", "WAKE-7", "TIME-9", "TIME-10", "ACC-6", "LOOP-8", "PROBE-10"},
		Because: "of a core | write interest | scheduled",
	},
	{
		Name: "short-fixed-timeout", Why: "the loop looks around every millisecond, asked or not",
		File: "reference/loop_sleep.go", Old: "return poll.Forever", New: "return time.Millisecond",
		Breaks: []string{"LOOP-8"}, Because: "times a second",
	},
	{
		Name: "sleeps-between-polls",
		Why:  "the loop polls without waiting and then sleeps for a fixed time",
		File: "reference/loop.go",
		Old:  "		n, err = l.poller.Wait(l.events, timeout)",
		New: `		if n, err = l.poller.Wait(l.events, 0); n == 0 && timeout != 0 {
			time.Sleep(900 * time.Millisecond)
			n, err = l.poller.Wait(l.events, 0)
		}`,
		Slow:       "every hand-over of a connection waits for the poll's timeout, and a whole run takes a quarter of an hour",
		Breaks:     []string{"LOOP-9", "LOOP-15", "WAKE-1", "WAKE-2", "WAKE-3", "WAKE-4", "WAKE-9", "TIME-2", "TIME-7", "TIME-12", "TIME-13"},
		Because:    "took | takes | waited | silence | late | not over within",
		Sometimes:  []string{"LOOP-6", "LOOP-13", "WAKE-7", "TIME-14", "WORK-1", "WORK-5", "WORK-6", "PROBE-1", "PROBE-12", "CONN-1", "LOOP-17"},
		Neighbours: "it answers everything, half a second late: whether a check of many exchanges, CONN-1 and PROBE-1 too, ends within its bound is a matter of a few of them; LOOP-17 says so too where as few replies came as it takes for that",
	},
	{
		Name: "eintr-is-fatal",
		Why:  "a poll that a signal interrupts ends the loop",
		File: "reference/internal/poll/wait.go",
		Old: `	case unix.EINTR:
		return 0, nil
`,
		New:        "",
		Env:        map[string]string{"GODEBUG": "asyncpreemptoff=1"}, // or the runtime signals its own threads, and a loop ends under whichever check runs
		Breaks:     []string{"LOOP-10", "LOOP-11", "WAKE-9", "TIME-8", "TIME-12"},
		Because:    "silence | closed | reset | served | refuses",
		Sometimes:  []string{"LIFE-1", "LIFE-2", "LIFE-3", "LIFE-4", "LIFE-6", "LIFE-7", "LIFE-11", "LIFE-12", "CONN-20", "ACC-10"},
		Neighbours: "SIGTERM interrupts only the thread that the kernel picks for it, and SIGSTOP only a loop that is in its poll by then",
	},
	{
		Name: "eintr-in-read-closes", Why: "a read that a signal interrupts is taken for the end of the connection",
		Server: "threaded", Args: []string{"{port}", "eintr"}, Control: []string{"{port}", "none"}, Dialect: "echo", Class: "thread-per-connection",
		Breaks: []string{"LOOP-11"}, Because: "closed the connection | reset the connection",
	},
	{
		Name: "sigpipe-kills", Why: "SIGPIPE keeps its default action, and a write to a connection that is gone ends the process",
		Server: "threaded", Args: []string{"{port}", "sigpipe"}, Control: []string{"{port}", "none"}, Dialect: "echo", Class: "thread-per-connection",
		Breaks: []string{"LOOP-3", "LOOP-12"}, Because: "process | refuses | reset the connection",
		Sometimes:  []string{"LOOP-4", "LOOP-6", "CONN-12", "CONN-15"},
		Neighbours: "a write raises SIGPIPE only behind a FIN and a reset, or an error that was taken already, and which the thread meets first is a race",
	},
	{
		Name: "served-by-a-pool",
		Why:  "requests are answered by whichever thread of a pool is free, not by the connection's own",
		File: "reference/conversation_probe.go",
		Old:  "		p.reply(r.ID, probe.OK, fields(\"loop\", p.index(), \"tid\", poll.ThreadID(), \"conn\", p.c.id))",
		New: `		p.begin()
		if p.index(); p.c.reactor == nil {
			p.reply(r.ID, probe.OK, nil)
			return
		}
		p.c.server.thread(func() { p.finish(r.ID, probe.OK, fields("loop", p.index(), "tid", poll.ThreadID(), "conn", p.c.id)) })`,
		Breaks:  []string{"LOOP-13", "MODEL-6", "TASK-3", "WORK-2"},
		Because: "thread | instead of | tid",
	},
	{
		Name: "two-pollers",
		Why:  "each connection is registered with the pollers of two loops",
		File: "reference/reactor.go",
		Old:  "	c.id = r.server.number()",
		New: `	if other := r.server.class.loop((r.index + 1) % 2); other != nil {
		_ = other.poller.Add(fd, 1<<63, poll.Readable)
	}
	c.id = r.server.number()`,
		Args:    []string{"--poller", "epollet"}, // edge-triggered, so that it does not spin as well
		Breaks:  []string{"LOOP-14"},
		Because: "two pollers",
	},
	{
		Name: "looks-every-quarter-of-a-second", Why: "the loop looks at its connections when a clock of 250 ms ticks: too short a wait for any wait of half a second to see",
		Server: "paces", Args: []string{"{port}", "echo", "ticks=250"}, Control: []string{"{port}", "echo"}, Dialect: "echo", Class: "reactor",
		Breaks: []string{"LOOP-15"}, Because: "on a quiet connection",
		Sometimes: []string{"CONN-17", "LOOP-17"}, Neighbours: "CONN-17 takes a slow reply for one that waits for an acknowledgement; a tick of 250 ms is 250 ms for whoever asks right behind one",
		Slow: "every reply waits for a tick, and the clauses of thousands of connections take minutes each",
	},
	{
		Name: "every-reply-after-a-fifth-of-a-second", Why: "each reply is made 207 ms after its request (haproxy 3447)",
		Server: "paces", Args: []string{"{port}", "resp", "waits=207"}, Control: []string{"{port}", "resp"}, Dialect: "resp", Class: "reactor",
		Breaks: []string{"LOOP-15", "CONN-17"}, Because: "on a quiet connection | one small exchange takes",
		Slow:   "every reply takes a fifth of a second, and the clauses of thousands of connections take minutes each",
		Shares: "the other waits for a clock, and this one for a timer of the reply's own",
	},
	{
		Name: "new-connections-wait-for-a-tick", Why: "a new connection is looked at when a clock of 250 ms ticks: it is handed to a loop that sleeps, and that nobody wakes",
		Server: "paces", Args: []string{"{port}", "echo", "hands=250"}, Control: []string{"{port}", "echo"}, Dialect: "echo", Class: "reactor",
		Breaks: []string{"LOOP-16"}, Because: "the first reply on a new connection takes",
		Slow: "every new connection waits for a tick, and the clauses of thousands of connections take minutes each",
	},
	{
		Name: "memcache-connections-wait-for-a-tick", Why: "likewise in memcached's protocol, with a clock of 100 ms",
		Server: "paces", Args: []string{"{port}", "memcache", "hands=100"}, Control: []string{"{port}", "memcache"}, Dialect: "memcache", Class: "reactor",
		Breaks: []string{"LOOP-16"}, Because: "the first reply on a new connection takes",
		Slow:   "every new connection waits for a tick, and the clauses of thousands of connections take minutes each",
		Shares: "the other ticks more slowly; this one shows that a tenth of a second is seen",
	},
	{
		Name: "one-reply-in-a-thousand-stalls", Why: "one reply in a thousand keeps the loop for 400 ms, as a lock or a flush does",
		Server: "paces", Args: []string{"{port}", "resp", "stalls=1000"}, Control: []string{"{port}", "resp"}, Dialect: "resp", Class: "reactor",
		Breaks: []string{"LOOP-17"}, Because: "small replies took longer than",
		Sometimes: []string{"LOOP-18"}, Neighbours: "a reply of LOOP-18 may be stalled more than once",
	},
	{
		Name: "each-end-takes-five-milliseconds", Why: "the end of each connection takes 5 ms of the loop's time",
		Server: "paces", Args: []string{"{port}", "echo", "ends=5000"}, Control: []string{"{port}", "echo"}, Dialect: "echo", Class: "reactor",
		Breaks: []string{"LOOP-18"}, Because: "others left",
		Sometimes:  []string{"LOOP-6", "LOOP-15", "LOOP-16"},
		Neighbours: "LOOP-6 may meet the work that is left of its resets, and the sanity exchange's end falls into the first replies of the others",
		Slow:       "each of thousands of connections takes 5 ms of one core more than it did",
	},
}
