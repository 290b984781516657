package proof

var taskFaults = []Fault{
	{
		Name: "full-queue-drops",
		Why:  "tasks beyond 16,000 that wait are dropped",
		File: "reference/tasks.go",
		Old: `	q.posted = append(q.posted, task)
`,
		New: `	if len(q.posted) < 16000 {
		q.posted = append(q.posted, task)
	}
`,
		Breaks:     []string{"TASK-1", "WAKE-6"},
		Because:    "silence",
		Sometimes:  []string{"TASK-4", "WAKE-5"},
		Neighbours: "16,000 tasks wait only if eight or sixteen producers are that far ahead of the loop",
	},
	{
		Name: "last-in-first-out",
		Why:  "a batch of tasks is run from its end",
		File: "reference/tasks.go",
		Old: `		task := q.batch[q.done]
		q.batch[q.done] = nil // for the collector`,
		New:     "		task := q.batch[len(q.batch)-1-q.done]",
		Breaks:  []string{"TASK-2"},
		Because: "misordered",
	},
	{
		Name: "tasks-on-a-helper-thread",
		Why:  "the last task of a POST runs on a helper's thread",
		File: "reference/conversation_probe_tasks.go",
		Old:  "				p.finish(id, probe.OK, fields(\"ran\", ran, \"loop\", l.Index(), \"tid\"",
		New:  "				p.c.Server().thread(func() { p.finish(id, probe.OK, fields(\"ran\", ran, \"loop\", l.Index(), \"tid\"",
		More: []Edit{
			{
				"reference/conversation_probe_tasks.go",
				`poll.ThreadID(), "misordered", misordered))
			}
		})
		if err != nil {
			p.answer(`,
				`poll.ThreadID(), "misordered", misordered)) })
			}
		})
		if err != nil {
			p.answer(`,
			},
		},
		Breaks:  []string{"TASK-3"},
		Because: "tid=",
	},
	{
		Name: "append-without-lock",
		Why:  "producers append to the set without its lock and overwrite each other",
		File: "reference/tasks.go",
		Old: `	q.posted = append(q.posted, task)
	if len(q.posted) == 1 {
		q.some.Store(true)
	}
	q.total++
	q.mu.Unlock()`,
		New: `	q.mu.Unlock()
	q.posted = append(q.posted, task)
	q.some.Store(true)
	q.total++`,
		Breaks:     []string{"TASK-4"},
		Because:    "silence | instead of",
		Sometimes:  []string{"TASK-2", "TASK-3", "WAKE-4", "WAKE-5", "WAKE-7", "TASK-1", "WORK-3", "WORK-4", "WORK-6", "WORK-7"},
		Neighbours: "tasks and results are posted by other threads there too, but by few or seldom, so that two of them rarely meet in the append",
	},
	{
		Name: "tasks-until-none-is-left",
		Why:  "a turn runs tasks until there are none, also those that its tasks post",
		File: "reference/tasks.go",
		Old: `	if l.tasks.waiting() {
		l.tasks.swap(false)`,
		New: `	for l.tasks.waiting() {
		l.tasks.swap(false)`,
		Breaks:  []string{"TASK-5", "TASK-7"},
		Because: "beside a chain | turns",
		Timing:  true,
	},
	{
		Name: "several-generations-a-turn",
		Why:  "a turn runs up to sixteen generations of tasks",
		File: "reference/tasks.go",
		Old: `	if l.tasks.waiting() {
		l.tasks.swap(false)`,
		New: `	for range 16 {
		l.tasks.swap(false)`,
		Breaks:  []string{"TASK-7"},
		Because: "turns",
	},
	{
		Name: "posts-run-at-once",
		Why:  "a post from the loop's own thread runs the task right there, where a task that posts counts on its return",
		File: "reference/conversation_probe_tasks.go",
		Old: `			err := l.Post(func() {
				if posting {`,
		New: `			err := l.atOnce(func() {
				if posting {`,
		More: []Edit{
			{
				"reference/tasks.go",
				"// waiting reports whether a task is to be run.",
				`func (l *Loop) atOnce(task func()) error {
	task()
	return nil
}

// waiting reports whether a task is to be run.`,
			},
		},
		Breaks:  []string{"TASK-6"},
		Because: "inside=",
	},
	{
		Name: "hook-stays-a-turn-too-long", Why: "a hook is called in one turn more than asked for",
		File: "reference/conversation_probe_turns.go", Old: "if position == at && ran < turns {", New: "if position == at && ran < turns+1 {",
		More:   []Edit{{"reference/conversation_probe_turns.go", "if ran == turns && w.whole", "if ran == turns+1 && w.whole"}},
		Breaks: []string{"TASK-8"}, Because: "ran=",
	},
	{
		Name: "positions-swapped", Why: "the positions after the poll and after I/O have changed places",
		File: "reference/loop.go", Old: "l.pass(contract.AfterPoll)", New: "l.pass(contract.Positions[2])",
		More:   []Edit{{"reference/loop.go", "l.pass(contract.AfterIO)", "l.pass(contract.AfterPoll)"}},
		Breaks: []string{"TASK-9"}, Because: "in another order",
	},
	{
		Name: "shared-task-stays",
		Why:  "the last task of a batch stays in the shared set and is taken again",
		File: "reference/tasks_shared.go",
		Old: `	clear(s.tasks[:n])
	s.tasks = s.tasks[n:]`,
		New:     "	s.tasks = s.tasks[max(n-1, min(n, 1)):]",
		Breaks:  []string{"TASK-10"},
		Because: "twice=",
	},
	{
		Name: "shared-set-taken-whole", Why: "a loop takes all of the shared set at once",
		File: "reference/tasks_shared.go", Old: "s.take(nil, s.batch)", New: "s.take(nil, 1<<30)",
		Breaks: []string{"TASK-11"}, Because: "at once",
	},
	{
		Name: "panic-drops-the-batch",
		Why:  "a task that panics takes the tasks behind it in its batch with it",
		File: "reference/tasks.go",
		Old: `	for q.done < end {
		l.runUntil(end)
	}`,
		New: `	l.runUntil(end)
	q.done = end`,
		Breaks:  []string{"TASK-12"},
		Because: "silence",
	},
	{
		Name: "panic-leaves-the-connection",
		Why:  "a handler's panic is contained, and its connection stays open for ever",
		File: "reference/loop_slots.go",
		Old: `		f.failed(reason)
		return`,
		New: `		_ = f
		return`,
		Breaks:  []string{"TASK-13"},
		Because: "still open",
	},
}
