package proof

var resFaults = []Fault{
	{
		Name: "leaks-after-fin",
		Why:  "the descriptor of a connection that ended in order is shut down and not closed",
		File: "reference/server.go",
		Old:  "	if err := closeSocket(int(c.fd)); err != nil {",
		New: `	if c.err == nil && c.item != nil {
		closeSocket = poll.ShutdownBoth
	}
	if err := closeSocket(int(c.fd)); err != nil && c.err != nil {`,
		Breaks:     []string{"RES-1"},
		Because:    "are still open",
		Sometimes:  []string{"RES-2"},
		Neighbours: "of the clients that close with output pending some have read all of it by then, and end in order",
	},
	{
		Name: "leaks-after-reset",
		Why:  "the descriptor of a connection that failed is not closed",
		File: "reference/server.go",
		Old:  "	if err := closeSocket(int(c.fd)); err != nil {",
		New: `	if c.err != nil && c.item != nil {
		closeSocket = func(int) error { return nil }
	}
	if err := closeSocket(int(c.fd)); err != nil {`,
		Breaks:     []string{"RES-2", "CONN-13"},
		Sometimes:  []string{"RES-7"},
		Neighbours: "some of the 500 clients end by a reset, and keep their sockets",
		Because:    "sockets are still open",
	},
	{
		Name: "keeps-what-is-gone",
		Why:  "16 KiB of each connection that ever was are kept in a list",
		File: "reference/reactor.go",
		Old:  "	c.place = int32(r.conns.length)",
		New: `	kept.Lock()
	kept.all = append(kept.all, bytes.Repeat([]byte{1}, 16<<10))
	kept.Unlock()
	c.place = int32(r.conns.length)`,
		More: []Edit{
			{
				"reference/reactor.go",
				"func newReactor(",
				`var kept struct {
	sync.Mutex
	all [][]byte
}

func newReactor(`,
			},
			{
				"reference/reactor.go",
				`import (
`,
				`import (
	"bytes"
	"sync"
`,
			},
		},
		Breaks:  []string{"RES-3"},
		Because: "memory grew",
		Shares:  "the other goes beyond what its target file declares",
	},
	{
		Name: "keeps-more-than-it-declares",
		Why:  "64 KiB of each connection that ever was are kept, beyond the memory that the target file declares for a heap collected late",
		File: "reference/reactor.go",
		Old:  `	c.place = int32(r.conns.length)`,
		New: `	kept.Lock()
	kept.all = append(kept.all, bytes.Repeat([]byte{1}, 64<<10))
	kept.Unlock()
	c.place = int32(r.conns.length)`,
		More: []Edit{
			{"reference/reactor.go", `func newReactor(`, `var kept struct {
	sync.Mutex
	all [][]byte
}

func newReactor(`},
			{"reference/reactor.go", `import (
`, `import (
	"bytes"
	"sync"
`},
		},
		Memory:  768 << 20,
		Breaks:  []string{"RES-3"},
		Because: "memory grew",
		Shares:  "the other leaks less, and beyond what nobody has to declare",
	},
	{
		Name:    "sweeps-every-ten-minutes",
		Why:     "connections that were reset are closed by a sweep that comes by every ten minutes",
		Server:  "epolls",
		Args:    []string{"{port}", "sweeps", "600"},
		Control: []string{"{port}", "sweeps", "5"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"CONN-13", "RES-2", "RES-7"},
		Because: "sockets are still open",
	},
	{
		Name:    "sweeps-every-forty-seconds",
		Why:     "connections that were reset are closed by a sweep that comes by every forty seconds, where ten are allowed",
		Server:  "epolls",
		Args:    []string{"{port}", "sweeps", "40"},
		Control: []string{"{port}", "sweeps", "5"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"CONN-13", "RES-2", "RES-7"},
		Because: "sockets are still open",
		Shares:  "the other sweeps every ten minutes: this one is nearer to what is allowed",
	},
	{
		Name: "large-buffer-each",
		Why:  "each connection owns a buffer of 256 KiB as long as it lives",
		File: "reference/reactor.go",
		Old:  "	c.place = int32(r.conns.length)",
		New: `	c.own = bytes.Repeat([]byte{1}, 256<<10)
	c.place = int32(r.conns.length)`,
		More: []Edit{
			{
				"reference/reactor.go",
				`import (
`,
				`import (
	"bytes"
`,
			},
			{
				"reference/conn.go",
				"	drainAsked bool",
				`	own        []byte
	drainAsked bool`,
			},
		},
		Breaks:     []string{"RES-4"},
		Because:    "an idle connection costs",
		Sometimes:  []string{"RES-3"},
		Neighbours: "the buffers of connections that have gone count until the collector has given them back",
	},
	{
		Name: "table-of-fixed-size", Why: "there is room for 1,000 connections",
		File: "reference/server.go", Old: "	if s.counts.open.Add(1) > int64(s.options.MaxConns) {", New: "	if s.counts.open.Add(1) > 1000 {",
		Breaks: []string{"ACC-10", "RES-5"}, Because: "closed the connection | reset the connection",
	},
	{
		Name: "descriptors-beyond-an-fd-set", Why: "a server on select(2) does not ask whether a descriptor is below FD_SETSIZE, and never looks at one beyond",
		Server: "select", Args: []string{"{port}", "overflow"}, Control: []string{"{port}", "none"}, Dialect: "resp", Class: "reactor",
		Breaks: []string{"RES-5"}, Because: "silence",
	},
	{
		Name: "stale-registrations",
		Why:  "a second descriptor of each connection hangs on the poller and is never taken off",
		File: "reference/reactor.go",
		Old:  "	c.place = int32(r.conns.length)",
		New: `	if beside, err := poll.EventFD(); err == nil {
		_ = r.poller.Add(beside, 1<<63, poll.Readable)
	}
	c.place = int32(r.conns.length)`,
		Breaks:  []string{"RES-1", "RES-2", "RES-6", "RES-7"},
		Because: "descriptors",
	},
	{
		Name: "parks-a-thread-each",
		Why:  "a thread is left behind, blocked, by each of the first 3,400 connections that ended",
		File: "reference/server.go",
		Old:  "	if err := closeSocket(int(c.fd)); err != nil {",
		New: `	if parked.Add(1) <= 3400 {
		go func() {
			runtime.LockOSThread()
			select {}
		}()
	}
	if err := closeSocket(int(c.fd)); err != nil {`,
		More: []Edit{
			{
				"reference/server.go",
				`import (
`,
				`import (
	"runtime"
`,
			},
			{
				"reference/server.go",
				"// Server is a server",
				`var parked atomic.Int64

// Server is a server`,
			},
		},
		Breaks:  []string{"RES-8"},
		Because: "threads more",
	},
	{
		Name: "leaks-before-sign-on",
		Why:  "the descriptor of a connection that ended before its sign-on is not closed",
		File: "reference/server.go",
		Old:  "	if err := closeSocket(int(c.fd)); err != nil {",
		New: `	if c.item == nil {
		closeSocket = func(int) error { return nil }
	}
	if err := closeSocket(int(c.fd)); err != nil {`,
		Shares:  "a connection that is never closed keeps its descriptor: the one misses the end, the other the close",
		Breaks:  []string{"RES-7", "SIGN-6"},
		Because: "sockets are still open | still open after FIN",
	},
	{
		Name:    "keeps-what-ended-in-order",
		Why:     "64 KiB are kept of each connection that ended in order",
		Server:  "epoll",
		Args:    []string{"{port}", "keeps-the-closed"},
		Control: []string{"{port}"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"RES-3"},
		Because: "connection that ended by FIN",
		Shares:  "one path of several on which connections end; this is the one that all servers have",
	},
	{
		Name:    "keeps-what-was-reset",
		Why:     "64 KiB are kept of each connection that was reset",
		Server:  "epoll",
		Args:    []string{"{port}", "keeps-the-reset"},
		Control: []string{"{port}"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"RES-3"},
		Because: "connection that ended amid their beginning | connection that were reset",
		Shares:  "one path of several on which connections end: the error path",
	},
	{
		Name:    "keeps-output-that-waited",
		Why:     "output that waits when its connection ends is never freed",
		Server:  "epoll",
		Args:    []string{"{port}", "keeps-what-waited"},
		Control: []string{"{port}"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"RES-3"},
		Because: "with output pending",
		Shares:  "one path of several on which connections end: output is pending",
	},
	{
		Name:    "requests-stay-with-their-connection",
		Why:     "2 KiB are kept of each read for as long as the connection is there",
		Server:  "epoll",
		Args:    []string{"{port}", "keeps-while-there"},
		Control: []string{"{port}"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"RES-9"},
		Because: "memory grew",
	},
	{
		Name:    "wrong-from-the-5000th-on",
		Why:     "from the 5,000th connection on the first byte of each reply is wrong, for ever",
		Server:  "epoll",
		Args:    []string{"{port}", "wrong-from=5000"},
		Control: []string{"{port}"},
		Dialect: "echo",
		Class:   "reactor",
		Breaks:  []string{"RES-10"},
		Because: "the reply is not the one to this request",
		Shares:  "aborts-use-up-the-slots turns clients away; this server lets them in and answers wrongly",
	},
}
