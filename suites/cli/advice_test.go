package cli_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/report"
)

// TestAdvice: what nobody promised is told, and decides nothing; once it is promised it
// counts, and --no-advice leaves it out.
func TestAdvice(t *testing.T) {
	for name, c := range map[string]struct {
		flags   []string
		outcome report.Outcome
		word    report.Word
		says    string
	}{
		"unasked":     {nil, report.Advice, report.Conformant, "advice, no part of the verdict, as nobody promised it: ACC-8"},
		"promised":    {[]string{"--promise", "acc-8"}, report.Warn, report.Conformant, "ACC-8 SHOULD warn"},
		"all":         {[]string{"--promise", "ALL"}, report.Warn, report.Conformant, "ACC-8 SHOULD warn"},
		"--no-advice": {[]string{"--no-advice"}, report.Unsupported, report.Conformant, "1: the echo dialect does not promise it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"check", "--dialect", "echo", "--class", "reactor", "--clause", "CONN-1,ACC-8", "--json", "run.json", "--junit", "run.xml"}, c.flags...)
			o := reactorspec(t, []string{serverVariable + "=inherits"}, append(args, "--", self(t), "{port}")...)
			run := readRun(t, filepath.Join(o.dir, "run.json"))
			if o.exit != report.ExitConformant || run.Verdict.Word != c.word || !strings.Contains(o.out, c.says) {
				t.Errorf("exit %d, %s; want %s and %q\n%s%s", o.exit, run.Verdict.Word, c.word, c.says, o.out, o.errors)
			}
			for _, r := range run.Results {
				if r.Clause == "ACC-8" && r.Outcome != c.outcome {
					t.Errorf("ACC-8 is %s: %s", r.Outcome, r.Reason)
				}
			}
			xml, err := os.ReadFile(filepath.Join(o.dir, "run.xml"))
			if err != nil || strings.Contains(string(xml), "<failure") {
				t.Errorf("the JUnit report (%v):\n%s", err, xml)
			}
		})
	}
}

// TestAdviceForWhatRuns: a server at an address is looked at where it is asked for.
func TestAdviceForWhatRuns(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buffer := make([]byte, 1<<16)
				for n, err := conn.Read(buffer); err == nil; n, err = conn.Read(buffer) {
					_, _ = conn.Write(buffer[:n])
				}
			}()
		}
	}()
	for want, flags := range map[string][]string{
		"1: the echo dialect does not promise it":   nil,
		"1: not promised; looked at, nothing found": {"--advice"},
	} {
		args := append([]string{"check", "--addr", "tcp://" + listener.Addr().String(), "--dialect", "echo", "--class", "reactor", "--clause", "CONN-1,CONN-17"}, flags...)
		if o := reactorspec(t, nil, args...); o.exit != report.ExitConformant || !strings.Contains(o.out, want) {
			t.Errorf("exit %d, want %q\n%s%s", o.exit, want, o.out, o.errors)
		}
	}
}
