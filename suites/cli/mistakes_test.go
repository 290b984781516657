package cli_test

import (
	"html"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/report"
)

func TestUsageErrors(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("name: x\ndialect: echo\nstarts: nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(t.TempDir(), "good.yaml")
	if err := os.WriteFile(good, []byte("name: good\ndialect: echo\nstart: [no-such-server-here]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	misspelt := filepath.Join(t.TempDir(), "misspelt.yaml")
	if err := os.WriteFile(misspelt, []byte("name: x\ndialect: echo\nstart: cd . && exec ./server --port {prot}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	nobody := filepath.Join(t.TempDir(), "nobody.yaml")
	if err := os.WriteFile(nobody, []byte("name: x\ndialect: echo\nuser: no-such-user-here\nstart: [sleep, \"9\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("name: x\ndialect: echo\nuser: \"no body\"\nstart: [sleep, \"9\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	inUse := taken.Addr().String()
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"flag":              {[]string{"check", "--klause", "X"}, "klause"},
		"command":           {[]string{"judge"}, "judge"},
		"pid":               {[]string{"check", "--pid", "x"}, "--pid"},
		"timeout":           {[]string{"check", "--timeout", "zz"}, "zz"},
		"clause":            {[]string{"check", "--clause", "CONN-999"}, "CONN-999"},
		"family":            {[]string{"check", "--family", "CON"}, "CON"},
		"level":             {[]string{"check", "--level", "MAY"}, "MAY"},
		"dialect":           {[]string{"check", "--dialect", "semaphore", "--addr", "tcp://127.0.0.1:1"}, "semaphore"},
		"dialect misspelt":  {[]string{"check", "--dialect", "postgrse", "--addr", "tcp://127.0.0.1:1"}, "did you mean postgres?"},
		"show misspelt":     {[]string{"dialect", "show", "stmp"}, "did you mean smtp?"},
		"init misspelt":     {[]string{"init", "--dialect", "memcahe", "x"}, "did you mean memcache?"},
		"class":             {[]string{"check", "--class", "fast", "--addr", "tcp://127.0.0.1:1"}, "fast"},
		"feature":           {[]string{"check", "--features", "posts", "--addr", "tcp://127.0.0.1:1"}, "posts"},
		"nothing selected":  {[]string{"check", "--clause", "CONN-1", "--family", "ACC"}, "no clause is selected"},
		"seed":              {[]string{"check", "--seed", "lucky"}, "lucky"},
		"address":           {[]string{"check", "--addr", "127.0.0.1:7000"}, "127.0.0.1:7000"},
		"memory":            {[]string{"check", "--memory", "much"}, "write 512MiB"},
		"pid alone":         {[]string{"check", "--pid", "1"}, "--addr"},
		"no dash":           {[]string{"check", "./server"}, "after --"},
		"empty command":     {[]string{"check", "--"}, "no command"},
		"promise":           {[]string{"check", "--dialect", "echo", "--promise", "CONN-999", "--", "true"}, "promise of an unknown clause"},
		"advice and none":   {[]string{"check", "--advice", "--no-advice"}, "give one of them"},
		"two targets":       {[]string{"check", "--addr", "tcp://127.0.0.1:1", "--", "true"}, "one target"},
		"no such user":      {[]string{"check", "--target", nobody, "--clause", "ACC-1"}, "no user no-such-user-here"},
		"no user's name":    {[]string{"check", "--target", wrong, "--clause", "ACC-1"}, "write a name such as nobody"},
		"file and dialect":  {[]string{"check", "--target", bad, "--dialect", "echo"}, "--dialect"},
		"http flags":        {[]string{"check", "--dialect", "resp", "--http-path", "/x", "--addr", "tcp://127.0.0.1:1"}, "--dialect http"},
		"http path":         {[]string{"check", "--http-path", "healthz", "--addr", "tcp://127.0.0.1:1"}, "is not a path: write /healthz"},
		"http status":       {[]string{"check", "--http-status", "99", "--addr", "tcp://127.0.0.1:1"}, "--http-status"},
		"http header":       {[]string{"check", "--http-header", "Accept", "--addr", "tcp://127.0.0.1:1"}, "Name: value"},
		"http header frame": {[]string{"check", "--http-header", "Content-Length: 1", "--addr", "tcp://127.0.0.1:1"}, "--http-header:"},
		"file and path":     {[]string{"check", "--target", bad, "--http-path", "/x"}, "--http-path"},
		"missing file":      {[]string{"check", "--target", "no-such.yaml"}, "no-such.yaml"},
		"bad file":          {[]string{"check", "--target", bad}, "starts"},
		"command not found": {[]string{"check", "--", "./no-such-server"}, "no-such-server"},
		"unwritable report": {[]string{"check", "--json", "no/such/dir/x.json"}, "no/such/dir"},
		"report directory":  {[]string{"check", "--junit", "/"}, "directory"},
		"clause of nothing": {[]string{"check", "--clause", ""}, "--clause names nothing"},
		"clause of a blank": {[]string{"check", "--clause", "CONN-1, "}, "--clause names nothing"},
		"family of nothing": {[]string{"check", "--family="}, "--family names nothing"},
		"matrix of nothing": {[]string{"matrix", good, "--clause", ""}, "--clause names nothing"},
		"one file for two":  {[]string{"check", "--json", "run.json", "--html", "./run.json"}, "both --json and --html write to"},
		"two on stdout":     {[]string{"check", "--markdown", "-", "--html", "/dev/stdout"}, "both --html and --markdown write to"},
		"report and record": {[]string{"check", "--json", "run.json", "--record", "./run.json", "--", "true"}, "both --json and --record write to"},
		"server's flag":     {[]string{"check", "--port", "7", "--", "./server"}, "goes with its command, after --"},
		"placeholder":       {[]string{"check", "--", "./server", "--port={prot}"}, "unknown placeholder {prot}"},
		"in a file":         {[]string{"check", "--target", misspelt}, "misspelt.yaml: start: unknown placeholder {prot}"},
		"spec version":      {[]string{"check", "--spec-version", "9.9"}, "--spec-version: unknown version"},
		"patience":          {[]string{"check", "--patience", "0.5"}, "--patience 0.5"},
		"quick and clause":  {[]string{"check", "--quick", "--clause", "CONN-1"}, "--quick and --clause"},
		"limit":             {[]string{"check", "--limit", "much", "--", "true"}, "write 512MiB"},
		"serve limit":       {[]string{"serve", "--limit", "1MB"}, "write 512MiB"},
		"bench size":        {[]string{"bench", "--against", "tcp://127.0.0.1:1", "--size", "1MB"}, "write 512MiB"},
		"serve limit below": {[]string{"serve", "--limit", "-5"}, "Limit is -5"},
		"record address":    {[]string{"check", "--record", "x.yaml", "--addr", "tcp://127.0.0.1:1"}, "a target file starts the server"},
		"record nobody":     {[]string{"check", "--record", "x.yaml"}, "names no server"},
		"record nowhere":    {[]string{"check", "--record", "no/such/dir/x.yaml", "--dialect", "echo", "--", "true"}, "no/such/dir"},
		"explain nothing":   {[]string{"explain"}, "clause ID"},
		"list twice":        {[]string{"list", "--coverage", "--json"}, "exclude each other"},
		"explain unknown":   {[]string{"explain", "CONN-999"}, "CONN-999"},
		"list family":       {[]string{"list", "--family", "NOPE"}, "NOPE"},
		"matrix quick":      {[]string{"matrix", empty, "--quick", "--clause", "CONN-1"}, "each chooses the clauses: give one of them"},
		"matrix impatient":  {[]string{"matrix", empty, "--patience", "0.5"}, "--patience 0.5"},
		"matrix at once":    {[]string{"matrix", empty, "--ready-timeout", "-1s"}, "--ready-timeout"},
		"matrix version":    {[]string{"matrix", good, "--spec-version", "9.9"}, "--spec-version: unknown version"},
		"matrix two pins":   {[]string{"matrix", good, "--spec-version", "0.1", "--record"}, "both --record and --spec-version"},
		"matrix nothing":    {[]string{"matrix"}, "directory"},
		"matrix empty":      {[]string{"matrix", empty}, "no target file"},
		"matrix missing":    {[]string{"matrix", "no-such-dir"}, "no-such-dir"},
		"matrix one page":   {[]string{"matrix", "--html", "all.html", empty}, "name a folder"},
		"matrix shard":      {[]string{"matrix", "--shard", "4/3", empty}, "--shard 4/3"},
		"matrix same name":  {[]string{"matrix", good, good}, "give one of them another"},
		"matrix shards":     {[]string{"matrix", good, "--shard", "2/2"}, "use fewer shards"},
		"matrix folder":     {[]string{"matrix", good, "--html", filepath.Dir(good)}, "no report of reactorspec"},
		"diff one":          {[]string{"diff", bad}, "two JSON reports"},
		"diff no report":    {[]string{"diff", bad, bad}, "not a JSON report"},
		"merge nothing":     {[]string{"merge"}, "JSON reports"},
		"merge missing":     {[]string{"merge", "no-such.json"}, "no-such.json"},
		"reproduce nothing": {[]string{"reproduce"}, "clause ID"},
		"reproduce missing": {[]string{"reproduce", "no-such.json", "CONN-1"}, "no-such.json"},
		"matrix flag":       {[]string{"matrix", "--klause", "X", empty}, "klause"},
		"replay nothing":    {[]string{"replay"}, "transcript"},
		"serve flag":        {[]string{"serve", "--port", "x"}, "defined: --port; see"},
		"serve word":        {[]string{"serve", "foo"}, "takes no arguments"},
		"serve nonsense":    {[]string{"serve", "--listen", "nonsense"}, "want host:port"},
		"serve scheme":      {[]string{"serve", "--listen", "unix:///x"}, "write /x"},
		"serve in use":      {[]string{"serve", "--listen", inUse}, "in use: stop that server, or give another --listen"},
	} {
		t.Run(name, func(t *testing.T) {
			o := reactorspec(t, nil, reporting(c.args)...)
			if o.exit != report.ExitUsage {
				t.Errorf("exit %d, want 2\n%s%s", o.exit, o.out, o.errors)
			}
			line := strings.TrimSuffix(o.errors, "\n")
			if !strings.Contains(line, c.says) || strings.Contains(line, "\n") || strings.Contains(line, "goroutine") {
				t.Errorf("stderr is not one line that says %q: %q", c.says, o.errors)
			}
			switch c.args[0] {
			case "check", "matrix", "replay":
				mistakeReported(t, o, c.says)
			}
		})
	}
}

// reporting puts report flags behind the words of a command that has them,
// before the command of a server.
func reporting(args []string) []string {
	switch args[0] {
	case "check", "matrix", "replay":
	default:
		return args
	}
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	var asked []string
	if !slices.Contains(args, "--json") {
		asked = append(asked, "--json", "run.json")
	}
	if !slices.Contains(args, "--junit") {
		asked = append(asked, "--junit=run.xml")
	}
	return slices.Concat(args[:end], asked, args[end:])
}

// mistakeReported wants the mistake in every report that could be written.
func mistakeReported(t *testing.T, o outcome, says string) {
	t.Helper()
	for _, name := range []string{"run.json", "run.xml"} {
		if text, err := os.ReadFile(filepath.Join(o.dir, name)); err != nil && says != "no/such/dir" && says != "directory" {
			t.Errorf("no report: %v", err)
		} else if err == nil && !strings.Contains(html.UnescapeString(string(text)), says) {
			t.Errorf("%s does not say %q: %s", name, says, text)
		}
	}
}
