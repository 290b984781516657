package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/reactorspec/reactorspec/suites/target"
)

// serveCommand runs the embedded server; its flags are the server's own.
func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "serve [flags]",
		Short:              "Run the embedded reference server",
		DisableFlagParsing: true,
		ValidArgsFunction:  p.completeServe,
		RunE: func(_ *cobra.Command, args []string) error {
			fs := flag.NewFlagSet("reactorspec serve", flag.ContinueOnError)
			serve := p.served(fs)
			fs.SetOutput(p.err)
			fs.Usage = func() {
				fmt.Fprintln(fs.Output(), "Usage: reactorspec serve [flags]\n\nRuns the embedded reference server until SIGINT or SIGTERM; a second signal ends it at once.\n\nFlags:")
				spelt := pflag.NewFlagSet(fs.Name(), pflag.ContinueOnError)
				spelt.AddGoFlagSet(fs) // for its --
				spelt.BoolP("help", "h", false, "help for serve")
				// What 0 means stands in the words of each flag.
				fmt.Fprint(fs.Output(), strings.ReplaceAll(spelt.FlagUsages(), " (default 0s)", ""))
			}
			if len(args) > 0 && (args[0] == "-h" || args[0] == "--help" || args[0] == "help") {
				fs.SetOutput(p.out)
			}
			// The flag package prints its errors with the whole usage, and spells flags
			// with one dash; a line in our spelling is enough.
			usage, out := fs.Usage, fs.Output()
			fs.Usage = func() {}
			fs.SetOutput(io.Discard)
			err := fs.Parse(args)
			fs.SetOutput(out)
			if errors.Is(err, flag.ErrHelp) {
				usage()
				return nil
			} else if err != nil {
				return fmt.Errorf("%s; see `reactorspec serve --help`", twoDashes.ReplaceAllString(err.Error(), "$1--"))
			}
			listen := ""
			if f := fs.Lookup("listen"); f != nil {
				listen = f.Value.String()
			}
			if err := servable(fs.Args(), listen); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(context.Background(), terminal...)
			defer stop()
			context.AfterFunc(ctx, stop) // the second signal is deadly
			return unserved(listen, serve(ctx))
		},
	}
}

// served binds the flags of the embedded server. It counts its bytes itself; here, as in
// every command, they may have a unit.
func (p *program) served(fs *flag.FlagSet) func(context.Context) error {
	serve := p.embedded.Command(fs)
	fs.VisitAll(func(f *flag.Flag) {
		if name, usage := flag.UnquoteUsage(f); name == bytesName && usage != f.Usage {
			f.Value = inUnits{f.Value}
		}
	})
	return serve
}

// inUnits is a flag of a number of bytes that may have a unit.
type inUnits struct{ flag.Value }

func (u inUnits) Set(word string) error {
	if _, err := strconv.Atoi(word); err == nil {
		return u.Value.Set(word) // 0 may have a meaning of its own
	}
	amount, err := target.ParseBytes(word)
	if err != nil {
		return err
	}
	return u.Value.Set(strconv.FormatInt(int64(amount), 10))
}

// twoDashes finds the one dash of a flag in an error of the flag package.
var twoDashes = regexp.MustCompile(`((?:flag|argument:|defined:) )-`)

// servable finds mistakes that the server could only say in the system's words.
func servable(args []string, listen string) error {
	if len(args) > 0 {
		return fmt.Errorf("serve takes no arguments, but was given %q; see `reactorspec serve --help`", args[0])
	}
	if scheme, rest, found := strings.Cut(listen, "://"); found {
		return fmt.Errorf("--listen %s: leave %s:// out: write %s", listen, scheme, rest)
	}
	return nil
}

// unserved sorts what kept a server from serving: what this machine lacks is no
// mistake of the user, everything else is.
func unserved(listen string, err error) error {
	for _, short := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS} {
		if errors.Is(err, short) {
			return failed(err)
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE), answers(listen):
		return fmt.Errorf("--listen %s is in use: stop that server, or give another --listen", listen)
	case errors.As(err, new(*net.AddrError)), errors.As(err, new(*net.OpError)), errors.As(err, new(*net.DNSError)), errors.As(err, new(*os.SyscallError)):
		return fmt.Errorf("--listen %s: %w: give host:port, such as 127.0.0.1:7000, or the path of a Unix socket in a directory that is there", listen, err)
	}
	return err
}

// answers reports whether a server answers at the path of a Unix socket: there
// bind(2) alone does not tell it from a file that was left behind.
func answers(path string) bool {
	if !strings.Contains(path, "/") {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
