package proof

import "github.com/reactorspec/reactorspec/suites/dialect"

// httpFaults are servers that may end connections as they like, and are wrong
// about it.
var httpFaults = []Fault{
	{
		Name: "http-closes-without-a-word", Why: "each connection ends behind its reply, which says keep-alive: the client's next request is lost (as in hypercorn 0.13.2)",
		Server: "httpraw", Args: []string{"{port}", "silent"}, Control: []string{"{port}", "keeps"}, Dialect: "http", Class: "multi-reactor",
		Breaks:     []string{"MODEL-3", "CONN-1", "CONN-2", "CONN-12", "CONN-14", "CONN-15", "CONN-22", "FLOW-6", "LOOP-9", "LOOP-10", "LOOP-11"},
		Sometimes:  []string{"WAKE-1", "LOOP-7", "RES-9", "RES-10"},
		Neighbours: "in LOOP-7 it is a step before that fails, which is charged to no clause; what asks twice on a connection is cut there too, unless the check takes the end for the server's own limit",
		Because:    "closed the connection | reset the connection",
	},
	{
		Name: "http-close-cuts", Why: "each connection ends behind its reply, as the reply says, and the end of a long reply is lost",
		Server: "httpraw", Args: []string{"{port}", "cut"}, Control: []string{"{port}", "closes"}, Dialect: "http", Class: "multi-reactor",
		Breaks:     []string{"CONN-1", "CONN-2", "CONN-14", "CONN-15", "CONN-22", "LOOP-11"},
		Sometimes:  []string{"CONN-12", "CONN-13", "RES-10"},
		Neighbours: "a reply is long enough to lose its end only where a check asks for that much",
		Because:    "closed the connection",
	},
	{
		Name: "http-close-mixes", Why: "each connection ends behind its reply, as it says, and two replies that are made at the same moment change places",
		Server: "httpraw", Args: []string{"{port}", "mixed"}, Control: []string{"{port}", "closes"}, Dialect: "http", Class: "multi-reactor",
		Breaks: []string{"CONN-14"}, Sometimes: []string{"CONN-15", "ACC-1", "CONN-1", "CONN-12", "LOOP-6", "LOOP-11", "LOOP-18", "MODEL-7", "MODEL-8", "RES-1", "RES-10"},
		Neighbours: "two connections of CONN-15 and of ACC-1 are answered at the same moment, or not; CONN-1 and others, wherever two connections are answered at the same moment",
		Because:    "not the one to this request",
		Shares:     "echo-reaches-a-neighbour mixes connections that go on, this one those that end behind their reply, which a client dials anew",
	},
	{
		Name: "http-page-cut", Why: "every twentieth reply, the same page as all, is a byte shorter than its Content-Length",
		Server: "httpraw", Args: []string{"{port}", "odd"}, Control: []string{"{port}", "page"}, Dialect: "http", Class: "multi-reactor",
		HTTP:       &dialect.HTTP{Path: "/healthz"},
		Breaks:     []string{"ACC-1", "CONN-2", "CONN-15"},
		Sometimes:  []string{"MODEL-3", "MODEL-7", "MODEL-8", "ACC-2", "ACC-3", "ACC-7", "ACC-10", "CONN-1", "CONN-12", "CONN-13", "CONN-14", "FLOW-5", "FLOW-6", "LOOP-3", "LOOP-4", "LOOP-5", "LOOP-6", "LOOP-7", "LOOP-9", "LOOP-10", "LOOP-11", "LOOP-12", "LOOP-15", "LOOP-16", "LOOP-17", "LOOP-18", "WAKE-1", "RES-1", "RES-2", "RES-3", "RES-7", "RES-8", "RES-9", "RES-10"},
		Neighbours: "whose the twentieth reply is, one of CONN-1 too, depends on how many came before",
		Because:    "closed the connection",
	},
	{
		Name: "http-half-a-request-and-a-fin", Why: "with edges, a read that does not fill its buffer is taken for the last, and a FIN that came right behind half a request is never noticed (libmicrohttpd 0.9.75)",
		Server: "edgehttp", Args: []string{"{port}", "short"}, Control: []string{"{port}", "none"}, Dialect: "http", Class: "reactor",
		HTTP:    &dialect.HTTP{Path: "/"},
		Breaks:  []string{"RES-1", "RES-2", "RES-7"},
		Because: "sockets are still open",
		Shares:  "leaks-before-sign-on forgets to close, this server never hears of the end",
	},
	{
		Name: "refused-keep-their-place", Why: "of 64 places for one address a client that was answered 404 does not give its own back: then everybody is answered 429 (signalk-server issue 2781)",
		Server: "httpepoll", Args: []string{"{port}", "keeps-the-refused"}, Control: []string{"{port}", "counts"}, Dialect: "http", Class: "reactor",
		MaxClients: 60,
		Breaks:     []string{"RES-10"},
		Because:    "nobody is served any more behind requests that are refused",
		Shares:     "the others lose a place with a reset, or with any connection",
	},
	{
		Name: "body-of-what-is-refused-is-a-request", Why: "the body of a POST that is answered 404 stays in the input, and is read as the next request (hermes-webui issue 7550)",
		Server: "httpepoll", Args: []string{"{port}", "body-unread"}, Control: []string{"{port}"}, Dialect: "http", Class: "reactor",
		Breaks:  []string{"CONN-23"},
		Because: "the body of a request was taken for the next request",
	},
	{
		Name: "waits-for-the-body-of-who-asks", Why: "the body of a POST is read before it is answered 404, and a client that asks whether it may send one hears nothing (dusty issue 163)",
		Server: "httpepoll", Args: []string{"{port}", "waits-for-the-body"}, Control: []string{"{port}"}, Dialect: "http", Class: "reactor",
		Breaks:  []string{"CONN-24"},
		Because: "silence while the client asks",
	},
	{
		Name: "slams-behind-a-refusal", Why: "a head that is too long is answered 431, and the connection closed while the rest of it lies unread: the refusal is followed by RST (hotaru issue 76)",
		Server: "httpepoll", Args: []string{"{port}", "slams"}, Control: []string{"{port}"}, Dialect: "http", Class: "reactor",
		Breaks:  []string{"CONN-25"},
		Because: "followed by a reset",
	},
	{
		Name: "keeps-of-who-had-its-twenty", Why: "6.3 KB are kept of each connection that ended behind its twentieth request, the limit of the server (Kitura issue 655)",
		Server: "httpepoll", Args: []string{"{port}", "requests=20", "keeps-the-served"}, Control: []string{"{port}", "requests=20"}, Dialect: "http", Class: "reactor",
		Breaks:  []string{"RES-3"},
		Because: "for each connection that ended by the server",
		Shares:  "the others keep something of connections that the client ends",
	},
	{
		Name: "every-fortieth-is-hung-up", Why: "each fortieth client is closed without a word, whether there is room for it or not",
		Server: "httpepoll", Args: []string{"{port}", "hangs-up-on=40"}, Control: []string{"{port}"}, Dialect: "http", Class: "reactor",
		Breaks:     []string{"ACC-1", "CONN-14"},
		Sometimes:  []string{"MODEL-7", "MODEL-8", "ACC-3", "ACC-10", "CONN-1", "CONN-2", "CONN-12", "CONN-13", "CONN-15", "CONN-23", "CONN-24", "CONN-25", "FLOW-6", "LOOP-6", "LOOP-9", "LOOP-10", "LOOP-11", "LOOP-12", "RES-1", "RES-10"},
		Neighbours: "whose turn the fortieth client is depends on how many came before, and each check brings many; that of CONN-1 is often what follows",
		Because:    "the connection instead of sending the reply",
	},
}
