package proof

import (
	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/target"
)

// asked are the clauses whose checks ask more than once, and may meet a connection
// that the server has said it closes.
var asked = []string{"MODEL-3", "CONN-1", "CONN-2", "CONN-12", "CONN-14", "CONN-15", "CONN-22", "FLOW-6", "LOOP-9", "LOOP-11"}

// floods are the clauses whose checks send more than the server has answered when
// they look whether it rests.
var floods = []string{"CONN-13", "LOOP-3", "LOOP-4", "LOOP-6"}

// shortReplies: who closes behind a reply or a few has never so much output waiting that
// the sockets do not hold it.
var shortReplies = map[string]string{"CONN-12": "output came to wait on"}

// fewPlaces: what a check brings is more than a server has room for that does not say how many.
var fewPlaces = map[string]string{"ACC-1": "clients at once", "ACC-2": "clients at once", "CONN-14": "clients at once", "FLOW-6": "clients at once",
	"MODEL-8": "clients at once", "RES-2": "a step before it failed", "RES-3": "a step before it failed", "RES-8": "a step before it failed", "RES-10": "clients at once"}

// pythonSpins: socketserver goes back to its selector when accept fails, and the listener
// is ready still.
var pythonSpins = []string{"ACC-6"}

// closing are HTTP servers that end connections behind a reply, and say so, that
// frame their replies in other ways than by a length, or that work for them.
var closing = []Variant{
	{
		Fault: Fault{Name: "haproxy-httpclose", Why: "Connection: close in each reply (RFC 9112, 9.6)",
			Server: "haproxyclose", Dialect: "http"},
		Clauses: append([]string{"LOOP-10"}, asked...), Rules: []spec.Rule{spec.Scarce}, Whole: true,
		Untested: shortReplies,
	},
	{
		Fault: Fault{Name: "python-http-1.0", Why: "HTTP/1.0, in which a connection ends behind its reply (RFC 9112, 9.3)",
			Server: "httpserver", Args: []string{"{port}", "1.0"}, Dialect: "http", Class: "thread-per-connection"},
		Clauses: append([]string{"MODEL-4"}, asked...), Rules: []spec.Rule{spec.Scarce}, Whole: true, True: pythonSpins,
		Untested: shortReplies,
	},
	{
		Fault: Fault{Name: "python-http-behind-a-queue-of-five", Why: "HTTP/1.0 behind the backlog of 5 that socketserver has",
			Server: "httpserver", Args: []string{"{port}", "1.0", "5"}, Dialect: "http", Class: "thread-per-connection"},
		Clauses: append([]string{"MODEL-4"}, asked...), Rules: []spec.Rule{spec.Scarce, spec.Kernel}, True: pythonSpins,
		Untested: shortReplies,
	},
	{
		Fault: Fault{Name: "python-http-unframed", Why: "the end of the connection ends the body (RFC 9112, 6.3)",
			Server: "httpserver", Args: []string{"{port}", "unframed"}, Dialect: "http", Class: "thread-per-connection"},
		Clauses: asked, Rules: []spec.Rule{spec.Scarce}, Whole: true, True: pythonSpins,
		Untested: shortReplies,
	},
	{
		Fault: Fault{Name: "python-http-iterative", Why: "HTTP/1.0, and one client at a time",
			Server: "httpserver", Args: []string{"{port}", "iterative"}, Dialect: "http", Class: "iterative"},
		Clauses: []string{"MODEL-1", "MODEL-2", "CONN-1", "CONN-2", "CONN-12", "LOOP-9"}, Rules: []spec.Rule{spec.Scarce}, Whole: true,
		Untested: shortReplies,
	},
	{
		Fault: Fault{Name: "python-http-1.1", Why: "a thread for each connection, which persists",
			Server: "httpserver", Args: []string{"{port}", "1.1"}, Dialect: "http", Class: "thread-per-connection"},
		Clauses: asked, Rules: []spec.Rule{spec.Scarce}, Whole: true, True: pythonSpins,
		Untested: shortReplies,
	},
	{
		Fault: Fault{Name: "nginx-ten-requests", Why: "keepalive_requests 10: Connection: close in each tenth reply",
			Server: "nginx", Args: []string{"{port}", "{scratch}", "10", "2", "2048"}, Dialect: "http"},
		Clauses: append([]string{"LOOP-7"}, asked...), Rules: []spec.Rule{spec.Scarce}, Whole: true,
		Untested: map[string]string{"LOOP-7": "closed every connection, as it said", "CONN-12": shortReplies["CONN-12"]},
	},
	{
		Fault: Fault{Name: "http-closes-now-and-then", Why: "Connection: close in one reply of five, whichever connection's it is",
			Server: "httpraw", Args: []string{"{port}", "sometimes"}, Dialect: "http"},
		Clauses: append([]string{"LOOP-7"}, asked...), Rules: []spec.Rule{spec.Scarce}, Whole: true,
		Untested: map[string]string{"LOOP-7": "closed every connection, as it said", "CONN-12": shortReplies["CONN-12"]},
	},
	{
		Fault: Fault{Name: "node-no-keep-alive", Why: "keep-alive switched off: Connection: close in each reply",
			Server: "httpnode", Args: []string{"{port}", "closing"}, Dialect: "http", Class: "reactor"},
		Clauses: asked, Rules: []spec.Rule{spec.Scarce}, Whole: true,
		Untested: shortReplies,
	},
	{
		Fault: Fault{Name: "http-small-requests", Why: "a request of more than 4,096 bytes is answered 431, as fasthttp does (RFC 6585, 5)",
			Server: "httpraw", Args: []string{"{port}", "small"}, Dialect: "http"},
		Clauses: append([]string{"LOOP-7"}, asked...), Rules: []spec.Rule{spec.Scarce}, Whole: true,
		Untested: shortReplies,
	},
	{
		Fault: Fault{Name: "http-small-requests-declared", Why: "the same, and its target file says that a request carries 1,024 bytes at most",
			Server: "httpraw", Args: []string{"{port}", "small"}, Dialect: "http", Payload: target.Payload{Max: 1024}},
		Clauses: asked, Rules: []spec.Rule{spec.Scarce},
		Untested: shortReplies,
	},
	{
		Fault: Fault{Name: "http-hasty", Why: "a client that takes longer than 2 ms over a request is answered 408 (RFC 9110, 15.5.9), as knot's tcp-io-timeout closes after half a second",
			Server: "httpraw", Args: []string{"{port}", "hasty"}, Dialect: "http"},
		Clauses: []string{"FLOW-6"}, Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{Name: "http-curt", Why: "a client that takes longer than 2 ms over a request is closed without a word",
			Server: "httpraw", Args: []string{"{port}", "curt"}, Dialect: "http"},
		Clauses: []string{"FLOW-6"}, Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{Name: "http-idles", Why: "a connection that is idle for 700 ms is closed, and no idle timeout is declared (RFC 9112, 9.5), as many do after five seconds",
			Server: "httpraw", Args: []string{"{port}", "idles"}, Dialect: "http", Class: "multi-reactor"},
		Clauses: []string{"CONN-12", "FLOW-6", "LOOP-9", "LOOP-10", "LOOP-11", "RES-9"}, Rules: []spec.Rule{spec.Slow, spec.Scarce},
		Untested: map[string]string{"CONN-12": "lets an idle client go", "FLOW-6": "lets an idle client go", "LOOP-9": "lets an idle client go", "LOOP-10": "lets an idle client go", "LOOP-11": "lets an idle client go", "RES-9": "lets an idle client go"},
	},
	{
		Fault: Fault{Name: "http-sheds", Why: "who comes behind a hundred others within 100 ms is answered 503 (RFC 9110, 15.6.4), as privoxy does, however few are open",
			Server: "httpraw", Args: []string{"{port}", "sheds"}, Dialect: "http"},
		Clauses: []string{"ACC-1", "ACC-2"}, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"ACC-1": "too much to do", "ACC-2": "too much to do"},
	},
	{
		Fault: Fault{Name: "http-crowded", Why: "beside more than a hundred others who is idle for 20 ms is closed, as Apache's event MPM does with its workers busy (RFC 9112, 9.5)",
			Server: "httpraw", Args: []string{"{port}", "crowded"}, Dialect: "http"},
		Clauses: []string{"LOOP-18"}, Rules: []spec.Rule{spec.Scarce},
		Untested: map[string]string{"LOOP-18": "closes connections that are idle"},
	},
	{
		Fault: Fault{Name: "ends-take-most-of-a-millisecond", Why: "the end of a connection is work, as for POE in Perl: four thousand that end together keep it for seconds",
			Server: "paces", Args: []string{"{port}", "echo", "ends=800"}, Dialect: "echo", Class: "reactor"},
		Clauses: []string{"ACC-10"}, Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{Name: "a-second-each", Why: "each reply takes a second, as gophernicus' do, whether the server slept before or not",
			Server: "paces", Args: []string{"{port}", "echo", "waits=1000"}, Dialect: "echo", Class: "thread-per-connection"},
		Clauses: []string{"LOOP-9", "WAKE-1"}, Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{Name: "node-http-slow", Why: "a millisecond of work for each request",
			Server: "httpnode", Args: []string{"{port}", "slow"}, Dialect: "http", Class: "reactor"},
		Clauses: floods, Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{Name: "nginx-few-places", Why: "worker_connections 36: when few are left it ends idle clients, and then whoever comes, without a word (RFC 9112, 9.5)",
			Server: "nginx", Args: []string{"{port}", "{scratch}", "1000", "1", "36"}, Dialect: "http", Class: "multi-reactor"},
		Clauses: []string{"ACC-1", "ACC-2", "CONN-14", "FLOW-6", "MODEL-3", "MODEL-8", "RES-2", "RES-3", "RES-8", "RES-10"}, Rules: []spec.Rule{spec.Scarce}, Whole: true,
		Untested: fewPlaces,
	},
	{
		Fault: Fault{Name: "nginx-few-places-declared", Why: "the same, and says max_clients: 29",
			Server: "nginx", Args: []string{"{port}", "{scratch}", "1000", "1", "36"}, Dialect: "http", Class: "multi-reactor", MaxClients: 29},
		Clauses: []string{"ACC-1", "ACC-2", "CONN-14", "FLOW-6", "MODEL-3", "MODEL-8", "RES-2", "RES-3", "RES-8", "RES-10"}, Rules: []spec.Rule{spec.Scarce},
	},
	{
		Fault: Fault{Name: "node-http-chunks", Why: "a chunk for each byte, which is work (RFC 9112, 7.1)",
			Server: "httpnode", Args: []string{"{port}", "chunks"}, Dialect: "http", Class: "reactor"},
		Clauses: append([]string{"CONN-1", "CONN-2", "CONN-23", "CONN-24"}, floods...), Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{Name: "node-http-trailer", Why: "a chunked body with a trailer (RFC 9112, 7.1.2)",
			Server: "httpnode", Args: []string{"{port}", "trailer"}, Dialect: "http", Class: "reactor"},
		Clauses: append([]string{"CONN-1", "CONN-2"}, floods...), Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{Name: "http-bans-for-a-while", Why: "a client that errs more than twenty times in a second is answered 429 for eight seconds, as by a stick table of haproxy's (RFC 6585, 4)",
			Server: "httpepoll", Args: []string{"{port}", "bans=8000"}, Dialect: "http", Class: "reactor"},
		Clauses: []string{"RES-1", "RES-2", "RES-3", "RES-7", "RES-8", "RES-10"}, Rules: []spec.Rule{spec.Slow, spec.Scarce},
	},
	{
		Fault: Fault{Name: "http-hundred-mebibytes-of-header", Why: "a head may have 100 MiB, and is then refused by 431",
			Server: "httpepoll", Args: []string{"{port}", "head=104857600"}, Dialect: "http", Class: "reactor", Promises: []string{"FLOW-12"}},
		Clauses: []string{"FLOW-12"}, Rules: []spec.Rule{spec.Slow, spec.Heap},
	},
	{
		Fault: Fault{Name: "http-refuses-and-reads-on", Why: "beyond 64 KiB of a head it says 431, and throws away what comes for two seconds (RFC 9112, 9.6)",
			Server: "httpepoll", Args: []string{"{port}"}, Dialect: "http", Class: "reactor", Promises: []string{"FLOW-12"}},
		Clauses: []string{"FLOW-12", "CONN-2", "CONN-22", "CONN-25"}, Rules: []spec.Rule{spec.Slow, spec.Kernel},
	},
	{
		Fault: Fault{Name: "http-refuses-early", Why: "a POST is answered 404 before its body has come, and the reply says that the connection ends (RFC 9112, 9.3)",
			Server: "httpepoll", Args: []string{"{port}", "hasty"}, Dialect: "http", Class: "reactor"},
		Clauses: []string{"CONN-2", "CONN-23", "CONN-24"}, Rules: []spec.Rule{spec.Slow, spec.Kernel},
	},
	{
		Fault: Fault{Name: "http-refuses-and-slams", Why: "likewise, and the connection ends without a word, by RST if the body is there by then (RFC 9112, 9.6)",
			Server: "httpepoll", Args: []string{"{port}", "curt"}, Dialect: "http", Class: "reactor"},
		Clauses: []string{"CONN-2", "CONN-23", "CONN-24"}, Rules: []spec.Rule{spec.Kernel},
	},
	{
		Fault: Fault{Name: "http-expects-nothing", Why: "whoever asks whether it may send a body is answered 417 (RFC 9110, 15.5.18)",
			Server: "httpepoll", Args: []string{"{port}", "expects-nothing"}, Dialect: "http", Class: "reactor"},
		Clauses: []string{"CONN-23", "CONN-24"}, Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{Name: "http-refuses-and-rests", Why: "behind 431 it half-closes, reads nothing for two seconds and closes then: RST comes behind FIN, as with Go's net/http",
			Server: "httpepoll", Args: []string{"{port}", "rests"}, Dialect: "http", Class: "reactor"},
		Clauses: []string{"CONN-25"}, Rules: []spec.Rule{spec.Slow, spec.Kernel},
	},
	{
		Fault: Fault{Name: "http-mebibytes-of-header", Why: "a head may have 100 MiB, and that of CONN-25 is answered",
			Server: "httpepoll", Args: []string{"{port}", "head=104857600"}, Dialect: "http", Class: "reactor"},
		Clauses: []string{"CONN-25"}, Rules: []spec.Rule{spec.Slow},
	},
}
