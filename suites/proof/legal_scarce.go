package proof

import (
	"slices"

	"github.com/reactorspec/reactorspec/spec"
)

var (
	crowds  = []string{"ACC-1", "ACC-2", "ACC-3", "ACC-10", "CONN-14", "CONN-15", "RES-2", "RES-7"}
	workers = []string{"MODEL-3", "MODEL-4", "MODEL-7", "MODEL-8", "ACC-1", "ACC-2", "ACC-3", "CONN-6", "CONN-12", "CONN-14", "CONN-15", "CONN-19", "CONN-22", "FLOW-5", "FLOW-6", "FLOW-9", "LOOP-2", "RES-1", "RES-2", "RES-7"}
)

// scarce have little of something: descriptors, places for clients, workers, speed.
// Each kind has two of them at least, the second of which nobody has seen blamed.
var scarce = []Variant{
	{
		Fault: Fault{
			Name: "few-descriptors", Why: "its descriptor limit is 512",
			Server: "narrow", Args: []string{"{port}", "files=512"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: append([]string{"CONN-1", "LOOP-17", "LOOP-18"}, crowds...), Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"ACC-10": "leave room for"},
	},
	{
		Fault: Fault{
			Name: "fewer-descriptors", Why: "its descriptor limit is 128",
			Server: "narrow", Args: []string{"{port}", "files=128", "loops=2"}, Dialect: "echo", Class: "multi-reactor",
		},
		Clauses: crowds, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"ACC-10": "leave room for"},
	},
	{
		Fault: Fault{
			Name: "three-descriptors-a-client", Why: "each client costs three descriptors, of a limit of 1,024",
			Server: "narrow", Args: []string{"{port}", "files=1024", "each=2"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: crowds, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"ACC-10": "leave room for"},
	},
	{
		Fault: Fault{
			Name: "seven-descriptors-a-client", Why: "each client costs seven descriptors, of a limit of 1,000",
			Server: "narrow", Args: []string{"{port}", "files=1000", "each=6"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: crowds, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"ACC-10": "leave room for"},
	},
	{
		Fault: Fault{
			Name: "keeps-house", Why: "a process of it keeps house once, for four seconds of processor time, which a busy machine lets it have in half a minute",
			Server: "narrow", Args: []string{"{port}"}, Dialect: "echo", Class: "reactor",
		},
		Wrap:    keepsHouse("4"),
		Clauses: []string{"LOOP-1", "LOOP-17", "LOOP-18", "RES-9", "RES-10"}, Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{
			Name: "reference-with-few-descriptors", Why: "the reference with a descriptor limit of 512",
		},
		Wrap:    fewDescriptors("512"),
		Clauses: []string{"ACC-1", "ACC-7", "RES-4", "RES-5", "MODEL-6", "SIGN-7", "PROBE-12", "WORK-6"}, Rules: []spec.Rule{spec.Scarce}, Whole: true,
		Untested: map[string]string{"RES-5": "there is room for"},
	},
	{
		Fault: Fault{
			Name: "hundred-places", Why: "it takes a hundred clients at a time, and the others wait in the queue",
			Server: "narrow", Args: []string{"{port}", "most=100"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: crowds, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"ACC-1": "it holds 100 clients at once"},
	},
	{
		Fault: Fault{
			Name: "hundred-places-declared", Why: "it takes a hundred clients at a time, and says so",
			Server: "narrow", Args: []string{"{port}", "most=100"}, Dialect: "echo", Class: "reactor", MaxClients: 100,
		},
		Clauses: crowds, Rules: []spec.Rule{spec.Scarce},
	},
	{
		Fault: Fault{
			Name: "reference-that-declares-its-table", Why: "the reference with a table of 60, which refuses whoever comes beyond, and says so",
			Args: []string{"--max-conns", "60"}, MaxClients: 60,
		},
		Clauses: []string{"ACC-1", "ACC-2", "ACC-10", "CONN-14", "RES-4", "RES-6", "SIGN-7"}, Rules: []spec.Rule{spec.Scarce},
	},
	{
		Fault: Fault{
			Name: "sixty-for-each-address", Why: "one address may have sixty clients, which it says, and whoever comes beyond is closed",
			Server: "narrow", Args: []string{"{port}", "address=60"}, Dialect: "echo", Class: "reactor", MaxClients: 60,
		},
		Clauses: crowds, Rules: []spec.Rule{spec.Scarce},
	},
	{
		Fault: Fault{
			Name: "http-places-for-each-address", Why: "one address may have 64 clients of HTTP, as FastFlowLM 680 limits them",
			Server: "httpepoll", Args: []string{"{port}", "counts"}, Dialect: "http", Class: "reactor",
		},
		Clauses: without(crowds, "ACC-10"), Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"ACC-1": "it holds 64 clients at once", "ACC-2": "it holds 64 clients at once", "CONN-14": "it holds 64 clients at once"},
	},
	{
		Fault: Fault{
			Name: "reads-four-kibibytes-at-once", Why: "it reads 4 KiB at once, of whatever is there",
			Server: "narrow", Args: []string{"{port}", "buffer=4096"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: append([]string{"CONN-1", "CONN-4", "CONN-5", "CONN-7", "CONN-12", "CONN-18", "CONN-19", "FLOW-5", "FLOW-7"}, idleVariant...), Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{
			Name: "hundred-workers", Why: "a pool of a hundred threads, each with a client of its own",
			Server: "pool", Args: []string{"{port}", "workers", "100"}, Dialect: "echo", Class: "thread-per-connection",
		},
		Clauses: workers, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"MODEL-4": "made beforehand", "MODEL-8": "it holds", "ACC-1": "it holds 100 clients at once"},
	},
	{
		Fault: Fault{
			Name: "hundred-workers-without-words", Why: "a pool of a hundred threads, seen by its descriptors alone",
			Server: "pool", Args: []string{"{port}", "workers", "100"}, Dialect: "tcp", Class: "thread-per-connection",
		},
		Clauses: []string{"ACC-1", "ACC-2", "MODEL-3"}, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"ACC-1": "it holds 100 clients at once"},
	},
	{
		Fault: Fault{
			Name: "threads-on-one-poller", Why: "threads take turns on one poller, as in Go, tokio and an io_context that several threads run: all connections hang on it",
			Server: "onepoller", Args: []string{"{port}", "none"}, Dialect: "echo", Class: "multi-reactor",
		},
		Clauses: []string{"ACC-7", "MODEL-8"}, Rules: []spec.Rule{spec.Unseen, spec.Scarce}, Untested: map[string]string{"ACC-7": "one poller holds all"},
	},
	{
		Fault: Fault{
			Name: "timers-have-a-poller", Why: "beside the poller that holds all connections a second one has the runtime's timers, as in BEAM (erl(1), +IOs)",
			Server: "onepoller", Args: []string{"{port}", "timers"}, Dialect: "echo", Class: "multi-reactor",
		},
		Clauses: []string{"ACC-7"}, Rules: []spec.Rule{spec.Unseen}, Untested: map[string]string{"ACC-7": "one poller holds all"},
	},
	{
		Fault: Fault{
			Name: "turns-away-in-words", Why: "redis, unmodified, with maxclients 30: whoever is one more is told so, and the connection is closed",
			Server: "redislimit", Args: []string{"{port}"}, Dialect: "resp", Class: "reactor",
		},
		Clauses: []string{"MODEL-8", "ACC-1", "ACC-2", "FLOW-6"}, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"MODEL-8": "it holds 30 clients at once", "ACC-1": "it holds 30 clients at once", "ACC-2": "it holds 30 clients at once", "FLOW-6": "it holds 30 clients at once"},
	},
	{
		Fault: Fault{
			Name: "dozen-children", Why: "a pool of twelve processes, made beforehand",
			Server: "pool", Args: []string{"{port}", "children", "12"}, Dialect: "echo", Class: "thread-per-connection",
			Slow: "nine clauses wait until it is clear that it has no more room",
		},
		Clauses: without(workers, "MODEL-4"), Rules: []spec.Rule{spec.Scarce, spec.Tree},
		Untested: map[string]string{
			"MODEL-7": "it holds 12 clients at once", "MODEL-8": "it holds", "ACC-1": "it holds 12 clients at once", "ACC-2": "it holds 12 clients at once", "CONN-14": "it holds 12 clients at once",
			"FLOW-5": "it holds 12 clients at once", "FLOW-6": "it holds 12 clients at once", "FLOW-9": "it holds 12 clients at once", "CONN-19": "it holds 12 clients at once", "CONN-22": "it holds 12 clients at once",
		},
	},
	{
		Fault: Fault{
			Name: "dozen-children-declared", Why: "a pool of twelve processes, which it says",
			Server: "pool", Args: []string{"{port}", "children", "12"}, Dialect: "echo", Class: "thread-per-connection", MaxClients: 12,
		},
		Clauses: []string{"MODEL-3", "MODEL-7", "MODEL-8", "ACC-1", "ACC-2", "ACC-3", "CONN-14", "CONN-15", "CONN-22", "RES-1", "RES-2", "RES-7"}, Rules: []spec.Rule{spec.Scarce, spec.Tree},
	},
	{
		Fault: Fault{
			Name: "four-workers-for-who-is-new", Why: "a pool of four threads, of which whoever has said nothing yet holds one until it is answered, as in Gunicorn's gthread; a poller has the others",
			Server: "pool", Args: []string{"{port}", "workers", "4", "128", "turns"}, Dialect: "echo", Class: undeclared,
		},
		Clauses: []string{"ACC-3", "CONN-22", "LOOP-6", "RES-10"}, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"CONN-22": "it holds 4 clients at once", "LOOP-6": "it holds 4 clients at once"},
	},
	{
		Fault: Fault{
			Name: "five-workers-declared", Why: "a pool of five threads, which it says, as SWI-Prolog's thread_httpd and cpp-httplib have one",
			Server: "pool", Args: []string{"{port}", "workers", "5"}, Dialect: "echo", Class: "thread-per-connection", MaxClients: 5,
		},
		Clauses: []string{"MODEL-3", "MODEL-4", "ACC-4", "ACC-5", "ACC-6", "CONN-12", "CONN-15", "FLOW-5", "FLOW-6"}, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"MODEL-4": "it says that it has room", "FLOW-5": "there is room for 5 clients only"},
	},
	{
		Fault: Fault{
			Name: "three-children-declared", Why: "a pool of three processes, which it says",
			Server: "pool", Args: []string{"{port}", "children", "3"}, Dialect: "echo", Class: "thread-per-connection", MaxClients: 3,
		},
		Clauses: []string{"MODEL-3", "ACC-4", "ACC-5", "ACC-6", "CONN-12", "CONN-15", "FLOW-6"}, Rules: []spec.Rule{spec.Scarce, spec.Tree},
		Untested: map[string]string{"FLOW-6": "there is room for 2 clients only"},
	},
	{
		Fault: Fault{
			Name: "child-for-each-client", Why: "each client gets a process of its own",
			Server: "pool", Args: []string{"{port}", "children", "0"}, Dialect: "echo", Class: "thread-per-connection",
		},
		Clauses: []string{"MODEL-3", "MODEL-7", "MODEL-8", "ACC-1", "ACC-2", "ACC-3", "CONN-12", "CONN-14", "CONN-15", "RES-1", "RES-2", "RES-7", "RES-8"}, Rules: []spec.Rule{spec.Scarce, spec.Tree},
	},
	{
		Fault: Fault{
			Name: "many-loops", Why: "the reference has 128 loops, and a hash of the client's address picks one",
			Args: []string{"--loops", "128", "--balance", "source-hash"},
		},
		Clauses: []string{"ACC-7", "MODEL-6", "WAKE-2", "WAKE-3", "WAKE-4", "WAKE-8", "TASK-3", "TASK-4"}, Rules: []spec.Rule{spec.Slow, spec.Scarce},
	},
	{
		Fault: Fault{
			Name: "more-loops", Why: "the reference has 150 loops, and gives a client to the one with the fewest",
			Args: []string{"--loops", "150", "--balance", "least-connections"},
		},
		Clauses: []string{"ACC-7", "WAKE-2", "TASK-3"}, Rules: []spec.Rule{spec.Slow, spec.Scarce},
	},
	{
		Fault: Fault{
			Name: "half-a-mebibyte-a-second", Why: "each connection gets 512 KiB a second back",
			Server: "narrow", Args: []string{"{port}", "rate=524288"}, Dialect: "echo", Class: "reactor",
		},
		Untested: map[string]string{"CONN-1": "too slow for the others"},
		Clauses:  []string{"CONN-1", "CONN-4", "LOOP-3", "LOOP-4"}, Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{
			Name: "hundred-kibibytes-a-second", Why: "each connection gets 100 KiB a second back, on two loops",
			Server: "narrow", Args: []string{"{port}", "rate=102400", "loops=2"}, Dialect: "echo", Class: "multi-reactor",
		},
		Clauses: []string{"CONN-1", "CONN-4"}, Rules: []spec.Rule{spec.Slow},
		Untested: map[string]string{"CONN-1": "too slow for the others", "CONN-4": "too slow for this check"},
	},
	{
		Fault: Fault{
			Name: "listener-away-for-a-second", Why: "out of descriptors it closes its listener for a second",
			Server: "narrow", Args: []string{"{port}", "away", "pause=1000"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: []string{"ACC-4", "ACC-5"}, Rules: []spec.Rule{spec.Slow, spec.Scarce},
	},
	{
		Fault: Fault{
			Name: "listener-alone-for-eight-seconds", Why: "out of descriptors it lets its listener alone for eight seconds",
			Server: "narrow", Args: []string{"{port}", "pause=8000"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: []string{"ACC-4", "ACC-5"}, Rules: []spec.Rule{spec.Slow, spec.Scarce},
	},
	{
		Fault: Fault{
			Name: "slow-to-start", Why: "it listens only after seventeen seconds, which its target file says",
			Server: "narrow", Args: []string{"{port}", "late=17000"}, Dialect: "echo", Class: "reactor",
		},
		Clauses: []string{"ACC-1", "LOOP-1"}, Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{
			Name: "least-of-all-processes", Why: "the reference is the last that gets a processor (nice 19)",
		},
		Wrap:    []string{"nice", "-n", "19"},
		Clauses: []string{"ACC-1", "CONN-1", "CONN-4", "LOOP-9", "LOOP-15", "LOOP-16", "LOOP-17", "LOOP-18", "WAKE-2", "TIME-2", "FLOW-7"}, Rules: []spec.Rule{spec.Slow}, Whole: true,
	},
}

// classes run the reference in classes that the other variants leave out.
var classes = []Variant{
	{
		Fault: Fault{
			Name: "child-of-a-shell", Why: "a shell starts the reference, waits for it and hands its signals on",
		},
		Wrap:    shell,
		Clauses: []string{"ACC-5", "ACC-9", "LIFE-1", "LIFE-2", "LIFE-7", "LIFE-11", "RES-1"}, Rules: []spec.Rule{spec.Tree}, Whole: true,
	},
	{
		Fault: Fault{
			Name: "iterative-behind-a-queue-of-two", Why: "the iterative reference with a backlog of 2, and the last that gets a processor",
			Args: []string{"--class", "iterative", "--backlog", "2"},
		},
		Wrap:    []string{"nice", "-n", "19"},
		Clauses: []string{"MODEL-1", "MODEL-2", "ACC-3", "CONN-12"}, Rules: []spec.Rule{spec.Slow, spec.Scarce, spec.Kernel},
	},
	{
		Fault: Fault{
			Name: "threads-under-a-shell", Why: "a shell starts the reference with a thread for each client, and hands its signals on",
			Args: []string{"--class", "thread-per-connection"},
		},
		Wrap:    shell,
		Clauses: []string{"MODEL-3", "MODEL-4", "LIFE-2"}, Rules: []spec.Rule{spec.Tree},
	},
	{
		Fault: Fault{
			Name: "nobody-says-whose-threads", Why: "the reference with a thread for each client runs already, and nobody says which process it is",
			Args: []string{"--class", "thread-per-connection"},
		},
		Attached: true,
		Clauses:  []string{"MODEL-3", "MODEL-4"}, Rules: []spec.Rule{spec.Unseen},
		Untested: map[string]string{"MODEL-4": "pid"},
	},
	{
		Fault: Fault{
			Name: "one-loop-with-few-descriptors", Why: "the reference with one loop and a descriptor limit of 200",
			Args: []string{"--class", "reactor"},
		},
		Wrap:    fewDescriptors("200"),
		Clauses: []string{"MODEL-5", "ACC-1", "ACC-2", "CONN-14"}, Rules: []spec.Rule{spec.Scarce},
	},
	{
		Fault: Fault{
			Name: "short-timeout-behind-a-queue-of-two", Why: "an idle timeout of 2 s, a backlog of 2, and the last that gets a processor",
			Args: []string{"--idle-timeout", "2s", "--backlog", "2"},
		},
		Wrap:    []string{"nice", "-n", "19"},
		Clauses: []string{"LIFE-9", "LIFE-10", "LIFE-13", "LIFE-14", "LIFE-15", "ACC-1"}, Rules: []spec.Rule{spec.Slow, spec.Kernel},
	},
}

// shell runs a command as its child, hands SIGTERM on and ends as it does.
var shell = []string{"/bin/sh", "-c", `"$0" "$@" & child=$!; trap 'kill -TERM $child' TERM; wait $child; wait $child`}

// fewDescriptors runs a command with that limit of descriptors.
func fewDescriptors(limit string) []string {
	return []string{"/bin/sh", "-c", `ulimit -n ` + limit + ` && exec "$0" "$@"`}
}

// keepsHouse has a process of the server use so many seconds of a processor, some time
// after its start, however long it takes to get them (setrlimit(2), RLIMIT_CPU).
func keepsHouse(seconds string) []string {
	return []string{"/bin/sh", "-c", `(sleep 3; ulimit -t ` + seconds + `; while :; do :; done) & exec "$0" "$@"`}
}

// without leaves some clauses out of a list.
func without(ids []string, out ...string) []string {
	var left []string
	for _, id := range ids {
		if !slices.Contains(out, id) {
			left = append(left, id)
		}
	}
	return left
}
