package proof

import "github.com/reactorspec/reactorspec/spec"

// quitting end connections that a client would go on with, for reasons of their own, in
// protocols in which they may: everything that was asked is answered, or the client is
// told.
var quitting = []Variant{
	quits("ten-commands-without-a-login", "a client that does not log in gets ten replies, and 421 instead of the next one, as in smtp-server", "smtp", []spec.Rule{spec.Scarce},
		[]string{"RES-9", "RES-10", "LOOP-9", "LOOP-10", "LOOP-11", "LOOP-15", "LOOP-17", "WAKE-1", "FLOW-6", "MODEL-3"}, "takes=10"),
	quits("a-hundred-and-twenty-eight-queries", "a connection takes 128 queries, and ends behind the last reply, as with miekg/dns", "dns", []spec.Rule{spec.Scarce},
		[]string{"RES-9", "RES-10", "LOOP-9", "LOOP-11", "LOOP-15", "LOOP-17", "WAKE-1", "CONN-1", "CONN-2", "CONN-14", "CONN-15"}, "takes=128"),
	quits("a-thousand-queries", "a connection takes a thousand queries, more than are tried to find the number", "dns", []spec.Rule{spec.Scarce},
		[]string{"RES-9", "LOOP-17", "CONN-1", "CONN-14"}, "takes=1000"),
	quits("about-a-hundred-commands", "a client that does not log in gets 80 to 160 replies, by chance, and then 421", "smtp", []spec.Rule{spec.Scarce},
		[]string{"RES-9", "RES-10", "LOOP-15", "LOOP-17"}, "about=80"),
	quits("a-hundred-and-fifty-requests", "a connection takes 150 requests, and ends behind the last reply, which does not say so", "http", []spec.Rule{spec.Scarce},
		[]string{"RES-9", "LOOP-15", "LOOP-17"}, "takes=150"),
	quits("lets-who-dawdles-go-in-words", "who takes longer than 2 ms over a request is told 421, and let go", "smtp", []spec.Rule{spec.Slow},
		[]string{"FLOW-6", "MODEL-8", "LOOP-5"}, "hasty=2"),
	quits("lets-who-dawdles-go", "who takes longer than 2 ms over a request is let go without a word", "dns", []spec.Rule{spec.Slow},
		[]string{"FLOW-6", "MODEL-8", "LOOP-5"}, "hasty=2"),
}

// quits is the server that answers at a pace of its own, with some of its words. It
// promises LOOP-15 and LOOP-17, which are judged only where they are promised.
func quits(name, why, dialect string, rules []spec.Rule, clauses []string, words ...string) Variant {
	return Variant{
		Fault: Fault{Name: name, Why: why, Server: "paces", Args: append([]string{"{port}", dialect}, words...), Dialect: dialect, Class: "reactor",
			Promises: []string{"LOOP-15", "LOOP-17"}},
		Rules: rules, Clauses: clauses,
	}
}
