// Package regress judges real event loops at two versions each: one whose bug
// is on record, which has to fail the clause that the bug breaks, and one in
// which it was mended, which has to keep it. Each pair is a nested module, so
// that no old version reaches the root module: go.mod names the broken
// version, fixed.mod the mended one.
//
// It is for this project alone: there is no compatibility promise.
package regress

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Pair is one bug of a library.
type Pair struct {
	ID      string   // its name in the field's records, and the directory of its server here
	Bad     []Server // the broken versions
	Fixed   string   // mended version; empty where the newest version still has the bug
	Ref     string   // where the bug is on record
	Symptom string
	Clause  string // the clause that it breaks
	// Because is a phrase of the reason for which the clause fails, so that no
	// other failure passes for the bug.
	Because string
	// Dies marks a bug that is the server's end. What its peers see of that
	// varies, so Because is then a phrase of the server's last words.
	Dies     bool
	Control  string // the clause that the broken version keeps; empty: CONN-1
	Class    spec.Class
	Features []spec.Feature
	Greeting int64 // bytes, where the server speaks first
}

// Server is one broken version and the module that builds it.
type Server struct {
	Version string // module and version
	Dir     string // below suites/proof/regress; empty: the pair's own
	ModFile string // empty: go.mod
	Adapter string // a directory below testdata/targets instead; for bugs of newest versions
}

// controlGreeting is the greeting in the control run: g1 breaks a long one.
const controlGreeting = 1 << 10

// Pairs lists the bugs that are reproduced on Linux over loopback.
func Pairs() []Pair {
	const sink, source, stats, contain = "sink", "source", "stats", "contain"
	one := func(version string) []Server { return []Server{{Version: version}} }
	return []Pair{
		{ID: "g1", Bad: one("github.com/panjf2000/gnet/v2@v2.4.1"), Fixed: "v2.4.2", Ref: "gnet PR #572, 601bfdf1", Clause: "CONN-21", Because: "of the greeting",
			Features: []spec.Feature{"greeting"}, Greeting: 16 << 20, Symptom: "a reply from OnOpen that the socket does not take: EEXIST from epoll_ctl(2), the rest is never sent"},
		{ID: "g5", Bad: one("github.com/panjf2000/gnet@v1.6.3"), Fixed: "v1.6.4", Ref: "gnet #303, 58a6ae9d", Clause: "CONN-18", Because: "instead of sending the reply to",
			Symptom: "more than 1,024 small pending writes: writev(2) gets EINVAL and the connection is closed"},
		{ID: "g8", Bad: []Server{{Version: "github.com/panjf2000/gnet/v2@v2.0.0"}, {Version: "github.com/panjf2000/gnet@v1.6.4", Dir: "g8v1"}}, Fixed: "v2.0.2", Ref: "gnet #341, #368, c138ac53", Clause: "FLOW-10", Because: "silence for", Class: "reactor",
			Features: []spec.Feature{sink, source}, Symptom: "a close with unsent output spins on EAGAIN: the whole loop is dead"},
		{ID: "g10", Bad: one("github.com/panjf2000/gnet/v2@v2.2.6"), Fixed: "v2.2.9", Ref: "gnet #453, 94eb351a", Clause: "ACC-3", Because: "accept a new connection error", Dies: true,
			Symptom: "ECONNABORTED from accept (injected) ends the acceptor and with it the engine"},
		{ID: "g12", Bad: one("github.com/panjf2000/gnet@v1.0.0-rc.4"), Fixed: "v1.0.0-rc.5", Ref: "gnet 8fecd38b, 4ab909ad", Clause: "CONN-12", Because: "gnet@v1.0.0-rc.4/reactor", Dies: true,
			Symptom: "a write that fails closes the connection, and the loop goes on with what it released: nil dereference, the server is gone"},
		{ID: "g13", Bad: one("github.com/panjf2000/gnet@v1.0.0-rc.3"), Fixed: "v1.0.0-rc.4", Ref: "gnet e6c0d754", Clause: "PROBE-3", Because: "instead of the replies to 5000 pipelined requests",
			Symptom: "one React for each read, however many frames it brought: not all pipelined requests are answered"},
		{ID: "g15", Bad: one("github.com/panjf2000/gnet@v1.2.4"), Fixed: "v1.2.7", Ref: "gnet #110, PR #111", Clause: "SIGN-4", Because: "nil pointer", Dies: true,
			Symptom: "a connection closed by React's action and by Close: the second dereferences nil, the server is gone"},
		{ID: "g18", Bad: one("github.com/panjf2000/gnet/v2@v2.5.3"), Fixed: "v2.5.4", Ref: "gnet #615, PR #616", Clause: "CONN-4", Because: "slice bounds out of range", Dies: true, Control: "MODEL-3",
			Symptom: "Next of a piece that lies across the end of the inbound ring: slice bounds out of range, the server is gone"},
		{ID: "g20", Bad: one("github.com/panjf2000/gnet/v2@v2.9.5"), Fixed: "v2.9.7", Ref: "gnet PR #743, PR #745", Clause: "ACC-8", Because: "would be inherited by a child process",
			Symptom: "enrolled descriptors are duplicated without FD_CLOEXEC: a child process inherits them"},
		{ID: "n2", Bad: one("github.com/cloudwego/netpoll@v0.3.2"), Fixed: "v0.5.0", Ref: "netpoll #220, PR #226, PR #278", Clause: "CONN-20", Because: "bytes sent before close the server took in",
			Features: []spec.Feature{sink, stats}, Symptom: "100 kB and a close: the server sees 4 to 15 % of the bytes"},
		{ID: "n4", Bad: one("github.com/cloudwego/netpoll@v0.4.1"), Fixed: "v0.5.0", Ref: "netpoll PR #238, f290ea8", Clause: "TASK-13", Because: "the connection is still open",
			Features: []spec.Feature{contain}, Symptom: "a panic in a handler leaves its connection open for ever"},
		{ID: "n5", Bad: one("github.com/cloudwego/netpoll@v0.6.0"), Fixed: "v0.6.1", Ref: "netpoll PR #311, 18c2c1f", Clause: "ACC-6", Because: "of a core is used while the server is out of descriptors",
			Symptom: "out of descriptors, most of a core is burnt"},
		{ID: "n12", Bad: one("github.com/cloudwego/netpoll@v0.0.4"), Fixed: "v0.1.0", Ref: "netpoll #52, PR #54, 0fe1e8a", Clause: "WAKE-1", Because: "refuses connections",
			Symptom: "the event loop is collected as garbage while it serves: without clients, the listener closes silently"},
		{ID: "b2", Bad: []Server{{Version: "github.com/lesismal/nbio@v1.3.17"}, {Version: "github.com/lesismal/nbio@v1.6.3", ModFile: "regressed.mod"}}, Fixed: "v1.3.19", Ref: "nbio 5ec91f3", Clause: "ACC-5", Because: "silence for",
			Symptom: "one EMFILE ends the accept loop for ever"},
		{ID: "b5", Bad: one("github.com/lesismal/nbio@v1.5.3"), Fixed: "v1.5.9", Ref: "nbio 575223a", Clause: "CONN-18", Because: "instead of sending the reply to",
			Symptom: "more than 1,024 queued writes: writev(2) gets EINVAL and the connection is closed"},
		{ID: "b7", Bad: one("github.com/lesismal/nbio@v1.4.0"), Fixed: "v1.5.3", Ref: "nbio f523209", Clause: "TASK-1", Because: "silence for", Class: "reactor",
			Features: []spec.Feature{"post"}, Symptom: "after a burst of more than 1,024 tasks no task runs any more"},
		{ID: "b10", Bad: one("github.com/lesismal/nbio@v1.3.9"), Fixed: "v1.3.10", Ref: "nbio 3a71d49", Clause: "RES-1", Because: "are still open after",
			Symptom: "the descriptor of a datagram socket is never closed"},
		{ID: "b13", Bad: one("github.com/lesismal/nbio@v1.1.0"), Fixed: "v1.2.0", Ref: "nbio 52cecab, ab01961", Clause: "LOOP-12", Because: "silence for", Class: "reactor",
			Symptom: "OnClose runs under the connection's lock: a close in it hangs the loop for ever"},
		{ID: "e1", Bad: one("github.com/tidwall/evio@v1.0.3"), Fixed: "v1.0.8", Ref: "evio #61, 34ff08a", Clause: "LOOP-1", Because: "of a core is used with no clients", Class: "reactor",
			Symptom: "the eventfd is never read: after the first tick the idle loop spins"},
		{ID: "a2", Bad: one("github.com/xtaci/gaio@v1.2.10"), Fixed: "v1.2.12", Ref: "gaio #17, afe3e93", Clause: "LOOP-2", Because: "of a core is used with silent clients", Class: "reactor", Control: "CONN-2", // its CONN-1 is broken by another bug
			Symptom: "a pending read arms the write interest too: half a core is burnt beside idle clients"},

		{ID: "g22", Bad: []Server{{Version: "github.com/panjf2000/gnet/v2@v2.10.0", Adapter: "gnet"}}, Ref: "gnet #367", Clause: "ACC-4", Because: "accept", Dies: true,
			Symptom: "EMFILE from accept shuts the whole engine down"},
		{ID: "g24", Bad: []Server{{Version: "github.com/panjf2000/gnet/v2@v2.10.0", Adapter: "gnet"}}, Ref: "gnet eventloop.read", Clause: "CONN-7", Because: "instead of sending the reply to",
			Symptom: "16 MiB, FIN, then reading: a quarter comes back"},
		{ID: "b3", Bad: []Server{{Version: "github.com/lesismal/nbio@v1.6.12", Adapter: "nbio"}}, Ref: "nbio da06834", Clause: "ACC-6", Because: "of a core is used while the server is out of descriptors",
			Symptom: "out of descriptors, accept is retried without a pause: a core is burnt"},
		{ID: "e5", Bad: []Server{{Version: "github.com/tidwall/evio@v1.0.8", Adapter: "evio"}}, Ref: "evio loopAccept", Clause: "ACC-4", Because: "evio.Serve returned", Dies: true,
			Symptom: "EMFILE from accept ends the server"},
	}
}

// Build builds one of the pair's servers into dir.
func (p Pair) Build(ctx context.Context, root, dir string, server Server) (binary string, err error) {
	source, modfile := filepath.Join(root, "suites", "proof", "regress", cmp.Or(server.Dir, p.ID)), cmp.Or(server.ModFile, "go.mod")
	if server.Adapter != "" {
		source = filepath.Join(root, "testdata", "targets", server.Adapter)
	}
	binary = filepath.Join(dir, filepath.Base(source)+"-"+modfile+".server")
	cmd := exec.CommandContext(ctx, "go", "build", "-modfile", modfile, "-o", binary, ".")
	cmd.Dir = source
	// The module is built as committed, whatever the caller's flags say.
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly -buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: go build -modfile %s: %w: %s", p.ID, modfile, err, bytes.TrimSpace(out))
	}
	return binary, nil
}

// Judge judges the built server by the pair's clause, and no other.
func (p Pair) Judge(ctx context.Context, binary string) (report.Result, error) {
	return p.judge(ctx, binary, p.Clause, p.Greeting)
}

// Keeps judges the built server by the control clause, so that one that does not
// serve at all passes for no bug. It has a process of its own: what the pair's
// clause does to it is of no account.
func (p Pair) Keeps(ctx context.Context, binary string) (report.Result, error) {
	return p.judge(ctx, binary, cmp.Or(p.Control, "CONN-1"), min(p.Greeting, controlGreeting))
}

func (p Pair) judge(ctx context.Context, binary, clause string, greeting int64) (report.Result, error) {
	file := target.File{Name: p.ID, Dialect: "probe", Class: p.Class, Features: p.Features, Greeting: target.Bytes(greeting), Start: target.Command{binary}}
	if greeting > 0 {
		file.Env = map[string]string{"GREETING": strconv.FormatInt(greeting, 10)}
	}
	if file.Class == "" {
		file.Class = "multi-reactor"
	}
	run, err := suites.Check(ctx, target.Target{File: file}, suites.Clauses(clause), suites.NoAdvice())
	if err != nil {
		return report.Result{}, fmt.Errorf("%s: %w", p.ID, err)
	}
	if len(run.Results) != 1 {
		return report.Result{}, fmt.Errorf("%s: %d results for one clause", p.ID, len(run.Results))
	}
	return run.Results[0], nil
}

// Shows reports whether the broken clause's result is the bug's, and not that of
// a server that fails in another way.
func (p Pair) Shows(result report.Result) error {
	if result.Outcome != report.Fail && result.Outcome != report.Warn {
		return fmt.Errorf("want a fail, or a warn of a SHOULD, got %s", result.Outcome)
	}
	if result.Evidence == nil {
		return errors.New("there is no evidence")
	}
	ended, said := strings.Contains(result.Reason+result.Evidence.Got, "the server exited"), result.Reason
	if p.Dies {
		said = result.Evidence.Stderr
	}
	switch {
	case ended != p.Dies:
		return fmt.Errorf("the server ended: %t, want %t", ended, p.Dies)
	case !strings.Contains(said, p.Because):
		return fmt.Errorf("%q does not say %q", said, p.Because)
	}
	return nil
}
