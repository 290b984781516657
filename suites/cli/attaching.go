package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
)

// targetFlags say which server is judged and what it is, as given.
type targetFlags struct {
	addr, file, dialect, class string
	pid                        int
	features                   []string
	limit, memory              bytesValue
	idle, ready                time.Duration
	most                       int
	http                       httpFlags
	tls                        tlsFlags
	built                      bool // by the matrix, whose child this is
}

// inTheFile are the flags that say what a target file says.
var inTheFile = append(append([]string{"dialect", "class", "features", "limit", "idle-timeout", "max-clients", "memory"}, httpNames...), tlsNames...)

// bind binds all but the flag of the address, which each command names as it likes.
func (f *targetFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.pid, "pid", 0, "the server's process `ID`, where it is running already: judges from the process vantage too")
	flags.StringVar(&f.file, "target", "", "target `file` (YAML)")
	flags.StringVar(&f.dialect, "dialect", "", "how to talk to the server: "+strings.Join(dialect.Names(), ", ")+", or the path of a dialect `file`; probe if not given")
	f.http.bind(cmd)
	flags.StringVar(&f.class, "class", "", "what the server is: "+classes())
	flags.StringSliceVar(&f.features, "features", nil, "what the server offers beyond its dialect, comma-separated; for probe, instead of what HELLO says")
	flags.Var(&f.limit, "limit", "its declared limit L of unread output, such as 1MiB; declares the feature limit")
	flags.DurationVar(&f.idle, "idle-timeout", 0, "after how long the server closes a silent connection, such as 5s; declares the feature idle-timeout")
	flags.IntVar(&f.most, "max-clients", 0, "how many clients at a time the server has room for; no check brings more")
	flags.DurationVar(&f.ready, "ready-timeout", 0, "how long the server may take until it accepts (15s), and then until it serves (2s); outranks a target file")
	flags.Var(&f.memory, "memory", "how far its heap may grow before it is collected, such as 4GiB")
	f.tls.bind(flags)
	flags.BoolVar(&f.built, "built", false, "the target's build is done")
	_ = flags.MarkHidden("built")
}

// bytesName is what the help of a flag calls a number of bytes.
const bytesName = "bytes"

// bytesValue is the value of a flag that is a number of bytes, with or without a unit.
type bytesValue target.Bytes

func (b *bytesValue) Set(word string) error {
	amount, err := target.ParseBytes(word)
	*b = bytesValue(amount)
	return err
}

func (b *bytesValue) Type() string { return bytesName }

func (b *bytesValue) String() string {
	if *b == 0 {
		return ""
	}
	return target.Bytes(*b).String()
}

// read makes a target of the flags and of the command behind --.
func (f *targetFlags) read(cmd *cobra.Command, command []string) (target.Target, error) {
	judged := target.Target{Addr: f.addr, Pid: f.pid, File: target.File{Name: f.addr, Class: spec.Class(f.class), Limit: target.Bytes(f.limit), Memory: target.Bytes(f.memory),
		IdleTimeout: target.Duration(f.idle), MaxClients: f.most, ReadyTimeout: target.Duration(f.ready)}}
	if err := judged.File.Speak(f.dialect, "."); err != nil {
		return judged, err
	}
	transport, err := f.tls.transport()
	if err != nil {
		return judged, err
	}
	judged.File.TLS = transport
	switch {
	case f.idle < 0:
		return judged, fmt.Errorf("--idle-timeout %v is below 0", f.idle)
	case f.ready < 0:
		return judged, fmt.Errorf("--ready-timeout %v is below 0", f.ready)
	case f.most < 0:
		return judged, fmt.Errorf("--max-clients %d is below 0", f.most)
	}
	return judged, f.attach(cmd, command, &judged)
}

// embedded reports whether nothing names another target than the embedded reference.
func (f *targetFlags) embedded(command []string) bool {
	return f.addr == "" && f.file == "" && len(command) == 0
}

// attach decides which of the four ways names the target.
func (f *targetFlags) attach(cmd *cobra.Command, command []string, judged *target.Target) error {
	if f.pid != 0 && f.addr == "" {
		return errors.New("--pid needs --addr")
	}
	if f.pid < 0 {
		return fmt.Errorf("--pid %d is not a process ID", f.pid)
	}
	if f.addr != "" && len(command) > 0 {
		return errors.New("both --addr and a command after --: name one target")
	}
	if cmd.Flags().Changed("features") {
		judged.File.Features = []spec.Feature{}
		for _, word := range f.features {
			if word != "" {
				judged.File.Features = append(judged.File.Features, spec.Feature(word))
			}
		}
	}
	if f.file != "" {
		return f.load(cmd, command, judged)
	}
	if err := f.askHTTP(cmd, &judged.File); err != nil {
		return err
	}
	if judged.File.Dialect == "" {
		judged.File.Dialect = "probe"
	}
	if f.addr != "" {
		return nil
	}
	if len(command) > 0 {
		judged.File.Name, judged.File.Start = command[0], command
		return nil
	}
	if judged.File.Dialect != "probe" {
		return fmt.Errorf("the embedded reference speaks probe, not %s: give --addr, --target, or a command after --", judged.File.Dialect)
	}
	self, err := ownFile()
	if err != nil {
		return err
	}
	judged.File.Name, judged.File.Language = "reference", "Go"
	judged.File.Start = target.Command{self, "serve", "--listen", "127.0.0.1:{port}"}
	if f.class != "" {
		judged.File.Start = append(judged.File.Start, "--class", f.class)
	}
	return nil
}

// ownFile is the file of this program, to be started again. Linux has its name in /proc.
func ownFile() (string, error) {
	self, err := os.Executable()
	if err == nil {
		return self, nil
	}
	return "", failed(cmp.Or(target.Visible(), fmt.Errorf("the file of this program cannot be found, to start it again: %w", err)))
}

// load takes everything from the target file.
func (f *targetFlags) load(cmd *cobra.Command, command []string, judged *target.Target) error {
	for _, name := range append([]string{"addr"}, inTheFile...) {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("both --target and --%s: say it in the target file", name)
		}
	}
	if len(command) > 0 {
		return errors.New("both --target and a command after --: name one target")
	}
	file, err := target.Load(f.file)
	if err != nil {
		return err
	}
	judged.File = file
	if f.ready > 0 { // how slow the machine is, the file cannot know
		judged.File.ReadyTimeout = target.Duration(f.ready)
	}
	if f.built {
		judged.File.Build = nil
	}
	return nil
}

// askHTTP adds what the flags of HTTP ask for.
func (f *targetFlags) askHTTP(cmd *cobra.Command, file *target.File) error {
	asked, err := f.http.read(cmd)
	switch {
	case err != nil || asked == nil:
		return err
	case file.Dialect != "" && file.Dialect != "http":
		return notHTTP(file.Dialect)
	}
	file.Dialect, file.HTTP = "http", asked
	return nil
}

// notHTTP is the error for flags of HTTP beside another dialect.
func notHTTP(name string) error {
	return fmt.Errorf("--http-path and the other flags of HTTP are for --dialect http, not for %s", name)
}

func classes() string {
	var words []string
	for _, class := range spec.Classes() {
		words = append(words, string(class))
	}
	return strings.Join(words, ", ")
}
