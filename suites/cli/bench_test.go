package cli

import (
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// echoes serves bare echo on a Unix socket until the test ends.
func echoes(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "echo")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return path
}

func TestBenchMeasures(t *testing.T) {
	path := echoes(t)
	for _, form := range []string{"unix://" + path, path} {
		var out strings.Builder
		p := &program{out: &output{to: &out}, err: io.Discard}
		root := p.root()
		root.SetArgs([]string{"bench", "--against", form, "--dialect", "echo", "--conns", "3", "--size", "1KiB", "--depth", "2", "--duration", "20ms", "--warmup", "1ms", "--json"})
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		var m measured
		if err := json.Unmarshal([]byte(out.String()), &m); err != nil {
			t.Fatalf("%v in %q", err, out.String())
		}
		if m.Size != 1<<10 || m.Requests < 6 || m.Rate <= 0 || m.Percentiles["50"] <= 0 || m.Percentiles["50"] > m.Percentiles["max"] {
			t.Errorf("measured %+v", m)
		}
		var text strings.Builder
		if err := m.write(&text, false); err != nil || !strings.Contains(text.String(), "p99.9") {
			t.Errorf("text %q, error %v", text.String(), err)
		}
	}
}

func TestBenchRefuses(t *testing.T) {
	path := echoes(t)
	for phrase, args := range map[string][]string{
		"--against is missing": {},
		"scheme":               {"--against", "udp://127.0.0.1:1"},
		"speaks probe":         {"--against", path, "--dialect", "resp"},
		"Conns":                {"--against", path, "--conns", "0"},
		"not OK and a number":  {"--against", path, "--conns", "1"}, // a bare echo server answers ECHO with ECHO
	} {
		p := &program{out: &output{to: io.Discard}, err: io.Discard}
		root := p.root()
		root.SetArgs(append([]string{"bench"}, args...))
		if err := root.Execute(); err == nil || !strings.Contains(err.Error(), phrase) {
			t.Errorf("bench %v: %v, want %q", args, err, phrase)
		}
	}
}
