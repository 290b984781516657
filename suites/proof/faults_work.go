package proof

var workFaults = []Fault{
	{
		Name: "work-on-the-loop", Why: "offloaded work runs on the loop's own thread",
		File: "reference/conversation_probe_turns.go", Old: "	err := p.c.Server().Workers().Submit(l, func() {\n		worker = poll.ThreadID()\n		time.Sleep(block)\n	}, func(err error) {", New: "	err := onTheSpot(func() {\n		worker = poll.ThreadID()\n		time.Sleep(block)\n	}, func(err error) {",
		More:   []Edit{{"reference/conversation_probe_turns.go", "// fail panics where", "func onTheSpot(work func(), then func(error)) error {\n	work()\n	then(nil)\n	return nil\n}\n\n// fail panics where"}},
		Breaks: []string{"WORK-1", "WORK-2", "LIFE-12"}, Because: "behind offloaded work | thread of loop | silence",
		Sometimes:  []string{"WORK-6"},
		Neighbours: "the loop is busy with the work of the gone, 10 ms a piece, and new connections wait behind as much of it as was not dropped",
	},
	{
		Name: "workers-answer-themselves", Why: "a worker hands its result to the connection on its own thread",
		File: "reference/workers.go", Old: "		homeless := j.home.Post(func() { j.then(err) }) != nil", New: "		homeless := false\n		j.then(err)",
		Breaks: []string{"WORK-2"}, Because: "home= | the server exited with 2 | closed the connection",
		Sometimes:  []string{"WORK-1", "WORK-3", "WORK-4", "WORK-5", "WORK-6", "WORK-7", "LIFE-11"},
		Neighbours: "a write from another thread is noticed, and ends the server, only while the loop polls or output waits",
	},
	{
		Name: "unbounded-work", Why: "the queue of work takes whatever comes",
		File: "reference/workers.go", Old: "	if len(w.queue) >= w.threads-w.busy+w.room {", New: "	if len(w.queue) < 0 {",
		Breaks: []string{"WORK-3"}, Because: "none was refused",
	},
	{
		Name: "full-for-ever", Why: "a queue that was full once counts as full for ever",
		File: "reference/workers.go", Old: "		w.stats.Refused++\n", New: "		w.stats.Refused++\n		w.room = -1 << 20\n",
		Breaks: []string{"WORK-4"}, Because: "answered full",
		Sometimes:  []string{"WORK-6"},
		Neighbours: "it is refused if a check before it on the same server filled the queue",
	},
	{
		Name: "panic-costs-a-worker", Why: "the worker whose job panicked ends, and none takes its place",
		File: "reference/workers.go", Old: "		w.mu.Lock()\n		w.busy--\n", New: "		w.mu.Lock()\n		w.busy--\n		if err != nil {\n			w.mu.Unlock()\n			return\n		}\n",
		Breaks: []string{"WORK-5"}, Because: "silence | full",
	},
	{
		Name: "results-by-descriptor", Why: "a result goes to whichever connection has the descriptor's number by now",
		File: "reference/conversation_probe_turns.go", Old: "	l := p.c.Loop()\n	worker := 0\n", New: "	l, r, fd := p.c.Loop(), p.c.reactor, p.c.fd\n	worker := 0\n",
		More:   []Edit{{"reference/conversation_probe_turns.go", "		p.reply(id, probe.OK, fields(\"word\", word", "		p := p\n		for _, c := range r.conns {\n			if q, ok := c.handler.(*probing); ok && c.fd == fd {\n				p = q\n			}\n		}\n		p.reply(id, probe.OK, fields(\"word\", word"}},
		Breaks: []string{"WORK-6"}, Because: "not its own | came where",
	},
	{
		Name: "signals-only-an-empty-queue", Why: "a worker is woken only when the queue was empty before",
		File: "reference/workers.go", Old: "	w.work.Signal()", New: "	if len(w.queue) == 1 {\n		w.work.Signal()\n	}",
		Breaks: []string{"WORK-7"}, Because: "took turns",
	},
}
