// Package regress judges real event loops at two versions each: one whose bug
// is on record, which has to fail the clause that the bug breaks, and one in
// which it was mended, which has to keep it. Each pair is a nested module, so
// that no old version reaches the root module: go.mod names the broken
// version, fixed.mod the mended one.
package regress

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Pair is one bug of a library.
type Pair struct {
	ID       string // its name in the field's records, and its directory here
	Bad      string // module and broken version
	Fixed    string // mended version; empty where the newest version still has the bug
	Ref      string // where the bug is on record
	Symptom  string
	Clause   string // the clause that it breaks
	Class    spec.Class
	Features []spec.Feature
	Greeting int64 // bytes, where the server speaks first
	// Adapter is the directory below testdata/targets that stands in for a
	// nested module here; for bugs of newest versions.
	Adapter string
}

// Pairs lists the bugs that are reproduced on Linux over loopback.
func Pairs() []Pair {
	const sink, source, stats, contain = "sink", "source", "stats", "contain"
	return []Pair{
		{ID: "g1", Bad: "github.com/panjf2000/gnet/v2@v2.4.1", Fixed: "v2.4.2", Ref: "gnet PR #572, 601bfdf1", Clause: "CONN-21",
			Features: []spec.Feature{"greeting"}, Greeting: 16 << 20, Symptom: "a reply from OnOpen that the socket does not take: EEXIST from epoll_ctl(2), the rest is never sent"},
		{ID: "g5", Bad: "github.com/panjf2000/gnet@v1.6.3", Fixed: "v1.6.4", Ref: "gnet #303, 58a6ae9d", Clause: "CONN-18",
			Symptom: "more than 1,024 small pending writes: writev(2) gets EINVAL and the connection is closed"},
		{ID: "g8", Bad: "github.com/panjf2000/gnet/v2@v2.0.0", Fixed: "v2.0.2", Ref: "gnet #341, #368, c138ac53", Clause: "FLOW-10", Class: "reactor",
			Features: []spec.Feature{sink, source}, Symptom: "a close with unsent output spins on EAGAIN: the whole loop is dead"},
		{ID: "g10", Bad: "github.com/panjf2000/gnet/v2@v2.2.6", Fixed: "v2.2.9", Ref: "gnet #453, 94eb351a", Clause: "ACC-3",
			Symptom: "ECONNABORTED from accept (injected) ends the acceptor and with it the engine"},
		{ID: "g12", Bad: "github.com/panjf2000/gnet@v1.0.0-rc.4", Fixed: "v1.0.0-rc.5", Ref: "gnet 8fecd38b, 4ab909ad", Clause: "CONN-12",
			Symptom: "a write that fails closes the connection, and the loop goes on with what it released: nil dereference, the server is gone"},
		{ID: "g13", Bad: "github.com/panjf2000/gnet@v1.0.0-rc.3", Fixed: "v1.0.0-rc.4", Ref: "gnet e6c0d754", Clause: "PROBE-3",
			Symptom: "one React for each read, however many frames it brought: not all pipelined requests are answered"},
		{ID: "g15", Bad: "github.com/panjf2000/gnet@v1.2.4", Fixed: "v1.2.7", Ref: "gnet #110, PR #111", Clause: "SIGN-4",
			Symptom: "a connection closed by React's action and by Close: the second dereferences nil, the server is gone"},
		{ID: "g18", Bad: "github.com/panjf2000/gnet/v2@v2.5.3", Fixed: "v2.5.4", Ref: "gnet #615, PR #616", Clause: "CONN-4",
			Symptom: "Next of a piece that lies across the end of the inbound ring: slice bounds out of range, the server is gone"},
		{ID: "g20", Bad: "github.com/panjf2000/gnet/v2@v2.9.5", Fixed: "v2.9.7", Ref: "gnet PR #743, PR #745", Clause: "ACC-8",
			Symptom: "enrolled descriptors are duplicated without FD_CLOEXEC: a child process inherits them"},
		{ID: "n2", Bad: "github.com/cloudwego/netpoll@v0.3.2", Fixed: "v0.5.0", Ref: "netpoll #220, PR #226, PR #278", Clause: "CONN-20",
			Features: []spec.Feature{sink, stats}, Symptom: "100 kB and a close: the server sees 4 to 15 % of the bytes"},
		{ID: "n4", Bad: "github.com/cloudwego/netpoll@v0.4.1", Fixed: "v0.5.0", Ref: "netpoll PR #238, f290ea8", Clause: "TASK-13",
			Features: []spec.Feature{contain}, Symptom: "a panic in a handler leaves its connection open for ever"},
		{ID: "n5", Bad: "github.com/cloudwego/netpoll@v0.6.0", Fixed: "v0.6.1", Ref: "netpoll PR #311, 18c2c1f", Clause: "ACC-6",
			Symptom: "out of descriptors, most of a core is burnt"},
		{ID: "n12", Bad: "github.com/cloudwego/netpoll@v0.0.4", Fixed: "v0.1.0", Ref: "netpoll #52, PR #54, 0fe1e8a", Clause: "LOOP-1",
			Symptom: "the event loop is collected as garbage while it serves: without clients, the listener closes silently"},
		{ID: "b2", Bad: "github.com/lesismal/nbio@v1.3.17", Fixed: "v1.3.19", Ref: "nbio 5ec91f3", Clause: "ACC-5",
			Symptom: "one EMFILE ends the accept loop for ever"},
		{ID: "b5", Bad: "github.com/lesismal/nbio@v1.5.3", Fixed: "v1.5.9", Ref: "nbio 575223a", Clause: "CONN-18",
			Symptom: "more than 1,024 queued writes: writev(2) gets EINVAL and the connection is closed"},
		{ID: "b7", Bad: "github.com/lesismal/nbio@v1.4.0", Fixed: "v1.5.3", Ref: "nbio f523209", Clause: "TASK-1", Class: "reactor",
			Features: []spec.Feature{"post"}, Symptom: "after a burst of more than 1,024 tasks no task runs any more"},
		{ID: "b10", Bad: "github.com/lesismal/nbio@v1.3.9", Fixed: "v1.3.10", Ref: "nbio 3a71d49", Clause: "RES-1",
			Symptom: "the descriptor of a datagram socket is never closed"},
		{ID: "b13", Bad: "github.com/lesismal/nbio@v1.1.0", Fixed: "v1.2.0", Ref: "nbio 52cecab, ab01961", Clause: "LOOP-12", Class: "reactor",
			Symptom: "OnClose runs under the connection's lock: a close in it hangs the loop for ever"},
		{ID: "e1", Bad: "github.com/tidwall/evio@v1.0.3", Fixed: "v1.0.8", Ref: "evio #61, 34ff08a", Clause: "LOOP-1", Class: "reactor",
			Symptom: "the eventfd is never read: after the first tick the idle loop spins"},
		{ID: "a2", Bad: "github.com/xtaci/gaio@v1.2.10", Fixed: "v1.2.12", Ref: "gaio #17, afe3e93", Clause: "LOOP-2", Class: "reactor",
			Symptom: "a pending read arms the write interest too: half a core is burnt beside idle clients"},

		{ID: "g22", Bad: "github.com/panjf2000/gnet/v2@v2.10.0", Adapter: "gnet", Ref: "gnet #367", Clause: "ACC-4",
			Symptom: "EMFILE from accept shuts the whole engine down"},
		{ID: "g24", Bad: "github.com/panjf2000/gnet/v2@v2.10.0", Adapter: "gnet", Ref: "gnet eventloop.read", Clause: "CONN-7",
			Symptom: "16 MiB, FIN, then reading: a quarter comes back"},
		{ID: "b3", Bad: "github.com/lesismal/nbio@v1.6.12", Adapter: "nbio", Ref: "nbio da06834", Clause: "ACC-6",
			Symptom: "out of descriptors, accept is retried without a pause: a core is burnt"},
		{ID: "e5", Bad: "github.com/tidwall/evio@v1.0.8", Adapter: "evio", Ref: "evio loopAccept", Clause: "ACC-4",
			Symptom: "EMFILE from accept ends the server"},
	}
}

// Build builds the pair's server, mended or not, into dir.
func (p Pair) Build(ctx context.Context, root, dir string, mended bool) (binary string, err error) {
	source, modfile := filepath.Join(root, "suites", "proof", "regress", p.ID), "go.mod"
	if p.Adapter != "" {
		source = filepath.Join(root, "testdata", "targets", p.Adapter)
	}
	if mended {
		modfile = "fixed.mod"
	}
	binary = filepath.Join(dir, p.ID+"-"+modfile+".server")
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
	file := target.File{Name: p.ID, Dialect: "probe", Class: p.Class, Features: p.Features, Greeting: p.Greeting, Start: target.Command{binary}}
	if p.Greeting > 0 {
		file.Env = map[string]string{"GREETING": strconv.FormatInt(p.Greeting, 10)}
	}
	if file.Class == "" {
		file.Class = "multi-reactor"
	}
	run, err := suites.Check(ctx, target.Target{File: file}, suites.Clauses(p.Clause))
	if err != nil {
		return report.Result{}, fmt.Errorf("%s: %w", p.ID, err)
	}
	if len(run.Results) != 1 {
		return report.Result{}, fmt.Errorf("%s: %d results for one clause", p.ID, len(run.Results))
	}
	return run.Results[0], nil
}
