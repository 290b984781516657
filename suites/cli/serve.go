package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/report"
)

// serveCommand runs the embedded server; its flags are the server's own.
func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "serve [flags]",
		Short:              "Run the embedded reference server",
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			fs := flag.NewFlagSet("reactorspec serve", flag.ContinueOnError)
			serve := p.embedded.Command(fs)
			fs.SetOutput(p.err)
			fs.Usage = func() {
				fmt.Fprintln(fs.Output(), "Usage: reactorspec serve [flags]\n\nRuns the embedded reference server until SIGINT or SIGTERM; a second one ends it at once.\n\nFlags:")
				fs.PrintDefaults()
			}
			if len(args) > 0 && (args[0] == "-h" || args[0] == "--help" || args[0] == "help") {
				fs.SetOutput(p.out)
			}
			// The flag package prints its errors with the whole usage; one line is enough.
			usage := fs.Usage
			fs.Usage = func() {}
			if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
				fs.Usage = usage
				fs.Usage()
				return nil
			} else if err != nil {
				p.exit = report.ExitUsage
				return nil
			}
			ctx, stop := signal.NotifyContext(context.Background(), terminal...)
			defer stop()
			context.AfterFunc(ctx, stop) // the second signal is deadly
			return failed(serve(ctx))
		},
	}
}
