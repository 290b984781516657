package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/site"
)

func (p *program) docCommand() *cobra.Command {
	var out string
	var runs []string
	cmd := &cobra.Command{
		Use:   "doc --out FOLDER",
		Short: "Write the specification as web pages",
		Long: `Writes the specification as a folder of web pages, beginning with index.html: the clauses
with what proves them, the story of network servers, the target contract, and the
references of target files and dialect files. The pages need no server. With --run
they say which targets keep each clause, and which break it.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return errors.New("doc wants a folder: --out FOLDER")
			}
			options := site.Options{Tool: Version()}
			for _, path := range runs {
				matrix, err := readReport(path)
				if err != nil {
					return err
				}
				if options.Matrix == nil {
					options.Matrix = &report.Matrix{}
				}
				options.Matrix = report.Merge(options.Matrix, matrix)
			}
			err := site.Write(out, options)
			if errors.Is(err, site.ErrNotOurs) {
				return fmt.Errorf("--out: %w", err)
			}
			return failed(err)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the pages into this `folder`, which is new, empty, or written by this command")
	cmd.Flags().StringSliceVar(&runs, "run", nil, "say which targets keep each clause, by this `file`, a JSON report of check, matrix or merge; - is standard input; several are merged")
	return cmd
}
