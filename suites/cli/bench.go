package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/load"
)

// benchFlags are the flags of `bench`, as given.
type benchFlags struct {
	against, dialect string
	load             load.Options
	size             bytesValue
	json             bool
}

func (p *program) benchCommand() *cobra.Command {
	f := benchFlags{size: 64}
	cmd := &cobra.Command{
		Use:   "bench --against ADDRESS",
		Short: "Load a server that echoes, and measure rate and latency",
		Long: `Loads a running server in a closed loop: every connection keeps as many requests
in flight as --depth says, and every reply is compared with its request. Nothing is
judged. To compare servers, run them on one machine, one after the other, several times.

Latencies are those of a closed loop: a server that stalls gets no more requests meanwhile.

Exit: 0 measured; 2 usage; 3 the server closed, fell silent or echoed wrongly.`,
		Example: "  reactorspec serve --class reactor & reactorspec bench --against tcp://127.0.0.1:7000 --conns 100 --size 64",
		Args:    noArguments,
		RunE:    func(*cobra.Command, []string) error { return p.bench(&f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.against, "against", "", "running server: tcp://host:port or unix:///path")
	flags.StringVar(&f.dialect, "dialect", "probe", "probe (each connection signs on with ECHO) or echo (bare bytes)")
	flags.IntVar(&f.load.Conns, "conns", 100, "connections")
	flags.Var(&f.size, "size", "`bytes` of a request and of its reply, such as 1KiB")
	flags.IntVar(&f.load.Depth, "depth", 1, "requests in flight on each connection")
	flags.DurationVar(&f.load.Duration, "duration", 3*time.Second, "measured time")
	flags.DurationVar(&f.load.Warmup, "warmup", 300*time.Millisecond, "time before that, which is not measured")
	flags.BoolVar(&f.json, "json", false, "print one JSON object instead of text")
	_ = cmd.RegisterFlagCompletionFunc("dialect", cobra.FixedCompletions(benchDialects, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

// benchDialects are the dialects that echo and nothing else.
var benchDialects = []string{"probe", "echo"}

// measured is what bench prints as JSON.
type measured struct {
	Against     string             `json:"against"`
	Conns       int                `json:"conns"`
	Size        int                `json:"size"`
	Depth       int                `json:"depth"`
	Requests    uint64             `json:"requests"`
	Seconds     float64            `json:"seconds"`
	Rate        float64            `json:"requests_per_second"`
	Percentiles map[string]float64 `json:"latency_us"`
}

// shown are the percentiles that bench prints.
var shown = []struct {
	name string
	at   float64
}{{"50", 50}, {"90", 90}, {"99", 99}, {"99.9", 99.9}, {"max", 100}}

func (p *program) bench(f *benchFlags) error {
	o := f.load
	o.Size = int(f.size)
	var err error
	if o.Network, o.Addr, err = splitAddress(f.against); err != nil {
		return err
	}
	if !slices.Contains(benchDialects, f.dialect) {
		return fmt.Errorf("--dialect %q: bench speaks %s", f.dialect, strings.Join(benchDialects, " and "))
	}
	if f.dialect == "probe" {
		o.SignOn = "ECHO"
	}
	if err := o.Check(); err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	r, err := load.Run(ctx, o)
	if err != nil {
		return failed(err)
	}
	m := measured{Against: f.against, Conns: o.Conns, Size: o.Size, Depth: o.Depth, Requests: r.Requests,
		Seconds: r.Elapsed.Seconds(), Rate: r.Rate(), Percentiles: map[string]float64{}}
	for _, s := range shown {
		m.Percentiles[s.name] = float64(r.Percentile(s.at)) / float64(time.Microsecond)
	}
	return failed(m.write(p.out, f.json))
}

func (m measured) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(m)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d connections × %d bytes × %d deep\n", m.Against, m.Conns, m.Size, m.Depth)
	fmt.Fprintf(&b, "  %d requests in %.2f s: %.0f a second\n  latency, µs:", m.Requests, m.Seconds, m.Rate)
	for _, s := range shown {
		name := s.name
		if s.at < 100 {
			name = "p" + name
		}
		fmt.Fprintf(&b, "  %s %.0f", name, m.Percentiles[s.name])
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}

// splitAddress takes tcp://host:port, unix:///path, and both without a scheme.
func splitAddress(address string) (network, rest string, err error) {
	if address == "" {
		return "", "", errors.New("--against is missing: name a running server, tcp://host:port or unix:///path")
	}
	scheme, rest, found := strings.Cut(address, "://")
	switch {
	case !found && strings.HasPrefix(address, "/"):
		return "unix", address, nil
	case !found:
		return "tcp", address, nil
	case scheme == "tcp" || scheme == "unix":
		return scheme, rest, nil
	}
	return "", "", fmt.Errorf("--against %q: the scheme is tcp or unix", address)
}
