package proof

import "time"

// patientStop gives a stop more time than the spec does, for faults that the
// reference's own deadline would hide. It holds for blocked workers, too.
var patientStop = []string{"--stop-deadline", "50s"}

// patientWithWorkers is why a row with patientStop may break LIFE-12.
const patientWithWorkers = "the row's long deadline waits for the 10 s of the offloaded work, which is too long, unless the machine was so busy that they count as less"

var lifeFaults = []Fault{
	{
		Name: "stop-waits-for-a-connection",
		Why:  "a stop waits for the last connection to go, and with none there is no last",
		File: "reference/server.go",
		Old: `	s.class.drain()
	s.emptied()`,
		New:        "	s.class.drain()",
		Args:       patientStop,
		Breaks:     []string{"LIFE-1", "LIFE-6", "LIFE-4"},
		Because:    "still runs",
		Sometimes:  []string{"LIFE-12"},
		Neighbours: patientWithWorkers,
	},
	{
		Name: "silent-clients-hold-the-stop",
		Why:  "a stop waits for connections that have nothing under way to end by themselves",
		File: "reference/conn.go",
		Old: `	if h, ok := c.handler.(Stopper); ok && c.state == stateOpen {
		h.OnStop(c)
		return
	}
	c.Close()`,
		New: `	if h, ok := c.handler.(Stopper); ok && c.state == stateOpen {
		h.OnStop(c)
		return
	}`,
		Args:       patientStop,
		Breaks:     []string{"LIFE-2", "LIFE-3", "LIFE-4", "LIFE-7", "LIFE-11"},
		Because:    "still",
		Sometimes:  []string{"LIFE-12"},
		Neighbours: patientWithWorkers,
	},
	{
		Name: "stop-drops-output", Why: "a stop resets connections that have output under way",
		File: "reference/conversation_source.go", Old: "func (s *source) OnStop(*Conn) {}", New: "func (s *source) OnStop(c *Conn) { c.Abort(ErrClosed) }",
		Breaks: []string{"LIFE-3"}, Because: "the output that was due | reset",
	},
	{
		Name: "no-deadline-for-the-stop",
		Why:  "a stop waits for its connections without a limit",
		File: "reference/server.go",
		Old: `	case <-ctx.Done():
		s.log.Warn("cutting`,
		New: `	case <-context.Background().Done():
		s.log.Warn("cutting`,
		Breaks:  []string{"LIFE-4"},
		Because: "still runs",
		Timing:  true,
	},
	{
		Name: "listens-while-stopping",
		Why:  "a stop does not stop accepting",
		File: "reference/server.go",
		Old: `	s.class.stopAccepting(ctx)
`,
		New:     "",
		Breaks:  []string{"LIFE-5"},
		Because: "was served",
	},
	{
		Name: "early-stop-is-lost",
		Why:  "a stop that is asked for before the first request is put off until there was one",
		File: "reference/server_command.go",
		Old: `	<-ctx.Done()
	stop, cancel`,
		New: `	<-ctx.Done()
	for server.Stats().In == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	stop, cancel`,
		Breaks:  []string{"LIFE-6"},
		Because: "still runs",
	},
	{
		Name: "child-outlives-the-server",
		Why:  "a child process is started and never stopped",
		File: "reference/server_command.go",
		Old: `	<-ctx.Done()
	stop, cancel`,
		New: `	if err := exec.Command("sleep", "300").Start(); err != nil {
		return err
	}
	<-ctx.Done()
	stop, cancel`,
		More: []Edit{
			{
				"reference/server_command.go",
				`	"os"
`,
				`	"os"
	"os/exec"
`,
			},
		},
		Breaks:  []string{"LIFE-7"},
		Because: "outlives the server",
	},
	{
		Name: "workers-are-deserted", Why: "a master exits on SIGTERM and leaves its workers behind, who serve on",
		Server: "processes", Args: []string{"{port}", "deserter"}, Control: []string{"{port}", "prefork"}, Dialect: "echo", Class: "multi-reactor", Features: []string{"drain"},
		Breaks:  []string{"LIFE-2", "LIFE-3", "LIFE-5", "LIFE-7", "LIFE-11"},
		Because: "still open | outlives the server | still served | was served",
	},
	{
		Name: "socket-file-stays", Why: "the file of a unix listener is not removed",
		File: "reference/server.go", Old: "	if s.socket != \"\" && s.socket[0] != '@' {", New: "	if false {",
		Args: []string{"--listen", "{socket}"}, Breaks: []string{"LIFE-8"}, Because: "still there",
	},
	{
		Name: "successor-loses-its-socket-file", Why: "whatever stands at the path of a unix listener is removed at a stop, even if it is another server's",
		File: "reference/server.go", Old: "	if err != nil || !os.SameFile(now, s.file) {", New: "	if _ = now; err != nil {",
		Args: []string{"--listen", "{socket}"}, Breaks: []string{"LIFE-19"}, Because: "of a successor is gone",
	},
	{
		Name: "stale-socket-file-bars-the-start", Why: "the socket file of a server that was killed is taken for a living one",
		File: "reference/internal/poll/listener.go", Old: "		if err := removeStale(address); err != nil {", New: "		if err := error(nil); err != nil {",
		Args: []string{"--listen", "{socket}"}, Breaks: []string{"LIFE-20"}, Because: "left its socket file",
	},
	{
		Name: "taken-address-is-success", Why: "a server that finds its address taken says so, and ends with status 0",
		Server: "epoll", Args: []string{"{port}", "taken-is-success"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor",
		Features: []string{"drain"}, Promises: []string{"LIFE-17"}, Breaks: []string{"LIFE-17"}, Because: "exits with status 0",
	},
	{
		Name: "taken-address-is-waited-for", Why: "a server that finds its address taken keeps trying for ever",
		Server: "epoll", Args: []string{"{port}", "waits-for-address"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor",
		Features: []string{"drain"}, Promises: []string{"LIFE-17"}, Breaks: []string{"LIFE-17"}, Because: "still runs",
		Shares: "the other ends, and says that all is well; this one never does",
	},
	{
		Name: "prints-to-its-clients", Why: "what is printed on descriptor 2 goes to whoever has that number: a client, if the standard streams were closed at the start",
		Server: "epoll", Args: []string{"{port}", "prints-blindly"}, Control: []string{"{port}", "prints"}, Dialect: "echo", Class: "reactor",
		Features: []string{"drain"}, Promises: []string{"LIFE-21"}, Breaks: []string{"LIFE-21"}, Because: "differs from byte | is not the one to this request | does not start",
	},
	{
		Name: "timeout-before-what-waits", Why: "the loop looks at its timers before the input that came while it was suspended",
		Server: "epoll", Args: []string{"{port}", "idle=2", "looks-first"}, Control: []string{"{port}", "idle=2"}, Dialect: "echo", Class: "reactor",
		Features: []string{"drain", "idle-timeout"}, Idle: 2 * time.Second, Breaks: []string{"LIFE-15"}, Because: "was not answered",
	},
	{
		Name: "no-timeout-before-sign-on", Why: "a connection that never says anything is never closed",
		File: "reference/reactor.go", Old: "	case c.state == stateOpen && r.quiet.after > 0:", New: "	case c.state == stateOpen && r.quiet.after > 0 && c.item != nil:",
		Args: []string{"--idle-timeout", "2s"}, Breaks: []string{"LIFE-9"}, Because: "never said anything",
		Sometimes:  []string{"TASK-5"},
		Neighbours: "on a busy machine a chain of tasks lasts longer than the idle timeout of 2 s that the row needs, and the connection that waits for its end is closed",
	},
	{
		Name: "timeout-from-the-start",
		Why:  "the idle timeout counts from the connection's start and nothing moves it",
		File: "reference/reactor.go",
		Old: `	if c.wait.list == &r.quiet {
		c.wait.touch(c)`,
		New: `	if false {
		c.wait.touch(c)`,
		More:       []Edit{{"reference/reactor.go", "	if n > 0 && (c.wait.list == &r.quiet || c.wait.list == &r.drain) {", "	if n > 0 && c.wait.list == &r.drain {"}},
		Args:       []string{"--idle-timeout", "2s"},
		Breaks:     []string{"LIFE-10", "LIFE-14"},
		Sometimes:  []string{"TIME-9", "ACC-5"},
		Neighbours: "a connection that is older than the timeout of 2 s is closed, and on a busy machine one that only has timers set gets so old; so is one that is kept while descriptors are short",
		Because:    "closed the connection | reset the connection | was not answered | was cut off",
	},
	{
		Name: "timeout-from-the-last-reply",
		Why:  "the idle timeout counts from the last reply, and input does not move it (grizzly 1843)",
		File: "reference/reactor.go",
		Old: `	if c.wait.list == &r.quiet {
		c.wait.touch(c)`,
		New: `	if false {
		c.wait.touch(c)`,
		Args:    []string{"--idle-timeout", "2s"},
		Breaks:  []string{"LIFE-10"},
		Because: "was not answered",
	},
	{
		Name:     "log-holds-the-loop",
		Why:      "each client is told on standard error by the loop, which waits for room in the pipe (clice 514)",
		Server:   "epoll",
		Args:     []string{"{port}", "prints"},
		Control:  []string{"{port}", "prints", "drops-lines"},
		Dialect:  "echo",
		Class:    "reactor",
		Features: []string{"drain"},
		Promises: []string{"LIFE-23"},
		Breaks:   []string{"LIFE-23"},
		Because:  "nobody reads what it prints",
	},
	{
		Name: "stop-waits-for-quiet",
		Why:  "a stop is put off as long as requests come in",
		File: "reference/reactor.go",
		Old: `func (r *reactor) stop() {
`,
		New: `func (r *reactor) stop() {
	if in := r.in.Load(); in != r.lastIn {
		r.lastIn = in
		_, _ = r.After(400*time.Millisecond, r.stop)
		return
	}
`,
		More: []Edit{
			{
				"reference/reactor.go",
				`	stopping bool
`,
				`	stopping bool
	lastIn   uint64
`,
			},
		},
		Args:       patientStop,
		Breaks:     []string{"LIFE-4", "LIFE-11"},
		Because:    "still runs",
		Sometimes:  []string{"LIFE-12"},
		Neighbours: patientWithWorkers,
	},
	{
		Name: "stop-joins-workers", Why: "a stop waits for blocked workers without a limit",
		File: "reference/class_reactor.go", Old: "	workers := k.workers.Stop(ctx)", New: "	workers := k.workers.Stop(context.Background())",
		Breaks: []string{"LIFE-12"}, Because: "still runs",
	},
	{
		Name: "silent-clients-are-kept-from-the-timeout", Why: "the kernel is asked to keep back clients that say nothing (TCP_DEFER_ACCEPT), and no idle timeout reaches them",
		File: "reference/internal/poll/listener.go", Old: "unix.Listen(fd, backlog)", New: "func() error { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 30); return unix.Listen(fd, backlog) }()",
		Args: []string{"--idle-timeout", "2s"}, Breaks: []string{"LIFE-9"}, Because: "never said anything",
		Shares:    "the other forgets them in the server, this one in the kernel",
		Sometimes: []string{"TASK-5"}, Neighbours: "on a busy machine a chain of tasks lasts longer than the idle timeout of 2 s that the row needs, and the connection that waits for its end is closed",
	},
	{
		Name: "stop-waits-for-who-was-handed-over", Why: "TCP_DEFER_ACCEPT keeps silent clients back, and a stop waits without a limit for those that were handed over",
		Server: "epoll", Args: []string{"{port}", "defers-accept", "stop-waits"}, Control: []string{"{port}", "defers-accept"}, Dialect: "echo", Class: "reactor", Features: []string{"drain"},
		Breaks: []string{"LIFE-4"}, Because: "still runs",
		Shares: "the other has all its clients: this one has only those that the kernel handed over",
	},
}
