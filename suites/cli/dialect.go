package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// tryPatience bounds each wait of `dialect try`, and tryLimit all of it.
const (
	tryPatience = 2 * time.Second
	tryLimit    = 3 * time.Minute
)

func (p *program) dialectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dialect", Short: "Try, show and list dialects, and print the schema of dialect files",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.dialectTry(), p.dialectShow(), p.dialectList(), p.dialectSchema())
	return cmd
}

func (p *program) dialectTry() *cobra.Command {
	var addr string
	var over tlsFlags
	var asks httpFlags
	cmd := &cobra.Command{
		Use:   "try DIALECT -- COMMAND…",
		Short: "Send one request to a server, and show byte by byte what is sent and received",
		Long: `Sends the opening and one request of a dialect to a server, and shows byte by byte what
is sent and received, and where a template or a pattern does not fit. DIALECT is the path
of a dialect file, of a target file that describes one, or a name.

Exit: 0 the reply is what the dialect expects; 1 it is not; 2 usage, a mistake in the file,
or a certificate of the server's that is not trusted.`,
		Example:           "  reactorspec dialect try ./mine.yaml -- ./server --port {port}\n  reactorspec dialect try smtp --addr tcp://127.0.0.1:25\n  reactorspec dialect try http --http-path /healthz --addr tcp://127.0.0.1:8080",
		ValidArgsFunction: completeDialect,
		RunE: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			if dash < 0 {
				dash = len(args)
			}
			if dash != 1 {
				return errors.New("dialect try wants one dialect: the path of a file, or a name; the server's command comes after --")
			}
			asked, err := asks.read(cmd)
			if err != nil {
				return err
			}
			return p.tryDialect(args[0], args[dash:], addr, over, asked)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "", "running server: tcp://host:port or unix:///path")
	over.bind(cmd.Flags())
	asks.bind(cmd)
	return cmd
}

func (p *program) tryDialect(name string, command []string, addr string, over tlsFlags, asked *dialect.HTTP) error {
	judged := target.Target{Addr: addr}
	if file, err := target.Load(name); err == nil { // a target file starts its server itself
		judged.File = file
	} else if err := judged.File.Speak(name, "."); err != nil {
		return err
	}
	if len(command) > 0 {
		judged.File.Start = command
	}
	if asked != nil {
		if judged.File.Dialect != "http" {
			return notHTTP(judged.File.Dialect)
		}
		judged.File.HTTP = asked
	}
	if transport, err := over.transport(); err != nil {
		return err
	} else if transport != nil {
		judged.File.TLS = transport
	}
	switch {
	case len(command) > 0 && addr != "":
		return errors.New("both --addr and a command after --: name one server")
	case len(judged.File.Start) == 0 && addr == "":
		return errors.New("no server: give a command after --, or --addr")
	}
	if err := judged.File.Fillable(); err != nil {
		return err
	}
	d, err := judged.File.Speaker()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), tryLimit)
	defer cancel()
	if err := judged.Build(ctx); err != nil {
		return p.notTried(err)
	}
	server, err := judged.Launch(ctx)
	if err != nil {
		return p.notTried(err)
	}
	defer server.Stop()
	config, err := server.TLSConfig()
	if err != nil {
		return err
	}
	told := attempts{out: p.out}
	var unreached error
	var untrusted bool
	fits := server.Wakes(ctx, func() bool {
		var said strings.Builder
		var fits bool
		if fits, untrusted, unreached = tryOnce(ctx, &said, server, config, d); unreached == nil {
			told.tell(said.String())
		}
		return fits
	})
	told.end()
	if unreached != nil {
		return p.notTried(unreached)
	}
	switch {
	case untrusted: // a mistake of whoever says what to trust, as in check
		p.exit = report.ExitUsage
	case !fits:
		p.exit = report.ExitNotConformant
		if hint := session.ContactHint(ctx, server, d); hint != "" {
			fmt.Fprintf(p.out, "! %s\n", report.Clean(hint))
		}
	}
	p.describe(p.out, judged.File, d)
	return nil
}

// tryOnce says one request on a connection of its own. The error is why there is none;
// untrusted is a certificate that we do not take.
func tryOnce(ctx context.Context, w io.Writer, server *target.Instance, config *tls.Config, d dialect.Dialect) (fits, untrusted bool, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, server.Network(), server.Addr().String())
	if err != nil {
		return false, false, err
	}
	defer conn.Close()
	if config == nil {
		return dialect.Try(w, conn, d, tryPatience), false, nil
	}
	secured := tls.Client(conn, config)
	shaking, cancel := context.WithTimeout(ctx, tryPatience)
	defer cancel()
	if err := secured.HandshakeContext(shaking); err != nil {
		hint, untrusted := session.HandshakeHint(err)
		fmt.Fprintf(w, "! the TLS handshake failed: %s: %s\n", oneLine(err.Error()), hint)
		return false, untrusted, nil
	}
	return dialect.Try(w, secured, d, tryPatience), false, nil
}

// notTried is a server that could not be started or reached.
func (p *program) notTried(err error) error {
	p.exit = report.ExitNotConformant
	fmt.Fprintf(p.err, "reactorspec: %s\n", report.Clean(oneLine(err.Error())))
	var launch *target.LaunchError
	if errors.As(err, &launch) && launch.Stderr != "" {
		fmt.Fprintf(p.err, "%s\n", report.CleanLines(launch.Stderr))
	}
	return nil
}

// describe says what the dialect promises, and what it cannot tell.
func (p *program) describe(w io.Writer, file target.File, d dialect.Dialect) {
	page, _ := file.Page()
	fmt.Fprintf(w, "%s: %d clauses are promised", d.Name(), len(page.Promises))
	if list := dialect.Capabilities(d); len(list) > 0 {
		fmt.Fprintf(w, ", among them those of %s", strings.Join(list, ", "))
	}
	fmt.Fprintln(w)
	if described, ok := d.(*dialect.Described); ok && described.Weakness() != "" {
		fmt.Fprintf(w, "! %s\n", described.Weakness())
	}
}

func (p *program) dialectShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Print the description of a built-in dialect, to start your own from",
		ValidArgsFunction: func(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return begunWith(begun, dialect.Names(), ""), cobra.ShellCompDirectiveNoFileComp
		},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("dialect show wants one name: `reactorspec dialect list` has them")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			page, known := spec.LookupDialect(args[0])
			switch {
			case !known:
				return fmt.Errorf("unknown dialect %q: %s", args[0], dialect.Choices(args[0]))
			case page.Description == "":
				return fmt.Errorf("%s is code, and has no description: see spec/dialects/%s.md", page.Name, page.Name)
			}
			_, err := io.WriteString(p.out, page.Description)
			return failed(err)
		},
	}
}

func (p *program) dialectList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the dialects", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			for _, name := range dialect.Names() {
				page, _ := spec.LookupDialect(name)
				how := "described"
				if page.Description == "" {
					how = "code"
				}
				d, err := dialect.Lookup(name)
				if err != nil {
					return err
				}
				words := slices.Concat([]string{how}, dialect.Capabilities(d))
				if _, err := fmt.Fprintf(p.out, "%-10s %s (%s)\n", name, page.Title, strings.Join(words, ", ")); err != nil {
					return failed(err)
				}
			}
			return nil
		},
	}
}

func (p *program) dialectSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of dialect files, for editors", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := p.out.Write(dialect.Schema())
			return failed(err)
		},
	}
}
