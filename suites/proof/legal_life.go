package proof

import (
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

// idleVariant is every clause about a server that should be idle, of those that
// every dialect promises.
var idleVariant = []string{"LOOP-1", "LOOP-2", "LOOP-3", "LOOP-4", "LOOP-5", "LOOP-6", "LOOP-7", "LOOP-11"}

// treeVariant is what is asked of a server that is a tree of processes.
var treeVariant = []string{
	"LIFE-1", "LIFE-2", "LIFE-6", "LIFE-7", "LIFE-11", "ACC-1", "LOOP-1", "LOOP-2", "LOOP-10", "LOOP-12", "LOOP-15", "LOOP-16", "LOOP-18",
	"CONN-13", "RES-1", "RES-2", "RES-9", "FLOW-2", "FLOW-3", "FLOW-5", "FLOW-11", "MODEL-7", "MODEL-8",
}

// treeOfProbe is what the probe dialect alone promises of those.
var treeOfProbe = []string{"ACC-9", "RES-3", "RES-6", "LOOP-14", "ACC-8"}

// trees are servers of several processes: signals go to the one that was started,
// pages that they share count once, and children may come and go.
var trees = []Variant{
	{
		Fault: Fault{
			Name: "workers-with-a-socket-each", Why: "a master that does not listen, and workers that each have a SO_REUSEPORT socket: socket(7)",
			Server: "processes", Args: []string{"{port}", "reuseport"}, Dialect: "echo", Class: "multi-reactor",
			Features: []string{"drain"}, Limit: 65536,
		},
		Rules:   []spec.Rule{spec.Tree},
		Clauses: treeVariant,
	},
	{
		Fault: Fault{
			Name: "workers-on-one-socket", Why: "workers that all accept on the socket which their master made",
			Server: "processes", Args: []string{"{port}", "prefork"}, Dialect: "echo", Class: "multi-reactor",
			Features: []string{"drain"}, Limit: 65536, Promises: []string{"LIFE-3", "LIFE-4", "LIFE-5", "LIFE-17", "LIFE-18", "LIFE-21"},
		},
		Rules:   []spec.Rule{spec.Tree},
		Clauses: slices.Concat(treeVariant, []string{"LIFE-3", "LIFE-4", "LIFE-5", "LIFE-16", "LIFE-17", "LIFE-18", "LIFE-21"}),
	},
	{
		Fault: Fault{
			Name: "helper-outlives-a-failed-start", Why: "a master whose helper, started before it has its address, lives on when the address is taken and the master exits with status 1",
			Server: "processes", Args: []string{"{port}", "helped"}, Dialect: "echo", Class: "multi-reactor",
			Features: []string{"drain"}, Limit: 65536, Promises: []string{"LIFE-17", "LIFE-18"},
		},
		Rules:   []spec.Rule{spec.Tree},
		Clauses: []string{"LIFE-1", "LIFE-2", "LIFE-6", "LIFE-7", "LIFE-11", "LIFE-17", "LIFE-18"},
	},
	{
		Fault: Fault{
			Name: "children-of-a-virtual-machine", Why: "no descriptor of a Java virtual machine is marked close-on-exec: it closes them in the processes that it starts (JDK, childproc.c)",
			Server: "javathreads", Args: []string{"{port}"}, Dialect: "echo", Class: "thread-per-connection", Promises: []string{"ACC-8"},
		},
		Rules:    []spec.Rule{spec.Tree},
		Clauses:  []string{"ACC-8"},
		Untested: map[string]string{"ACC-8": "is a Java virtual machine"},
	},
	{
		Fault: Fault{
			Name: "connections-handed-to-workers", Why: "a master that accepts and hands each connection to a worker: unix(7), SCM_RIGHTS",
			Server: "processes", Args: []string{"{port}", "handover"}, Dialect: "echo", Class: "multi-reactor",
			Features: []string{"drain"}, Limit: 65536,
		},
		Rules:   []spec.Rule{spec.Tree},
		Clauses: treeVariant,
	},
	{
		Fault: Fault{
			Name: "process-for-each-connection", Why: "a process for each connection, which its parent collects when it looks",
			Server: "processes", Args: []string{"{port}", "each"}, Dialect: "echo", Class: "thread-per-connection",
			Features: []string{"drain"}, Limit: 65536,
		},
		Rules:   []spec.Rule{spec.Tree},
		Clauses: treeVariant,
	},
	{
		Fault: Fault{
			Name: "process-for-each-collected-by-the-kernel", Why: "a process for each connection, and SIGCHLD ignored: wait(2)",
			Server: "processes", Args: []string{"{port}", "each-ignored"}, Dialect: "echo", Class: "thread-per-connection",
			Features: []string{"drain"}, Limit: 65536,
		},
		Rules:   []spec.Rule{spec.Tree},
		Clauses: treeVariant,
	},
	{
		Fault: Fault{
			Name: "process-for-each-orphaned", Why: "a process for each connection, which a second fork leaves to whoever takes orphans",
			Server: "processes", Args: []string{"{port}", "each-orphan"}, Dialect: "echo", Class: "thread-per-connection",
			Features: []string{"drain"}, Limit: 65536,
		},
		Rules:   []spec.Rule{spec.Tree},
		Clauses: treeVariant,
	},
	{
		Fault: Fault{
			Name: "child-collected-at-each-accept", Why: "a process for each connection, of which one is collected at each accept",
			Server: "forking", Args: []string{"{port}", "one-an-accept"}, Dialect: "echo", Class: "thread-per-connection",
		},
		Rules:   []spec.Rule{spec.Tree, spec.Slow},
		Clauses: []string{"MODEL-7", "MODEL-8", "RES-1", "ACC-1", "LOOP-12"},
	},
	{
		Fault: Fault{
			Name: "children-collected-at-fifty", Why: "a process for each connection, collected once there are fifty",
			Server: "forking", Args: []string{"{port}", "at-fifty"}, Dialect: "echo", Class: "thread-per-connection",
		},
		Rules:   []spec.Rule{spec.Tree, spec.Slow},
		Clauses: []string{"MODEL-7", "MODEL-8", "LOOP-12"},
	},
	{
		Fault: Fault{
			Name: "python-forks-for-each", Why: "socketserver.ForkingTCPServer with all defaults: forty processes at most, behind a backlog of 5",
			Server: "pythonecho", Args: []string{"{port}", "forking"}, Dialect: "echo", Class: "thread-per-connection",
		},
		Rules:    []spec.Rule{spec.Tree, spec.Scarce, spec.Kernel},
		Clauses:  []string{"MODEL-7", "MODEL-8", "ACC-1", "ACC-2", "CONN-12", "CONN-13", "LOOP-12", "RES-1", "RES-2"},
		Untested: map[string]string{"MODEL-8": "it holds fewer than 40 at once", "ACC-1": "it holds 40 clients at once", "ACC-2": "it holds 40 clients at once"},
	},
	{
		Fault: Fault{
			Name: "workers-that-are-killed-together", Why: "workers on one socket, who all have to go before the port can be taken again",
			Server: "processes", Args: []string{"{port}", "prefork", "signs-on"}, Class: "multi-reactor",
		},
		Rules:    []spec.Rule{spec.Tree},
		Clauses:  treeOfProbe,
		Untested: map[string]string{"LOOP-14": "shows none of the connections on a poller"},
	},
	{
		Fault: Fault{
			Name: "processes-that-are-killed-together", Why: "a process for each connection, and the parent is not the one to be killed alone",
			Server: "processes", Args: []string{"{port}", "each", "signs-on"}, Class: "thread-per-connection",
		},
		Rules:   []spec.Rule{spec.Tree},
		Clauses: []string{"ACC-9", "RES-3", "RES-4", "ACC-8"},
	},
}

// stops are servers that start and stop in order, and not as others do.
var stops = []Variant{
	{
		Fault: Fault{
			Name: "stop-takes-three-seconds", Why: "a stop takes three seconds, an address that is taken is tried for a second, and each client is told on standard error",
			Server: "epoll", Args: []string{"{port}", "slow-stop", "retries", "prints"}, Dialect: "echo", Class: "reactor",
			Features: []string{"drain"}, Promises: []string{"LIFE-3", "LIFE-4", "LIFE-5", "LIFE-17", "LIFE-18", "LIFE-21"},
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: []string{"LIFE-1", "LIFE-2", "LIFE-3", "LIFE-4", "LIFE-5", "LIFE-6", "LIFE-11", "LIFE-16", "LIFE-17", "LIFE-18", "LIFE-21"},
	},
	{
		Fault: Fault{
			Name: "little-output-and-a-timeout", Why: "a server that holds 256 KiB of a client's output, and looks for who is silent for two seconds twenty times a second",
			Server: "epoll", Args: []string{"{port}", "idle=2"}, Dialect: "echo", Class: "reactor",
			Features: []string{"drain", "idle-timeout"}, Idle: 2 * time.Second,
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: []string{"LIFE-9", "LIFE-10", "LIFE-13", "LIFE-15"},
	},
	{
		Fault: Fault{
			Name: "lets-go-of-who-takes-nothing", Why: "a client that takes nothing for six seconds is closed, and nobody declares that",
			Server: "epoll", Args: []string{"{port}", "lets-go=6"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: []string{"LIFE-22"},
	},
	{
		Fault: Fault{
			Name: "drops-what-nobody-reads", Why: "each client is told on standard error, and the line is dropped if there is no room for it",
			Server: "epoll", Args: []string{"{port}", "prints", "drops-lines"}, Dialect: "echo", Class: "reactor", Promises: []string{"LIFE-23"},
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: []string{"LIFE-23"},
	},
	{
		Fault: Fault{
			Name: "instances-share-their-port", Why: "workers that each have a SO_REUSEPORT socket, so that those of a second instance join them: it declares reuseport",
			Server: "processes", Args: []string{"{port}", "reuseport"}, Dialect: "echo", Class: "multi-reactor",
			Features: []string{"drain", "reuseport"}, Promises: []string{"LIFE-18"},
		},
		Rules:    []spec.Rule{spec.Tree},
		Clauses:  []string{"LIFE-1", "LIFE-18"},
		Untested: map[string]string{"LIFE-18": "declares reuseport"},
	},
	{
		Fault: Fault{
			Name: "timeout-under-a-shell", Why: "a shell starts the reference, which has an idle timeout of 2 s",
			Args: []string{"--idle-timeout", "2s"},
		},
		Wrap:    shell,
		Rules:   []spec.Rule{spec.Tree},
		Clauses: []string{"LIFE-9", "LIFE-13", "LIFE-14", "LIFE-15"},
	},
	{
		Fault: Fault{
			Name: "socket-file-under-a-shell", Why: "a shell starts the reference on a unix socket, and stays when it is killed alone",
			Args: []string{"--listen", "{socket}"},
		},
		Wrap:    shell,
		Rules:   []spec.Rule{spec.Tree},
		Clauses: []string{"LIFE-8", "LIFE-19", "LIFE-20", "LIFE-21"},
	},
}

// heaps collect late, and say so where it takes much memory.
var heaps = []Variant{
	{
		Fault: Fault{
			Name: "heap-collected-at-four-gigabytes", Why: "the collector is off until a limit is near, which the target file declares",
			Env: map[string]string{"GOGC": "off", "GOMEMLIMIT": "4GiB"}, Memory: 4 << 30,
			Args: []string{"--class", "thread-per-connection"}, Class: "thread-per-connection",
			Slow: "the check of memory goes on for a minute where the target declares four gigabytes",
		},
		Rules:    []spec.Rule{spec.Heap},
		Clauses:  []string{"RES-3", "RES-4", "LOOP-1"},
		Untested: map[string]string{"RES-3": "within the 4GiB that it declares"},
	},
	{
		Fault: Fault{
			Name: "loops-whose-heap-is-collected-at-four-gigabytes", Why: "the same in the class of several loops, with a limit of unread output",
			Env: map[string]string{"GOGC": "off", "GOMEMLIMIT": "4GiB"}, Memory: 4 << 30, Args: []string{"--limit", "65536"},
			Slow: "the check of memory goes on for a minute where the target declares four gigabytes",
		},
		Rules:    []spec.Rule{spec.Heap},
		Clauses:  []string{"RES-3", "FLOW-2", "FLOW-3", "FLOW-8"},
		Untested: map[string]string{"RES-3": "within the 4GiB that it declares"},
	},
	{
		Fault: Fault{
			Name: "freed-memory-stays-for-a-while", Why: "built with AddressSanitizer, which keeps what was freed until it is 256 MiB, and maps terabytes of addresses",
			Server: "sanitized", Args: []string{"{port}"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Heap, spec.Slow},
		Clauses: []string{"CONN-1", "LOOP-1", "LOOP-12", "LOOP-15", "RES-1", "RES-2", "RES-3", "RES-9", "RES-10", "FLOW-5", "FLOW-11", "ACC-1"},
	},
	{
		Fault: Fault{
			Name: "memcache-keeps-all-items", Why: "what clients stored stays, as they asked: no limit of memory is set (memcached -m sets one)",
			Server: "hoard", Args: []string{"{port}", "memcache", "1048576"}, Dialect: "memcache", Class: "multi-reactor",
		},
		Rules:   []spec.Rule{spec.Heap},
		Clauses: []string{"RES-3", "RES-8", "RES-10"},
	},
	{
		Fault: Fault{
			Name: "heap-collected-at-a-quarter-gigabyte", Why: "the collector is off until a limit is near that needs no declaration",
			Env:  map[string]string{"GOGC": "off", "GOMEMLIMIT": "256MiB"},
			Args: []string{"--class", "thread-per-connection"}, Class: "thread-per-connection",
		},
		Rules:   []spec.Rule{spec.Heap},
		Clauses: []string{"RES-3", "RES-4", "RES-9", "LOOP-1"},
	},
	{
		Fault: Fault{
			Name: "garbage-of-each-turn", Why: "every turn leaves a copy of what it read for a collector that comes at 300 MiB",
			File: "reference/conn_turn.go",
			Old: `		r.received(c, n)
		c.deliver(r.buf[:n])
`,
			New: `		r.received(c, n)
		r.garbage = append([]byte(nil), r.buf[:n]...)
		c.deliver(r.buf[:n])
`,
			More: []Edit{
				{
					"reference/reactor.go",
					`	stopping bool
`,
					`	stopping bool
	garbage  []byte
`,
				},
			},
			Env: map[string]string{"GOGC": "off", "GOMEMLIMIT": "300MiB"}, Args: []string{"--limit", "65536"},
		},
		Rules:   []spec.Rule{spec.Heap},
		Clauses: []string{"FLOW-2", "FLOW-3", "FLOW-8", "FLOW-11", "RES-3", "RES-4", "RES-9"},
	},
	{
		Fault: Fault{
			Name: "gives-back-at-three-hundred-mebibytes", Why: "8 KiB of each read are kept until they are 300 MiB, and given back together",
			Server: "epoll", Args: []string{"{port}", "garbage=300"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Heap},
		Clauses: []string{"RES-3", "RES-9", "FLOW-11"},
	},
	{
		Fault: Fault{
			Name: "pool-that-fills-once", Why: "the buffers of connections that have ended are kept for the next ones, as an arena or a slab keeps them",
			Server: "epoll", Args: []string{"{port}", "pools"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Heap},
		Clauses: []string{"RES-1", "RES-2", "RES-3", "RES-9"},
	},
	{
		Fault: Fault{
			Name: "buffers-sixty-four-mebibytes", Why: "it takes half a GiB a second, and reads on until 64 MiB of a connection's output wait",
			Server: "epoll", Args: []string{"{port}", "holds=67108864"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Heap, spec.Slow},
		Clauses: []string{"FLOW-5", "FLOW-11", "RES-2", "RES-3"},
	},
	{
		Fault: Fault{
			Name: "buffers-two-hundred-mebibytes", Why: "it reads on until 200 MiB of a connection's output wait",
			Server: "epoll", Args: []string{"{port}", "holds=209715200"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Heap, spec.Slow},
		Clauses: []string{"FLOW-5", "FLOW-11", "RES-2", "RES-3"},
	},
}

// restless are servers that come to rest, and not at once.
var restless = []Variant{
	{
		Fault: Fault{
			Name: "polls-for-a-second-after-traffic", Why: "the loop polls without a timeout for a second after the last byte, and then waits",
			Server: "epolls", Args: []string{"{port}", "polls", "1000"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: idleVariant,
	},
	{
		Fault: Fault{
			Name: "polls-for-three-seconds-after-traffic", Why: "the same for three seconds, beside a second that passes in the check",
			Server: "epolls", Args: []string{"{port}", "polls", "3000"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: idleVariant,
	},
	{
		Fault: Fault{
			Name: "works-for-three-seconds-after-five-of-rest", Why: "with nothing due for five seconds it does three seconds of housework, once",
			Server: "plain", Args: []string{"{port}", "works-late"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: idleVariant,
	},
	{
		Fault: Fault{
			Name: "ten-work-for-each-that-left", Why: "ten processes work for a fifth of a second each for a client that left without a word, and end",
			Server: "forking", Args: []string{"{port}", "ten-work"}, Dialect: "echo", Class: "thread-per-connection",
		},
		Rules:   []spec.Rule{spec.Slow, spec.Tree},
		Clauses: []string{"LOOP-1", "LOOP-2", "LOOP-5", "LOOP-6"},
	},
	{
		Fault: Fault{
			Name: "drops-what-is-pipelined", Why: "an HTTP server that ends the connection behind the first of several requests, works through the others without an answer, and writes a line about each (httpuv)",
			Server: "slowhttp", Args: []string{"{port}", "1", "drops"}, Dialect: "http", Class: "reactor",
		},
		Rules:    []spec.Rule{spec.Slow},
		Clauses:  []string{"LOOP-1", "LOOP-2", "LOOP-3", "LOOP-4", "LOOP-5", "LOOP-6"},
		Untested: map[string]string{"LOOP-3": "owes these nothing", "LOOP-4": "output came to wait on"},
	},
	{
		Fault: Fault{
			Name: "works-on-what-it-reads", Why: "each 4 KiB cost a millisecond of work, and a flood takes seconds of it",
			Server: "epolls", Args: []string{"{port}", "works", "1000"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: idleVariant,
	},
	{
		Fault: Fault{
			Name: "works-on-each-request", Why: "an HTTP server that works for a millisecond on each request, and has read many ahead",
			Server: "slowhttp", Args: []string{"{port}"}, Dialect: "http", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: []string{"LOOP-1", "LOOP-2", "LOOP-3", "LOOP-4", "LOOP-5", "LOOP-6", "CONN-13"},
	},
	{
		Fault: Fault{
			Name: "serves-forty-clients-a-second", Why: "whoever takes 25 ms for each client is through with a burst of 300 after seven seconds, as Puma is",
			Server: "slowhttp", Args: []string{"{port}", "25"}, Dialect: "http", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: []string{"ACC-1", "RES-10", "FLOW-11"},
	},
	{
		Fault: Fault{
			Name: "settles-after-a-flood", Why: "a second thread is busy for four seconds once much has passed, as a compiler is",
			Server: "epolls", Args: []string{"{port}", "settles", "4000"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: idleVariant,
	},
	{
		Fault: Fault{
			Name: "writers-on-a-poller-of-their-own", Why: "who has had output to wait for stays on a second poller, which nobody asks while no output waits",
			Server: "epolls", Args: []string{"{port}", "writers"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: idleVariant,
	},
	{
		Fault: Fault{
			Name: "sweeps-every-five-seconds", Why: "connections that were reset are closed by a sweep that comes by every five seconds",
			Server: "epolls", Args: []string{"{port}", "sweeps", "5"}, Dialect: "echo", Class: "reactor",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: []string{"CONN-12", "CONN-13", "LOOP-6", "RES-2", "RES-7", "LOOP-1"},
	},
	{
		Fault: Fault{
			Name: "relay-keeps-the-other-leg", Why: "a proxy gives up a dead client at once, and its other leg after a timeout",
			Server: "relay", Args: []string{"{port}", "30s"}, Dialect: "echo", Class: "thread-per-connection",
		},
		Rules:   []spec.Rule{spec.Slow},
		Clauses: []string{"CONN-12", "CONN-13", "LOOP-6", "RES-1"},
	},
}

// paced answer at a pace of their own, which is nobody's fault.
var paced = []Variant{
	paces("works-a-millisecond-a-reply", "each reply takes a millisecond of the loop's time", "resp", []spec.Rule{spec.Slow}, "works=1000"),
	untestedIn(paces("works-twenty-milliseconds-a-reply", "each reply takes 20 ms of the loop's time", "echo", []spec.Rule{spec.Slow}, "works=20000"),
		map[string]string{"LOOP-17": "came in", "CONN-1": "too slow"}),
	paces("starts-something-for-each-client", "the first reply on a connection takes 60 ms of a processor, as an interpreter that starts does", "memcache", []spec.Rule{spec.Slow}, "starts=60000"),
	paces("rests-for-garbage", "every 300th reply waits 80 ms for the garbage to be collected", "echo", []spec.Rule{spec.Slow}, "rests=80"),
	paces("one-long-collection", "one pause of 400 ms in a run", "resp", []spec.Rule{spec.Slow}, "once=400"),
	paces("replies-in-two-parts", "a reply goes out in two parts with Nagle's algorithm on, and the second waits for the client's acknowledgement", "resp", []spec.Rule{spec.Kernel}, "parts"),
	paces("each-end-takes-fifty-microseconds", "the end of each connection takes 50 µs of the loop's time", "echo", []spec.Rule{spec.Slow}, "ends=50"),
	untestedIn(paces("four-kibibytes-a-second", "each connection gets 4 KiB a second back", "echo", []spec.Rule{spec.Slow}, "rate=4096"),
		map[string]string{"LOOP-17": "came in", "CONN-1": "too slow"}),
}

// paces is the server of that name with some of its words, judged by what is about time.
func paces(name, why, dialect string, rules []spec.Rule, words ...string) Variant {
	return Variant{
		Fault:   Fault{Name: name, Why: why, Server: "paces", Args: append([]string{"{port}", dialect}, words...), Dialect: dialect, Class: "reactor"},
		Rules:   rules,
		Clauses: []string{"CONN-1", "LOOP-15", "LOOP-16", "LOOP-17", "LOOP-18"},
	}
}

func untestedIn(v Variant, untested map[string]string) Variant {
	v.Untested = untested
	return v
}
