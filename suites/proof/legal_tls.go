package proof

import (
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

// ofHandshakes are the clauses about handshakes that bind everybody who speaks TLS.
var ofHandshakes = []string{"TLS-1", "TLS-2", "TLS-3", "TLS-4", "TLS-5", "TLS-6", "TLS-7"}

// handshakes are servers that are right about handshakes, each in a way of its own.
var handshakes = []Variant{
	{
		Fault: Fault{Name: "tls-lingers", Why: "a connection whose handshake has failed is read for a second more, so that the alert is not lost to a reset",
			Server: "tlsepoll", Args: []string{"{port}", "lingers"}, Dialect: "echo", Class: "reactor", TLS: true},
		Clauses: ofHandshakes, Rules: []spec.Rule{spec.Slow, spec.Kernel}, Whole: true,
	},
	{
		Fault: Fault{Name: "tls-works", Why: "5 ms of work for each handshake, as with a key of 4,096 bits and a slow processor",
			Server: "tlsepoll", Args: []string{"{port}", "works=5", "idle=3"}, Dialect: "echo", Class: "reactor", TLS: true, Idle: 3 * time.Second},
		Clauses: append([]string{"TLS-8"}, ofHandshakes...), Rules: []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{Name: "tls-peeks", Why: "a whole ClientHello is waited for, by looks at a tick, before the library gets it; silent clients are closed after 3 s",
			Server: "tlsepoll", Args: []string{"{port}", "peeks", "idle=3"}, Dialect: "echo", Class: "reactor", TLS: true, Idle: 3 * time.Second},
		Clauses: append([]string{"TLS-8"}, ofHandshakes...), Rules: []spec.Rule{spec.Slow, spec.Kernel},
	},
	{
		Fault: Fault{Name: "tls-goroutines", Why: "Go's net and crypto/tls: a goroutine for each connection, and a heap that is collected when it has grown fivefold",
			Server: "tlsgo", Args: []string{"{port}"}, Env: map[string]string{"GOGC": "400"}, Dialect: "echo", Class: "multi-reactor", TLS: true},
		Clauses: ofHandshakes, Rules: []spec.Rule{spec.Heap, spec.Slow}, Whole: true,
	},
	{
		Fault: Fault{Name: "tls-long-chain", Why: "nine certificates, so that what it says behind a ClientHello is of some kilobytes, of which a client that stalls there has read a part; silent clients are closed after 3 s",
			Server: "tlsgo", Args: []string{"{port}", "chain"}, Dialect: "echo", Class: "multi-reactor", TLS: true, Idle: 3 * time.Second},
		Clauses: append([]string{"TLS-8"}, ofHandshakes...), Rules: []spec.Rule{spec.Kernel},
	},
	{
		Fault: Fault{Name: "tls-workers", Why: "two processes take from one queue, each with room for 20 clients, and leave those beyond in it",
			Server: "tlsepoll", Args: []string{"{port}", "workers", "most=20"}, Dialect: "echo", Class: "multi-reactor", TLS: true, MaxClients: 40},
		Clauses: ofHandshakes, Rules: []spec.Rule{spec.Scarce, spec.Tree},
	},
}
