// Package reference is a network server in the four shapes that the story of
// servers went through, and the event loop that the later ones are built on. It
// is written to be read, and it is what the suites' checks are proved against.
//
// # The way in
//
// loop.go is the loop itself: init; while (!exit) { poll; I/O; other things };
// cleanup. From there: tasks.go and shared.go (what other threads ask a loop to
// do), waker.go (how they end its sleep), timers.go and wheel.go, hooks.go,
// workers.go (business that blocks), watchdog.go (who blocked after all).
// internal/poll holds the pollers and all system calls.
//
// reactor.go is a loop with connections, conn.go is what a handler may do with one,
// conn_turn.go what a turn of the loop does with it, and this is what becomes of it:
//
//	open ──Close──► draining ──output delivered──► finished ──peer's FIN──► closed
//	  │                 the FIN is sent ─────────────┘
//	  └─ the peer's FIN changes none of this: it ends input, and output goes on
//
// class_reactor.go and class_thread.go put these together into the four
// classes. signon.go and the conversations are users of the handler API. They do
// what a server of yours could, with these exceptions: the client item is a field
// of the connection, and of PROBE the answers borrow the thread's memory, thread ids
// come from internal/poll, HELLO tells the server's options, TIMERS sets many timers
// for the same nanosecond by the loop's clock, and CROSS and RACE start threads that
// Stop waits for.
//
// # A server of your own
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
