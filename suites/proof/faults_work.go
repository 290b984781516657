package proof

var workFaults = []Fault{
	{
		Name: "work-on-the-loop",
		Why:  "offloaded work runs on the loop's own thread",
		File: "reference/conversation_probe_turns.go",
		Old: `	err := p.c.Server().Workers().Submit(l, func() {
		worker = poll.ThreadID()
		time.Sleep(block)
	}, func(err error) {`,
		New: `	err := onTheSpot(func() {
		worker = poll.ThreadID()
		time.Sleep(block)
	}, func(err error) {`,
		More: []Edit{
			{
				"reference/conversation_probe_turns.go",
				"// fail panics where",
				`func onTheSpot(work func(), then func(error)) error {
	work()
	then(nil)
	return nil
}

// fail panics where`,
			},
		},
		Breaks:     []string{"WORK-1", "WORK-2", "LIFE-12"},
		Because:    "behind offloaded work | thread of loop | silence",
		Sometimes:  []string{"WORK-6"},
		Neighbours: "the loop is busy with the work of the gone, 10 ms a piece, and new connections wait behind as much of it as was not dropped",
	},
	{
		Name: "workers-answer-themselves",
		Why:  "a worker hands its result to the connection on its own thread",
		File: "reference/workers.go",
		Old:  "		homeless := j.home.Post(func() { j.then(err) }) != nil",
		New: `		homeless := false
		j.then(err)`,
		Breaks:     []string{"WORK-2"},
		Because:    "home= | the server exited with 2 | closed the connection",
		Sometimes:  []string{"WORK-1", "WORK-3", "WORK-4", "WORK-5", "WORK-6", "WORK-7", "LIFE-11"},
		Neighbours: "a write from another thread is noticed, and ends the server, only while the loop polls or output waits",
	},
	{
		Name: "unbounded-work", Why: "the queue of work takes whatever comes",
		File: "reference/workers.go", Old: "	if len(w.queue) >= w.threads-w.busy+w.room {", New: "	if len(w.queue) < 0 {",
		Breaks: []string{"WORK-3"}, Because: "none was refused",
	},
	{
		Name: "full-for-ever",
		Why:  "a queue that was full once counts as full for ever",
		File: "reference/workers.go",
		Old: `		w.stats.Refused++
`,
		New: `		w.stats.Refused++
		w.room = -1 << 20
`,
		Breaks:     []string{"WORK-4"},
		Because:    "answered full",
		Sometimes:  []string{"WORK-6"},
		Neighbours: "it is refused if a check before it on the same server filled the queue",
	},
	{
		Name: "panic-costs-a-worker",
		Why:  "the worker whose job panicked ends, and none takes its place",
		File: "reference/workers.go",
		Old: `		w.mu.Lock()
		w.busy--
`,
		New: `		w.mu.Lock()
		w.busy--
		if err != nil {
			w.mu.Unlock()
			return
		}
`,
		Breaks:  []string{"WORK-5"},
		Because: "silence | full",
	},
	{
		Name: "results-by-descriptor",
		Why:  "a result goes to whichever connection has the descriptor's number by now",
		File: "reference/conversation_probe_turns.go",
		Old: `	l := p.c.Loop()
	worker := 0
`,
		New: `	l, r, fd := p.c.Loop(), p.c.reactor, p.c.fd
	worker := 0
`,
		More: []Edit{
			{
				"reference/conversation_probe_turns.go",
				"		p.reply(id, probe.OK, fields(\"word\", word",
				`		p := p
		for i := range r.conns.length {
			c := *r.conns.at(i)
			if q, ok := c.handler.(*probing); ok && c.fd == fd {
				p = q
			}
		}
		p.reply(id, probe.OK, fields("word", word`,
			},
		},
		Breaks:  []string{"WORK-6"},
		Because: "not its own | came where",
	},
	{
		Name: "signals-only-an-empty-queue",
		Why:  "a worker is woken only when the queue was empty before",
		File: "reference/workers.go",
		Old:  "	w.work.Signal()",
		New: `	if len(w.queue) == 1 {
		w.work.Signal()
	}`,
		Breaks:  []string{"WORK-7"},
		Because: "took turns",
	},
}
