package proof

import "time"

// tlsFaults are servers that are wrong about handshakes which do not come to an end, and
// about nothing else.
var tlsFaults = []Fault{
	{
		Name: "tls-blocks", Why: "SSL_accept is called on a blocking socket as soon as a connection is accepted: one silent client stops the loop for all",
		Server: "tlsepoll", Args: []string{"{port}", "blocks"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:    []string{"MODEL-3", "ACC-2", "LOOP-6", "TLS-1"},
		Sometimes: []string{"LOOP-10", "ACC-10"}, Neighbours: "of those who connect while the server is stopped, one that says nothing yet may be accepted before one that is looked at",
		Because: "silence | handshake failed",
	},
	{
		Name: "tls-blocks-later", Why: "SSL_accept is called on a blocking socket once the first bytes have come: half a ClientHello stops the loop for all",
		Server: "tlsepoll", Args: []string{"{port}", "blocks-later"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:  []string{"TLS-1"},
		Because: "silence | handshake failed",
	},
	{
		Name: "tls-asks-to-write", Why: "the poller is asked for writability as long as a handshake lasts, so that it reports it for ever (as in gaio #17, for reads)",
		Server: "tlsepoll", Args: []string{"{port}", "asks-to-write"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:  []string{"TLS-4"},
		Because: "of a core is used",
	},
	{
		Name: "tls-end-unseen", Why: "the end of input behind the ServerHello is taken for input that is yet to come: the level-triggered poller reports it for ever",
		Server: "tlsepoll", Args: []string{"{port}", "end-unseen"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:    []string{"TLS-4"},
		Sometimes: []string{"TLS-5", "LOOP-1"}, Neighbours: "TLS-5 leaves such a connection to its instance, if the spin lets it measure, and LOOP-1 may be judged there later",
		Shares:  "tls-asks-to-write spins as long as a handshake stalls, this server only behind its client's FIN",
		Because: "of a core is used while a client that has sent FIN | still open",
	},
	{
		Name: "tls-one-at-a-time", Why: "the next connection is accepted when the handshake of the last is over: a silent client keeps everybody out, but disturbs nobody who is in",
		Server: "tlsepoll", Args: []string{"{port}", "one-at-a-time"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:  []string{"MODEL-3", "ACC-2", "LOOP-6", "TLS-1"},
		Because: "silence | handshake failed",
		Shares:  "tls-blocks stops the loop, this one the accepting alone, by a listener that is taken off the poller",
	},
	{
		Name: "tls-keeps-failed", Why: "a connection whose handshake has failed is left to its client: nothing is read from it, and nobody closes it",
		Server: "tlsepoll", Args: []string{"{port}", "keeps-failed"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:  []string{"TLS-5"},
		Because: "still open",
	},
	{
		Name: "tls-leaks-descriptor", Why: "a handshake that fails behind the ServerHello shuts its connection down, and its descriptor is forgotten",
		Server: "tlsepoll", Args: []string{"{port}", "leaks-descriptor"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:  []string{"RES-7", "TLS-6"},
		Because: "sockets are still open",
	},
	{
		Name: "tls-leaks-session", Why: "the session of a handshake that fails behind the ServerHello is not freed (SSL_free)",
		Server: "tlsepoll", Args: []string{"{port}", "leaks-session"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:  []string{"TLS-7"},
		Because: "for each handshake that was broken off",
	},
	{
		Name: "tls-counts-failed", Why: "a handshake that was broken off still counts as one under way, and beyond a thousand none is begun",
		Server: "tlsepoll", Args: []string{"{port}", "counts-failed"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:    []string{"TLS-3", "TLS-7"},
		Sometimes: []string{"ACC-10"}, Neighbours: "ACC-10 breaks off as many handshakes as the kernel lets in behind the clients that are served",
		Because: "closed the connection | reset the connection | handshake failed",
	},
	{
		Name: "tls-whole-hello", Why: "the first read is taken for the whole ClientHello, as in servers that look for the name in it: a ClientHello in two segments is refused",
		Server: "tlsepoll", Args: []string{"{port}", "whole-hello"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:  []string{"TLS-2"},
		Because: "handshake failed",
	},
	{
		Name: "tls-one-record", Why: "the first record is taken for the whole ClientHello, which may come in several (mtg #431): such a client is refused",
		Server: "tlsepoll", Args: []string{"{port}", "one-record"}, Control: []string{"{port}"}, Dialect: "echo", Class: "reactor", TLS: true,
		Breaks:  []string{"TLS-2"},
		Because: "handshake failed",
		Shares:  "tls-whole-hello takes one read for the message, this server one record, however many reads it comes in",
	},
	{
		Name: "tls-no-timeout", Why: "the idle timeout is armed when a handshake is over: a client that never gets there stays for ever",
		Server: "tlsepoll", Args: []string{"{port}", "idle=2", "no-timeout"}, Control: []string{"{port}", "idle=2"}, Dialect: "echo", Class: "reactor", TLS: true, Idle: 2 * time.Second,
		Breaks:  []string{"TLS-8"},
		Because: "still open",
		Shares:  "tls-timeout-until-hello closes who has never said anything; this server closes nobody before the handshake is over",
	},
	{
		Name: "tls-timeout-until-hello", Why: "the idle timeout is taken off with the first byte of a handshake, and armed again when it is over",
		Server: "tlsepoll", Args: []string{"{port}", "idle=2", "timeout-until-hello"}, Control: []string{"{port}", "idle=2"}, Dialect: "echo", Class: "reactor", TLS: true, Idle: 2 * time.Second,
		Breaks:  []string{"TLS-8"},
		Because: "still open",
	},
	{
		Name: "tls-in-the-accept-loop", Why: "the loop that accepts shakes hands too (Go's net and crypto/tls): whoever comes waits for the slowest client, but whoever is connected does not",
		Server: "tlsgo", Args: []string{"{port}", "in-loop"}, Control: []string{"{port}"}, Dialect: "echo", Class: "multi-reactor", TLS: true,
		Breaks:  []string{"MODEL-3", "ACC-2", "LOOP-6", "TLS-1"},
		Because: "silence | handshake failed",
		Shares:  "tls-blocks stops a loop that serves, this one the accepting alone: C with OpenSSL there, Go with crypto/tls here",
	},
}
