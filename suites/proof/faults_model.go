package proof

// Faults of the classes: servers that are not what they say.
var modelFaults = []Fault{
	{
		Name:  "iterative-serves-all-at-once",
		Why:   "the iterative server gives each client a thread",
		Class: "iterative",
		Args:  []string{"--class", "iterative"},
		File:  "reference/class_thread.go",
		Old: `	if k.iterative {
		k.talk(fd)
		return
	}
`,
		New:     "",
		Breaks:  []string{"MODEL-1"},
		Because: "bytes came where none were due",
	},
	{
		Name:  "iterative-forgets-who-waits",
		Why:   "the client behind one that reset its connection is closed unheard",
		Class: "iterative",
		Args:  []string{"--class", "iterative"},
		File:  "reference/class_thread.go",
		Old: `	k.leave(c)
	c.state = stateClosed
`,
		New: `	k.leave(c)
	k.unheard = c.err != nil
	c.state = stateClosed
`,
		More: []Edit{
			{
				"reference/class_thread.go",
				`	if k.iterative {
		k.talk(fd)
		return
	}
`,
				`	if k.unheard {
		k.unheard = false
		k.server.refuse(fd, nil)
		return
	}
	if k.iterative {
		k.talk(fd)
		return
	}
`,
			},
			{
				"reference/class_thread.go",
				`	in, out  atomic.Uint64
`,
				`	in, out  atomic.Uint64
	unheard  bool
`,
			},
		},
		Breaks:     []string{"MODEL-2", "ACC-3", "CONN-12"},
		Sometimes:  []string{"LOOP-4", "LOOP-5", "LOOP-6", "LOOP-12", "RES-2", "RES-8", "RES-10"},
		Neighbours: "connections are reset there, and the next one is hit if it is already in the queue when the server learns of the reset",
		Because:    "closed the connection | reset the connection",
	},
	{
		Name:  "threads-take-turns",
		Why:   "one lock around the service of a connection lets one thread at a time work",
		Class: "thread-per-connection",
		Args:  []string{"--class", "thread-per-connection"},
		File:  "reference/class_thread.go",
		Old: `		runtime.LockOSThread()
		k.talk(fd)
`,
		New: `		runtime.LockOSThread()
		oneAtATime.Lock()
		defer oneAtATime.Unlock()
		k.talk(fd)
`,
		More: []Edit{
			{
				"reference/class_thread.go",
				`// talk is a connection's life, on its thread.
`,
				`var oneAtATime sync.Mutex

// talk is a connection's life, on its thread.
`,
			},
		},
		Breaks:     []string{"ACC-1", "MODEL-3", "MODEL-4", "SIGN-7", "SIGN-8", "SIGN-13", "ACC-2", "ACC-4", "ACC-5", "ACC-6", "ACC-8", "ACC-9", "CONN-12", "CONN-14", "FLOW-5", "FLOW-6", "FLOW-7", "FLOW-9", "FLOW-10", "PROBE-10", "PROBE-12", "LOOP-2", "LOOP-3", "LOOP-4", "LOOP-5", "LOOP-6", "LOOP-8", "LOOP-9", "LOOP-10", "LOOP-11", "LOOP-12", "LOOP-13", "WAKE-1", "LIFE-2", "LIFE-7", "LIFE-11", "RES-4"},
		Sometimes:  []string{"CONN-15", "CONN-20", "MODEL-7", "MODEL-8", "LOOP-16", "LIFE-3", "LIFE-21", "RES-1", "RES-2", "RES-7", "RES-9", "RES-10"},
		Neighbours: "several clients at once wait for each other's end, which comes before their patience is over or not",
		Because:    "silence",
	},
	{
		Name:    "reactor-says-threads",
		Why:     "a reactor calls itself thread-per-connection",
		Class:   "thread-per-connection",
		File:    "reference/conversation_probe_hello.go",
		Old:     "fields(\"class\", o.Class,",
		New:     "fields(\"class\", \"thread-per-connection\",",
		Breaks:  []string{"MODEL-4"},
		Because: "came with",
	},
	{
		Name:    "many-loops-say-one",
		Why:     "a server of several loops calls itself a reactor",
		Class:   "reactor",
		File:    "reference/conversation_probe_hello.go",
		Old:     "fields(\"class\", o.Class, \"loops\", loops,",
		New:     "fields(\"class\", \"reactor\", \"loops\", loops*0+1,",
		Breaks:  []string{"MODEL-5"},
		Because: "by several threads",
	},
	{
		Name:    "loops-on-one-thread",
		Why:     "all loops say that they run on the same thread",
		File:    "reference/conversation_probe.go",
		Old:     "fields(\"loop\", p.index(), \"tid\", poll.ThreadID(), \"conn\", p.c.id)",
		New:     "fields(\"loop\", p.index(), \"tid\", poll.ThreadID()*0+1, \"conn\", p.c.id)",
		Breaks:  []string{"MODEL-6", "TASK-3", "WORK-2"},
		Because: "two loops run on one thread | instead of 1",
	},
}
