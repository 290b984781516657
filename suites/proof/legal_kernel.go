package proof

import "github.com/reactorspec/reactorspec/spec"

// begins are clauses whose clients come faster than a short queue takes them.
var begins = []string{"MODEL-3", "ACC-1", "ACC-2", "ACC-3", "ACC-10", "CONN-6", "CONN-12", "CONN-14", "CONN-15", "CONN-19", "CONN-22", "LOOP-6", "LOOP-12", "RES-1", "RES-2", "RES-7", "RES-8", "RES-10"}

// kernels leave something to the kernel that a check might charge to the server.
var kernels = []Variant{
	{
		Fault: Fault{
			Name: "queue-of-three", Why: "listen(2) with a backlog of 3, as IO::Async has it",
			Server: "narrow", Args: []string{"{port}", "backlog=3"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: append([]string{"LOOP-15", "LOOP-16", "LOOP-17", "LOOP-18"}, begins...), Rules: []spec.Rule{spec.Scarce, spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "queue-of-one", Why: "listen(2) with a backlog of 1, on two loops",
			Server: "narrow", Args: []string{"{port}", "backlog=1", "loops=2"}, Dialect: "echo", Class: "multi-reactor",
		},
		Clauses: begins, Rules: []spec.Rule{spec.Scarce, spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "pool-behind-a-queue-of-five", Why: "two hundred threads behind a backlog of 5, as Python's socketserver has it",
			Server: "pool", Args: []string{"{port}", "workers", "200", "5"}, Dialect: "echo", Class: "thread-per-connection",
		},
		Clauses: []string{"ACC-1", "ACC-2", "ACC-3", "CONN-12", "CONN-14", "CONN-15", "CONN-19", "RES-1", "RES-2", "RES-7"}, Rules: []spec.Rule{spec.Scarce, spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "unix-queue-of-a-hundred", Why: "a unix socket with a backlog of 100, as asyncio has it: whoever finds it full is told EAGAIN",
			Server: "narrow", Args: []string{"{socket}", "backlog=100"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: without(begins, "CONN-6", "CONN-19"), Rules: []spec.Rule{spec.Scarce, spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "unix-queue-of-one", Why: "a unix socket with a backlog of 1",
			Server: "narrow", Args: []string{"{socket}", "backlog=1"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: without(begins, "CONN-6", "CONN-19"), Rules: []spec.Rule{spec.Scarce, spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "asyncio-on-a-unix-socket", Why: "Python's asyncio with all defaults, on a unix socket",
			Server: "pythonecho", Args: []string{"{socket}", "asyncio"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: without(begins, "CONN-6", "CONN-19"), Rules: []spec.Rule{spec.Scarce, spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "reference-behind-a-queue-of-two", Why: "the reference with a backlog of 2",
			Args: []string{"--backlog", "2"},
		},
		Clauses: []string{"ACC-1", "ACC-7", "SIGN-4", "SIGN-6", "SIGN-7", "SIGN-8", "PROBE-12", "TIME-14", "WORK-6", "LIFE-5", "LIFE-11"}, Rules: []spec.Rule{spec.Scarce, spec.Kernel}, Whole: true,
	},
	{
		Fault: Fault{
			Name: "silent-clients-are-kept-back", Why: "TCP_DEFER_ACCEPT: the kernel hands no client over that has said nothing",
			Server: "narrow", Args: []string{"{port}", "defer=30"}, Dialect: "echo", Class: "reactor", Features: []string{"drain"},
		},
		Clauses: []string{"ACC-1", "ACC-2", "ACC-3", "CONN-8", "CONN-12", "CONN-15", "LOOP-5", "LOOP-6", "LIFE-1", "LIFE-2", "LIFE-7", "LIFE-11", "RES-7"}, Rules: []spec.Rule{spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "reference-that-keeps-silent-clients-back", Why: "the reference with TCP_DEFER_ACCEPT",
			File: "reference/internal/poll/listener.go", Old: "unix.Listen(fd, backlog)", New: "func() error { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 20); return unix.Listen(fd, backlog) }()",
		},
		Clauses: []string{"ACC-2", "SIGN-6", "LIFE-2", "LIFE-7", "LOOP-5", "RES-7"}, Rules: []spec.Rule{spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "abort-after-the-end", Why: "a connection whose client has half-closed ends by RST once all is acknowledged",
			Server: "narrow", Args: []string{"{port}", "abort"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: []string{"CONN-6", "CONN-7", "CONN-8", "CONN-19", "CONN-22"}, Rules: []spec.Rule{spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "abort-after-the-end-on-two-loops", Why: "likewise on two loops, of which the kernel picks one",
			Server: "narrow", Args: []string{"{port}", "abort", "loops=2"}, Dialect: "echo", Class: "multi-reactor",
		},
		Clauses: []string{"CONN-6", "CONN-7", "CONN-8", "CONN-19", "CONN-22"}, Rules: []spec.Rule{spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "sends-without-a-copy", Why: "MSG_ZEROCOPY, whose notices come as EPOLLERR, and SIGTERM from a signalfd",
			Server: "narrow", Args: []string{"{port}", "zerocopy", "signalfd", "loops=2"}, Dialect: "echo", Class: "multi-reactor", Features: []string{"drain"},
		},
		Clauses: []string{"CONN-1", "CONN-4", "CONN-5", "CONN-7", "CONN-12", "CONN-13", "CONN-18", "FLOW-4", "LOOP-2", "LOOP-3", "LOOP-4", "LOOP-7", "LIFE-1", "LIFE-2", "LIFE-11", "LIFE-22"}, Rules: []spec.Rule{spec.Kernel},
	},
}

// unseen keep something from /proc.
var unseen = []Variant{
	{
		Fault: Fault{
			Name: "sockets-in-a-ring", Why: "io_uring with direct descriptors: its clients' sockets are no descriptors of the process",
			Server: "uring", Args: []string{"{port}"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: []string{"ACC-1", "ACC-4", "ACC-5", "CONN-1", "CONN-13", "LOOP-1", "LOOP-2", "LOOP-7", "RES-1", "RES-2", "RES-7", "MODEL-7", "MODEL-8"}, Rules: []spec.Rule{spec.Unseen},
		Untested: map[string]string{
			"ACC-4": "does not bind", "ACC-5": "does not bind", "RES-1": "are no descriptors", "RES-2": "are no descriptors", "RES-7": "are no descriptors", "CONN-13": "are no descriptors",
			"MODEL-8": "was not seen",
		},
	},
	{
		Fault: Fault{
			Name: "small-ring", Why: "likewise with a table of 64, beyond which the kernel turns clients away, as it says",
			Server: "uring", Args: []string{"{port}", "64"}, Dialect: "echo", Class: "reactor", MaxClients: 64,
		},
		Clauses: []string{"ACC-1", "ACC-4", "ACC-5", "CONN-14"}, Rules: []spec.Rule{spec.Unseen, spec.Scarce},
		Untested: map[string]string{"ACC-4": "does not bind", "ACC-5": "does not bind"},
	},
	{
		Fault: Fault{
			Name: "nobody-says-the-pid", Why: "the reference runs already, and nobody says which process it is",
		},
		Attached: true, Whole: true,
		Clauses: []string{"LOOP-15", "LOOP-16", "ACC-1", "ACC-7", "CONN-13", "RES-1", "LOOP-1", "WAKE-8"}, Rules: []spec.Rule{spec.Unseen},
		Untested: map[string]string{"CONN-13": "pid", "RES-1": "pid", "LOOP-1": "pid", "WAKE-8": "pid", "ACC-7": "pid"},
	},
}
