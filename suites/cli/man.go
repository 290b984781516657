package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand writes the manual pages; packages call it, and users have no need to.
func (p *program) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages, one for each command, into a directory", Hidden: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("man wants one directory for the pages")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return failed(p.writePages(cmd.Root(), args[0]))
		},
	}
}

// writePages writes the page of cmd, and those of the commands below it.
func (p *program) writePages(cmd *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file := filepath.Join(dir, pageName(cmd)+".1")
	if err := os.WriteFile(file, []byte(p.page(cmd)), 0o644); err != nil {
		return err
	}
	for _, sub := range cmd.Commands() {
		if sub.Hidden || sub.Name() == "help" {
			continue
		}
		if err := p.writePages(sub, dir); err != nil {
			return err
		}
	}
	return nil
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// page is the manual page of a command, in the macros of man(7).
func (p *program) page(cmd *cobra.Command) string {
	var b strings.Builder
	section := func(name string) { fmt.Fprintf(&b, ".SH %s\n", name) }
	fmt.Fprintf(&b, ".TH %s 1 \"\" %q \"reactorspec\"\n", roff(strings.ToUpper(pageName(cmd))), roff(cmd.Root().Version))
	section("NAME")
	fmt.Fprintf(&b, "%s \\- %s\n", roff(pageName(cmd)), roff(cmd.Short))
	section("SYNOPSIS")
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, ".B %s\nCOMMAND [flags]\n", roff(cmd.CommandPath()))
	} else {
		_, arguments, _ := strings.Cut(cmd.UseLine(), cmd.CommandPath())
		fmt.Fprintf(&b, ".B %s\n%s\n", roff(cmd.CommandPath()), roff(strings.TrimSpace(arguments)))
	}
	if cmd.Long != "" {
		section("DESCRIPTION")
		asItIs(&b, cmd.Long)
	}
	if flags := p.flagsOf(cmd); flags.HasAvailableFlags() {
		section("OPTIONS")
		flags.VisitAll(func(f *pflag.Flag) {
			if f.Hidden {
				return
			}
			value, usage := pflag.UnquoteUsage(f)
			name := "--" + f.Name
			if f.Shorthand != "" {
				name = "-" + f.Shorthand + ", " + name
			}
			fmt.Fprintf(&b, ".TP\n.B %s\n", roff(strings.TrimSpace(name+" "+value)))
			fmt.Fprintln(&b, roff(usage))
		})
	}
	if cmd.Example != "" {
		section("EXAMPLES")
		asItIs(&b, cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		section("COMMANDS")
		for _, sub := range cmd.Commands() {
			if !sub.Hidden && sub.Name() != "help" {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(pageName(sub)), roff(sub.Short))
			}
		}
	}
	section("EXIT STATUS")
	b.WriteString("0: conformant, or done. 1: not conformant, or worse than before. 2: usage or configuration. 3: the harness failed or was interrupted, or a MUST stayed inconclusive.\n")
	if cmd.HasParent() {
		section("SEE ALSO")
		fmt.Fprintf(&b, ".BR %s (1)\n", roff(pageName(cmd.Parent())))
	}
	return b.String()
}

// flagsOf are the flags of a command; those of `serve` are the embedded server's.
func (p *program) flagsOf(cmd *cobra.Command) *pflag.FlagSet {
	if !cmd.DisableFlagParsing {
		return cmd.NonInheritedFlags()
	}
	fs := flag.NewFlagSet(cmd.Name(), flag.ContinueOnError)
	p.served(fs)
	flags := pflag.NewFlagSet(cmd.Name(), pflag.ContinueOnError)
	flags.AddGoFlagSet(fs)
	return flags
}

// asItIs writes text with its lines and columns.
func asItIs(b *strings.Builder, text string) {
	fmt.Fprintf(b, ".nf\n%s\n.fi\n", roff(strings.TrimRight(text, "\n")))
}

// roff escapes text: a backslash, a minus that is to be copied, and what would begin a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
