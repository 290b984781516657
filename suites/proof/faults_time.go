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
		Name: "cancel-only-counts", Why: "a cancelled timer is counted out and stays where it is",
		File: "reference/timers.go", Old: "	t.take(tm)\n	t.count--\n	return true", New: "	t.count--\n	return true",
		Breaks: []string{"TIME-5", "TIME-6"}, Because: "cancel",
	},
	{
		Name: "rearmed-after-the-callback", Why: "a periodic timer is set again after its callback, whether that cancelled it or not",
		File: "reference/timers.go", Old: "			t.wheel.insert(tm)\n		}\n		t.mu.Unlock()\n		return tm", New: "		}\n		t.mu.Unlock()\n		return tm",
		More:   []Edit{{"reference/timers.go", "		tm.f()\n", "		tm.f()\n		if set := tm.set; tm.period != 0 {\n			set.mu.Lock()\n			set.wheel.insert(tm)\n			set.mu.Unlock()\n		}\n"}},
		Breaks: []string{"TIME-6"}, Because: "cancels itself",
		Sometimes:  []string{"TIME-5", "TIME-1"},
		Neighbours: "a timer that was set again after its last expiry fires or not before the check has seen enough",
	},
	{
		Name: "reset-only-shortens", Why: "a reset to a later moment is ignored, and with it a first delay that is longer than the period",
		File: "reference/timers.go", Old: "	tm.when = t.deadline(d)\n", New: "	tm.when = min(tm.when, t.deadline(d))\n",
		Breaks: []string{"TIME-1", "TIME-7"}, Because: "old deadline | early",
	},
	{
		Name: "periods-drift", Why: "a periodic timer's next deadline is computed from now",
		File: "reference/timers.go", Old: "tm.when = later(tm.when, tm.period)", New: "tm.when = later(int64(t.loop.clock.now()), tm.period)",
		Breaks: []string{"TIME-8"}, Because: "behind its grid",
		Timing: true,
	},
	{
		Name: "timeout-overflows", Why: "the timeout is counted in microseconds in an int32: beyond 35 minutes it is negative, and taken for zero",
		File: "reference/loop_sleep.go", Old: "return min(max(0, next-now), poll.MaxTimeout)", New: "if us := int32((next - now) / time.Microsecond); us > 0 {\n		return time.Duration(us+1) * time.Microsecond\n	}\n	return 0",
		Breaks: []string{"TIME-9"}, Because: "of a core",
	},
	{
		Name: "timeout-rounded-down", Why: "the poll's timeout is rounded down to milliseconds, and the rest is a busy loop",
		File: "reference/internal/poll/poll.go", Old: "(timeout + time.Millisecond - 1) / time.Millisecond", New: "timeout / time.Millisecond",
		Breaks: []string{"TIME-10"}, Because: "of a core",
	},
	{
		Name: "timers-until-none-is-due", Why: "a turn fires timers until none is due, also those that were set again meanwhile",
		File: "reference/timers.go", Old: "	for !l.fire() {\n	}\n", New: "	for !l.fire() {\n	}\n	if next, ok := t.next(); ok && next <= l.clock.now() {\n		l.runTimers()\n	}\n",
		Breaks: []string{"TIME-11"}, Because: "had used up their expiries",
		Timing: true,
	},
	{
		Name: "eintr-restarts-the-poll", Why: "a poll that a signal interrupts is begun again with its full timeout",
		File: "reference/internal/poll/wait.go", Old: "	if errno != 0 {\n		return waited(\"epoll_wait\"", New: "	if errno == unix.EINTR {\n		return epollWait(fd, ready, ms)\n	}\n	if errno != 0 {\n		return waited(\"epoll_wait\"",
		Breaks: []string{"TIME-12"}, Because: "late | silence",
	},
	{
		Name: "timeout-computed-once", Why: "the poll keeps to a deadline that it computed before a nearer timer came",
		File: "reference/loop_sleep.go", Old: "	next, ok := l.timers.next()\n", New: "	next, ok := l.timers.next()\n	if ok && l.armed > now {\n		next = l.armed\n	}\n	l.armed = next\n",
		More:   []Edit{{"reference/loop.go", "	hooks  hooks\n", "	hooks  hooks\n	armed  time.Duration\n"}},
		Breaks: []string{"TIME-9", "TIME-13", "TIME-14"}, Because: "late | silence",
		Sometimes:  []string{"TIME-7"},
		Neighbours: "the poll keeps to an older deadline, which may be near enough to the one that was reset",
	},
	{
		Name: "timers-outlive-their-connection", Why: "a connection that closes leaves its timers behind",
		File: "reference/conversation_probe.go", Old: "	for _, t := range p.timers {\n		t.Cancel()\n	}\n", New: "",
		Breaks: []string{"TIME-14"}, Because: "still pending",
	},
	{
		Name: "panic-strands-timers", Why: "a timer that panics leaves those that are due with it behind",
		File: "reference/timers.go", Old: "	for !l.fire() {\n	}\n", New: "	l.fire()\n	t.mu.Lock()\n	t.ready, t.run = t.ready[:0], 0\n	t.mu.Unlock()\n",
		Breaks: []string{"TIME-15"}, Because: "silence",
	},
}
