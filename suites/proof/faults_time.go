package proof

var timeFaults = []Fault{
	{
		Name: "timers-early", Why: "a timer is taken for due a millisecond before it is",
		File: "reference/timers_wheel.go", Old: "w.near.entries[0].when > now {", New: "w.near.entries[0].when > now+1_000_000 {",
		More:   []Edit{{"reference/loop_sleep.go", "return min(max(0, next-now), poll.MaxTimeout)", "return min(max(0, next-now-time.Millisecond), poll.MaxTimeout)"}},
		Breaks: []string{"TIME-1"}, Because: "early",
	},
	{
		Name: "poll-sleeps-past-deadlines", Why: "the poll does not look at timers: it returns once a second",
		File: "reference/loop_sleep.go", Old: "return min(max(0, next-now), poll.MaxTimeout)", New: "return max(min(time.Second, next), 0)",
		Breaks: []string{"TIME-2", "TIME-7", "TIME-13"}, Because: "late | silence",
		Sometimes:  []string{"TIME-8", "TIME-12"},
		Neighbours: "signals end the poll early, if the kernel has the loop's thread take them",
		Timing:     true,
	},
	{
		Name: "heap-takes-any-child", Why: "the heap moves up its first child, not its least one",
		File: "reference/timers_wheel.go", Old: "for c := child + 1; c < min(child+4, len(h.entries)); c++ {", New: "for c := child + 1; c < child; c++ {",
		Breaks: []string{"TIME-3", "TIME-4"}, Because: "order",
	},
	{
		Name: "ties-backwards", Why: "of timers with one deadline the youngest fires first",
		File: "reference/timers_wheel.go", Old: "a.tm.serial < b.tm.serial", New: "a.tm.serial > b.tm.serial",
		Breaks: []string{"TIME-4"}, Because: "misordered",
	},
	{
		Name: "cancel-only-counts",
		Why:  "a cancelled timer is counted out and stays where it is",
		File: "reference/timers.go",
		Old: `	t.remove(tm)
	t.count--
	return true`,
		New: `	t.count--
	return true`,
		Breaks:  []string{"TIME-5", "TIME-6"},
		Because: "cancel",
	},
	{
		Name: "rearmed-after-the-callback",
		Why:  "a periodic timer is set again after its callback, whether that cancelled it or not",
		File: "reference/timers.go",
		Old: `			t.wheel.insert(tm)
		}
		t.mu.Unlock()
		return tm`,
		New: `		}
		t.mu.Unlock()
		return tm`,
		More: []Edit{
			{
				"reference/timers.go",
				`		tm.f()
`,
				`		tm.f()
		if set := tm.set; tm.period != 0 {
			set.mu.Lock()
			set.wheel.insert(tm)
			set.mu.Unlock()
		}
`,
			},
		},
		Breaks:     []string{"TIME-6"},
		Because:    "cancels itself",
		Sometimes:  []string{"TIME-5", "TIME-1"},
		Neighbours: "a timer that was set again after its last expiry fires or not before the check has seen enough",
	},
	{
		Name: "reset-only-shortens",
		Why:  "a reset to a later moment is ignored, and with it a first delay that is longer than the period",
		File: "reference/timers.go",
		Old: `	tm.when = t.deadline(d)
`,
		New: `	tm.when = min(tm.when, t.deadline(d))
`,
		Breaks:  []string{"TIME-1", "TIME-7"},
		Because: "old deadline | early",
	},
	{
		Name: "periods-drift", Why: "a periodic timer's next deadline is computed from now",
		File: "reference/timers.go", Old: "tm.when = later(tm.when, tm.period)", New: "tm.when = later(int64(t.loop.clock.now()), tm.period)",
		Breaks: []string{"TIME-8"}, Because: "behind its grid",
		Timing: true,
	},
	{
		Name: "timeout-overflows",
		Why:  "the timeout is counted in microseconds in an int32: beyond 35 minutes it is negative, and taken for zero",
		File: "reference/loop_sleep.go",
		Old:  "return min(max(0, next-now), poll.MaxTimeout)",
		New: `if us := int32((next - now) / time.Microsecond); us > 0 {
		return time.Duration(us+1) * time.Microsecond
	}
	return 0`,
		Breaks:  []string{"TIME-9"},
		Because: "of a core",
	},
	{
		Name: "timeout-rounded-down", Why: "the poll's timeout is rounded down to milliseconds, and the rest is a busy loop",
		File: "reference/internal/poll/poll.go", Old: "(timeout + time.Millisecond - 1) / time.Millisecond", New: "timeout / time.Millisecond",
		Breaks: []string{"TIME-10"}, Because: "of a core",
	},
	{
		Name: "timers-until-none-is-due",
		Why:  "a turn fires timers until none is due, also those that were set again meanwhile",
		File: "reference/timers.go",
		Old: `	for !l.fire() {
	}
`,
		New: `	for !l.fire() {
	}
	if next, ok := t.next(); ok && next <= l.clock.now() {
		l.runTimers()
	}
`,
		Breaks:  []string{"TIME-11"},
		Because: "had used up their expiries",
		Timing:  true,
	},
	{
		Name: "eintr-restarts-the-poll",
		Why:  "a poll that a signal interrupts is begun again with its full timeout",
		File: "reference/internal/poll/wait.go",
		Old: `	if errno != 0 {
		return waited("epoll_wait"`,
		New: `	if errno == unix.EINTR {
		return epollWait(fd, ready, ms)
	}
	if errno != 0 {
		return waited("epoll_wait"`,
		Breaks:  []string{"TIME-12"},
		Because: "late | silence",
	},
	{
		Name: "timeout-computed-once",
		Why:  "the poll keeps to a deadline that it computed before a nearer timer came",
		File: "reference/loop_sleep.go",
		Old: `	next, ok := l.timers.next()
`,
		New: `	next, ok := l.timers.next()
	if ok && l.armed > now {
		next = l.armed
	}
	l.armed = next
`,
		More: []Edit{
			{
				"reference/loop.go",
				`	hooks  hooks
`,
				`	hooks  hooks
	armed  time.Duration
`,
			},
		},
		Breaks:     []string{"TIME-9", "TIME-13", "TIME-14"},
		Because:    "late | silence",
		Sometimes:  []string{"TIME-7"},
		Neighbours: "the poll keeps to an older deadline, which may be near enough to the one that was reset",
	},
	{
		Name: "timers-outlive-their-connection",
		Why:  "a connection that closes leaves its timers behind",
		File: "reference/conversation_probe.go",
		Old: `	for _, t := range p.timers {
		t.Cancel()
	}
`,
		New:     "",
		Breaks:  []string{"TIME-14"},
		Because: "still pending",
	},
	{
		Name: "panic-strands-timers",
		Why:  "a timer that panics leaves those that are due with it behind",
		File: "reference/timers.go",
		Old: `	for !l.fire() {
	}
`,
		New: `	l.fire()
	t.mu.Lock()
	t.ready, t.run = t.ready[:0], 0
	t.mu.Unlock()
`,
		Breaks:  []string{"TIME-15"},
		Because: "silence",
	},
}
