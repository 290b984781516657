package reference

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// Command binds the flags of `serve` to fs and returns what runs it: listen,
// print one line `listening on ADDRESS` to standard output once connections are
// accepted, serve until ctx ends, drain, return nil. The caller turns SIGTERM
// into the end of ctx. A bad flag is an *OptionError; other errors are failures.
func Command(fs *flag.FlagSet) func(ctx context.Context) error {
	var o Options
	listen := fs.String("listen", "127.0.0.1:"+portOr("7000"), "TCP `address`, or the path of a Unix socket (it has a slash)")
	network := fs.String("network", "", "tcp, tcp4, tcp6 or unix instead of what --listen looks like")
	deadline := fs.Duration("stop-deadline", 3*time.Second, "time that a stop gives connections to take what is due")
	fs.StringVar(&o.Class, "class", MultiReactor, strings.Join(Classes, ", "))
	fs.IntVar(&o.Loops, "loops", 0, "loops that serve connections (0: 2 for multi-reactor)")
	fs.StringVar(&o.Poller, "poller", "epoll", "epoll, epollet (edge-triggered), poll, or select, which holds 1,024 descriptors: more clients wait in the queue")
	fs.StringVar(&o.Wakeup, "wakeup", "eventfd", "eventfd, pipe or socketpair")
	fs.StringVar(&o.Balance, "balance", RoundRobin, strings.Join(Balances, ", "))
	fs.IntVar(&o.Backlog, "backlog", 0, "length of the listener's queue (0: 4096)")
	fs.IntVar(&o.MaxConns, "max-conns", 0, "connections open at a time, more are refused (0: 1000000)")
	fs.IntVar(&o.MaxThreads, "max-threads", 0, "connection threads of thread-per-connection (0: 1000)")
	fs.IntVar(&o.Limit, "limit", 0, "L: `bytes` of unread output of a connection that do not pause its reading (0: 16 MiB)")
	fs.IntVar(&o.LowWater, "low-water", 0, "`bytes` of unread output at which reading resumes (0: half of the limit)")
	fs.IntVar(&o.MaxFrame, "max-frame", 0, "`bytes` of a request that a connection may hold incomplete (0: the contract's frame)")
	fs.DurationVar(&o.IdleTimeout, "idle-timeout", 0, "close connections that are idle for so long (0: never)")
	fs.DurationVar(&o.DrainTimeout, "drain-timeout", 0, "cut closed connections whose peers take nothing for so long (0: 1m)")
	fs.IntVar(&o.Workers, "workers", 0, "threads for work that blocks (0: 4)")
	fs.IntVar(&o.WorkQueue, "work-queue", 0, "jobs that may wait for a worker (0: 64)")
	fs.IntVar(&o.Shared, "shared-batch", 0, "tasks of the shared set that a loop takes in a turn (0: 64)")
	fs.IntVar(&o.TaskShare, "task-share", 0, "tasks of its own that a loop runs in a turn (0: 1024)")
	fs.DurationVar(&o.StallAfter, "stall-after", 0, "report a loop whose turn takes longer (0: 100ms)")
	return func(ctx context.Context) error {
		if fs.NArg() > 0 {
			return &OptionError{"arguments", fs.Arg(0), "serve takes none"}
		}
		if *network == "" {
			*network = networkOf(*listen)
		}
		if err := checkAddress(*network, *listen); err != nil {
			return err
		}
		return serve(ctx, os.Stdout, o, *network, *listen, *deadline)
	}
}

func serve(ctx context.Context, out io.Writer, o Options, network, address string, deadline time.Duration) error {
	if deadline <= 0 || deadline > maxTime {
		return &OptionError{"stop-deadline", deadline, fmt.Sprintf("want more than 0, to %v", maxTime)}
	}
	server, err := New(o)
	if err != nil {
		return err
	}
	if err := poll.FitDescriptors(o.Poller); err != nil {
		return err
	}
	// That the address is taken ends the process, with a status other than 0 (LIFE-17).
	bound, err := server.Start(network, address)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "listening on %s\n", bound); err != nil && !errors.Is(err, os.ErrClosed) {
		server.log.Warn("telling the address failed", "error", err)
	}
	// ctx may have ended before the first client came, and that counts (LIFE-6). The process
	// is the only one: there is no child to be left behind (LIFE-7).
	<-ctx.Done()
	stop, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := server.Stop(stop); err != nil {
		// The process ends now, and what is blocked with it: that is no failure of the stop.
		server.log.Warn("something did not end by the deadline", "error", err)
	}
	return nil
}

// networkOf tells the path of a Unix socket from a TCP address.
func networkOf(listen string) string {
	if strings.ContainsRune(listen, '/') || strings.HasPrefix(listen, "@") {
		return "unix"
	}
	return "tcp"
}

// checkAddress finds what is wrong with an address before anything is tried.
func checkAddress(network, address string) error {
	if err := oneOf("network", network, []string{"tcp", "tcp4", "tcp6", "unix"}); err != nil || network == "unix" {
		return err
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return &OptionError{"listen", address, "want host:port, or a path: " + err.Error()}
	}
	return nil
}

// portOr is the port that the harness sets in the environment.
func portOr(port string) string {
	if p := os.Getenv("PORT"); p != "" {
		return p
	}
	return port
}
