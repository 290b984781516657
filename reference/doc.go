// Package reference is a network server in the four shapes that servers
// take in their story, and the event loop that the later ones are built on. It
// is written to be read, and it is what the suites' checks are proved against.
//
// # Table of contents
//
// The files are named by chapter, and each step of the story stands here:
//
//	S1   the primitive server, one client at a time    class_thread.go
//	S2   one connection, one thread                    class_thread.go
//	S3   sign-on and dispatch                          conversation_signon.go, then conversation_login.go,
//	                                                   conversation_echo.go, conversation_sink.go,
//	                                                   conversation_source.go, conversation_probe.go and its parts
//	S4   Reactor: one loop, many connections           reactor.go, loop_slots.go; conn.go and its parts
//	S5   a thread that accepts, loops that serve       class_reactor.go, acceptor.go, acceptor_balance.go
//	S6   the loop                                      loop.go; loop_new.go before it, loop_stats.go beside it
//	S7   its two faults: idle spin, late other things  loop_sleep.go computes the timeout that has neither
//	S8   wakeup                                        loop_sleep.go (the race), loop_waker.go (the descriptors)
//	S9   other things, at any position; shared sets    tasks.go, tasks_shared.go, loop_hooks.go
//	S10  timers                                        timers.go, timers_wheel.go, loop_clock.go
//	S11  never block                                   workers.go; loop_watchdog.go finds who blocked after all
//
// server.go and its parts put a class behind Start and Stop. loop_pace.go is about
// Go's scheduler alone. internal/poll holds the pollers and all system calls.
//
// # The way in
//
// loop.go is the loop itself: init; while (!exit) { poll; I/O; other things };
// cleanup. From there: tasks.go (what other threads ask a loop to do), loop_sleep.go
// (how they end its sleep), timers.go.
//
// reactor.go is a loop with connections, conn.go is what a handler may do with one,
// conn_turn.go what a turn of the loop does with it, and this is what becomes of it:
//
//	open ──Close──► draining ──output delivered──► finished ──peer's FIN──► closed
//	  │                 the FIN is sent ─────────────┘
//	  └─ the peer's FIN changes none of this: it ends input, and output goes on
//
// class_reactor.go and class_thread.go put these together into the four
// classes. conversation_signon.go and the conversations are users of the handler API. They do
// what a server of yours could, with these exceptions: the client item is a field
// of the connection, and in PROBE the answers borrow the thread's memory, thread ids
// come from internal/poll, HELLO tells the server's options, TIMERS sets many timers
// for the same nanosecond by the loop's clock, and CROSS and RACE start threads that
// Stop waits for.
//
// # A server of your own
//
// README.md says when to use this package, what it costs and what it guarantees; the
// examples are an echo, a protocol, timers, and work that blocks.
//
//	server, err := reference.New(reference.Options{
//		Handler: func(c *reference.Conn) reference.Handler { return upper{} },
//	})
//	addr, err := server.Start("tcp", "127.0.0.1:0")
//	…
//	err = server.Stop(ctx)
//
// The same handler serves in every class. The connection's own thread calls it
// and is the only one that may touch the connection; from elsewhere, Post to
// it. What bounds a connection is in Options: above Limit of output that its
// peer does not take, it is not read from until half of that is gone.
//
// Where there are loops, a handler finds the rest from its connection: Conn.Loop
// for timers, hooks and tasks of its own loop, and Conn.Server for the other
// loops, the set of tasks that they share and the workers that may block.
//
// # Who owns what
//
// A loop's thread owns everything of the loop and of its connections that is
// not an atomic counter. Post, Wake, Stop, timers and hooks are the doors from
// outside. An acceptor owns the listener. What is shared (the set of tasks, the
// pool of workers) has a lock of its own.
package reference
