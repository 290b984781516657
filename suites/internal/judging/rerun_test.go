package judging

import (
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
)

func TestRerunWorksWhenPasted(t *testing.T) {
	for want, on := range map[string]target.Target{
		"reactorspec check --clause CONN-1 --seed 0x2a --target 'a b.yaml'":                                                 {File: target.File{Path: "a b.yaml", Dialect: "echo", Start: target.Command{"x"}}},
		"reactorspec check --clause CONN-1 --seed 0x2a --dialect echo --addr tcp://127.0.0.1:7 --pid 9":                     {File: target.File{Dialect: "echo"}, Addr: "tcp://127.0.0.1:7", Pid: 9},
		"reactorspec check --clause CONN-1 --seed 0x2a --dialect resp --idle-timeout 5s --max-clients 9 --memory 4GiB -- r": {File: target.File{Dialect: "resp", IdleTimeout: target.Duration(5 * time.Second), MaxClients: 9, Memory: 4 << 30, Start: target.Command{"r"}}},
		"reactorspec check --clause CONN-1 --seed 0x2a --dialect probe --features post,timer -- ./s --x '{port}'":           {File: target.File{Dialect: "probe", Features: []spec.Feature{"post", "timer"}, Start: target.Command{"./s", "--x", "{port}"}}},
		"reactorspec check --clause CONN-1 --seed 0x2a --dialect http --http-path /x --http-method PUT --http-header 'A: b' --http-status 204 --http-echo=false -- s": {File: target.File{Dialect: "http",
			HTTP: &dialect.HTTP{Path: "/x", Method: "PUT", Headers: map[string]string{"A": "b"}, Status: 204, Echo: new(bool)}, Start: target.Command{"s"}}},
	} {
		if got := Rerun("reactorspec", on, "CONN-1", 42, Options{}); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
	soak := Rerun("reactorspec", target.Target{File: target.File{Dialect: "echo", Start: target.Command{"x"}}}, "CONN-1", 42, Options{Soak: true, Patience: 2.5, Spec: "0.1", Advice: true, Promise: []string{"RES-4", "all"}})
	if want := "reactorspec check --clause CONN-1 --seed 0x2a --soak --patience 2.5 --spec-version 0.1 --advice --promise RES-4,all --dialect echo -- x"; soak != want {
		t.Errorf("\n got %s\nwant %s", soak, want)
	}
}
