package proof

var wakeFaults = []Fault{
	{
		Name: "handover-without-wakeup", Why: "a connection is put into a sub-reactor's queue and nobody wakes the loop, which looks after a second",
		File: "reference/class_reactor.go", Old: "if err := r.Post(func() { r.adopt(fd) }); err != nil {", New: "if err := r.postUnheard(func() { r.adopt(fd) }); err != nil {",
		More: []Edit{
			{"reference/tasks.go", "// waiting reports whether a task is to be run.", postUnheard + "// waiting reports whether a task is to be run."},
			{"reference/loop_sleep.go", "return poll.Forever", "return time.Second"},
		},
		Slow:       "every hand-over of a connection takes a second, and a whole run a quarter of an hour",
		Breaks:     []string{"LOOP-16", "WAKE-1"},
		Sometimes:  []string{"LOOP-3", "LOOP-12"},
		Neighbours: "beside other work a fresh connection waits its second, and more than that", Because: "a new connection's first reply took | the first reply on a new connection takes",
		Timing: true,
	},
	{
		Name: "post-without-wakeup",
		Why:  "a task that a connection posts to another loop does not wake it",
		File: "reference/conversation_probe_tasks.go",
		Old: `		err := l.Post(func() {
			if ran != i {`,
		New: `		err := l.postUnheard(func() {
			if ran != i {`,
		More: []Edit{
			{"reference/tasks.go", "// waiting reports whether a task is to be run.", postUnheard + "// waiting reports whether a task is to be run."},
			{"reference/loop_sleep.go", "return poll.Forever", "return time.Second"},
		},
		Breaks:     []string{"WAKE-2"},
		Because:    "a task posted to sleeping loop",
		Sometimes:  []string{"WAKE-9", "TASK-1", "TASK-2"},
		Neighbours: "a signal ends the loop's sleep as well; TASK-1 and TASK-2 have patience, and lose it only if loop after loop has just gone to sleep",
		Timing:     true,
	},
	{
		Name: "looks-before-it-announces",
		Why:  "the loop looks at its queue first and announces its sleep afterwards: a post between the two is lost",
		File: "reference/loop_sleep.go",
		Old: `	l.asleep.Store(true)
	timeout, now := l.look()`,
		New: `	timeout, now := l.look()
	spin(10_000) // some microseconds, for a small machine
	l.asleep.Store(true)`,
		Class:      "reactor",
		Args:       []string{"--class", "reactor"}, // where no connection is handed over, and so none is lost
		Breaks:     []string{"WAKE-3"},
		Because:    "silence | waited",
		Sometimes:  []string{"WAKE-1", "WAKE-2", "WAKE-4", "WAKE-5", "WAKE-7", "WAKE-9", "TASK-1", "TASK-2", "TASK-3", "TASK-4", "TASK-6", "TASK-10", "TASK-11", "WORK-2", "WORK-5"},
		Neighbours: "every task and every result of work that is posted in the window is lost until something else wakes the loop",
	},
	{
		Name: "one-waker-at-a-time",
		Why:  "a thread that finds another one waking the loop relies on it, though the loop may have slept again since",
		File: "reference/loop_sleep.go",
		Old:  "	l.waking.Add(1) // cleanup",
		New: `	if l.waking.Load() > 0 {
		return
	}
	l.waking.Add(1) // cleanup`,
		More: []Edit{
			{
				"reference/loop_sleep.go",
				`	l.waking.Add(-1)
	return wrote
`,
				`	time.Sleep(time.Millisecond) // so that the window shows on a small machine
	l.waking.Add(-1)
	return wrote
`,
			},
		},
		Breaks:     []string{"WAKE-4"},
		Because:    "silence | waited",
		Sometimes:  []string{"WAKE-1", "WAKE-2", "WAKE-3", "WAKE-5", "WAKE-7", "WAKE-9", "TASK-1", "TASK-2", "TASK-3", "TASK-4", "WORK-2", "WORK-3", "WORK-4", "WORK-6", "WORK-7", "WORK-5"},
		Neighbours: "everything that goes through a loop's queue is late if another thread is in the middle of its wakeup: tasks, results, new connections",
	},
	{
		Name: "write-for-each-post",
		Why:  "every post writes to the wakeup descriptor, whether the loop sleeps or not",
		File: "reference/loop_sleep.go",
		Old: `	if !l.asleep.Load() {
		return
	}
`,
		New:     "",
		More:    []Edit{{"reference/loop_sleep.go", "if l.asleep.CompareAndSwap(true, false) {", "if l.asleep.Store(false); true {"}},
		Breaks:  []string{"WAKE-5"},
		Because: "nearly every post",
	},
	{
		Name: "blocking-wakeup",
		Why:  "every post writes to a pipe that blocks when it is full, and a loop that posts to itself stops there for ever",
		File: "reference/loop_sleep.go",
		Old: `	if !l.asleep.Load() {
		return
	}
`,
		New: "",
		More: []Edit{
			{"reference/loop_sleep.go", "if l.asleep.CompareAndSwap(true, false) {", "if l.asleep.Store(false); true {"},
			{
				"reference/internal/poll/wake.go",
				`	return fds[0], fds[1], nil
}

// SocketPair`,
				`	return fds[0], fds[1], unix.SetNonblock(fds[1], false)
}

// SocketPair`,
			},
			{"reference/internal/poll/wake.go", "if _, errno := Write(fd, one[:size]); errno != 0", "if _, errno := blockingWrite(fd, one[:size]); errno != 0"},
			{
				"reference/internal/poll/wake.go",
				"// Drain reads until",
				`func blockingWrite(fd int, p []byte) (int, unix.Errno) {
	n, err := unix.Write(fd, p)
	errno, _ := err.(unix.Errno)
	return n, errno
}

// Drain reads until`,
			},
		},
		Args:    []string{"--wakeup", "pipe"},
		Breaks:  []string{"WAKE-5", "WAKE-6"},
		Because: "nearly every post | silence",
	},
	{
		Name: "wakeup-never-drained", Why: "the wakeup descriptor is not read, so it stays readable after the first wakeup",
		File: "reference/loop_waker.go", Old: "{ return poll.Drain(w.read) }", New: "{ return nil }",
		Class: "reactor", Args: []string{"--class", "reactor"}, // where no connection is handed over, so that tasks alone wake the loop
		Breaks: []string{"WAKE-7"}, Because: "after its loops have been woken",
		Sometimes:  []string{"PROBE-10"},
		Neighbours: "it spins from the first task on, and a check that is judged on the same server may have posted one",
	},
	{
		Name: "another-wakeup-than-declared", Why: "HELLO says eventfd, and a pipe hangs on the poller",
		File: "reference/loop_waker.go", Old: "		return NewEventFD()", New: "		return NewPipe()",
		Breaks: []string{"WAKE-8"}, Because: "holds no eventfd",
	},
	{
		Name: "eintr-sleeps-on",
		Why:  "after a signal the loop sleeps on, having said that it is awake: posts do not wake it any more",
		File: "reference/loop.go",
		Old:  "		n, err = l.poller.Wait(l.events, timeout)",
		New: `		for n, err = l.poller.Wait(l.events, timeout); n == 0 && err == nil && timeout < 0; n, err = l.poller.Wait(l.events, timeout) {
			l.asleep.Store(false)
		}`,
		Breaks:     []string{"WAKE-9", "LOOP-11"},
		Because:    "silence | took | waited",
		Sometimes:  []string{"ACC-10", "LOOP-10", "LIFE-1", "LIFE-2", "LIFE-3", "LIFE-4", "LIFE-5", "LIFE-6", "LIFE-7", "LIFE-11", "LIFE-12", "TIME-12", "TIME-8"},
		Neighbours: "a loop that was interrupted is deaf to posts until a descriptor is ready; SIGTERM interrupts only the thread that the kernel picks for it, and SIGSTOP only a loop that is in its poll by then",
	},
}

// postUnheard is Post as it was before S8: it appends and lets the loop sleep.
const postUnheard = `func (l *Loop) postUnheard(task func()) error {
	q := &l.tasks
	q.mu.Lock()
	defer q.mu.Unlock()
	q.posted = append(q.posted, task)
	q.some.Store(true)
	return nil
}

`
