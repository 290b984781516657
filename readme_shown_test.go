package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	exitShown = regexp.MustCompile(`\(exit (\d)\)`)
	brokeIn   = regexp.MustCompile(`(?m)^[A-Z]+-\d+ (?:MUST|SHOULD) [a-z]+`)
	verdict   = regexp.MustCompile(`\(exit \d\)$`)
	logged    = regexp.MustCompile(`^ +stderr +\|`) // what the server itself says; README leaves it out

	// varies is what differs from run to run. A clause's ID is listed to be spared.
	varies    = regexp.MustCompile(`[A-Z]+-\d+|"(?:[^"\\]|\\.)*"…|0x[0-9a-f]+|(?:\d+(?:\.\d+)?(?:h|m|s))+|\d+(?:\.\d+)? (?:ns|µs|ms|s|min)\b|\d+(?:\.\d+)*`)
	stretched = regexp.MustCompile(` \(our budgets of time were stretched ×[0-9.]+, since this machine was busy\)`)
)

// shows runs a command whose output the page shows, and compares how it ends, which
// clauses it calls broken, the verdict, and the shape of each line.
func (r *reader) shows(command, output string) {
	r.t.Helper()
	if words := strings.Split(command, " -- "); len(words) == 2 {
		if server := strings.Fields(words[1])[0]; !strings.Contains(server, "/") {
			if _, err := exec.LookPath(server); err != nil && os.Getenv("CI") == "" {
				r.t.Skipf("%s is not installed", server)
			}
		}
	}
	got, err := r.run(command)
	want, exit := 0, 0
	if found := exitShown.FindStringSubmatch(output); found != nil {
		want, _ = strconv.Atoi(found[1])
	}
	if ended, ok := err.(*exec.ExitError); ok {
		exit = ended.ExitCode()
	} else if err != nil {
		r.t.Fatal(err)
	}
	if exit != want {
		r.t.Errorf("it ends with %d, and the page shows %d: %s\n%s", exit, want, command, got)
	}
	if broke, shown := brokeIn.FindAllString(got, -1), brokeIn.FindAllString(output, -1); !slices.Equal(broke, shown) {
		r.t.Errorf("it says %q, and the page shows %q: %s\n%s", broke, shown, command, got)
	}
	if differs := stale(output, got); differs != "" {
		r.t.Errorf("the page shows what %s no longer prints: %s\n%s", command, differs, got)
	}
}

// stale says where what the page shows is not what a run of today prints; "" if it is.
func stale(page, printed string) string {
	shown, got := shapes(page), shapes(printed)
	for i := range max(len(shown), len(got)) {
		switch {
		case i >= len(shown):
			return "the page lacks\n\t" + got[i]
		case i >= len(got):
			return "it no longer prints\n\t" + shown[i]
		case shown[i] != got[i]:
			return "the page has\n\t" + shown[i] + "\nand it prints\n\t" + got[i]
		}
	}
	return ""
}

// shapes are the lines of an output without what differs from run to run: numbers,
// times, ports, seeds and random bytes, and what the server logged. The verdict keeps
// its numbers, since the seed does not change how many clauses are kept.
func shapes(output string) (lines []string) {
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, " \n")
		switch {
		case line == "" || logged.MatchString(line):
		case verdict.MatchString(line):
			lines = append(lines, line)
		default:
			lines = append(lines, varies.ReplaceAllStringFunc(stretched.ReplaceAllString(line, ""), masked))
		}
	}
	return lines
}

func masked(found string) string {
	switch last := found[len(found)-1]; {
	case found[0] >= 'A' && found[0] <= 'Z':
		return found
	case found[0] == '"':
		return `"…"`
	case last >= 'a' && last <= 'z' && !strings.HasPrefix(found, "0x"):
		return "a time"
	}
	return "#"
}

func TestStale(t *testing.T) {
	const page = "CONN-7 MUST fail: 5 bytes\n  want   9 bytes (our budgets of time were stretched ×1.8, since this machine was busy)\n" +
		"  sent   +348 µs #2 send 32768 bytes \"\\x15\\\"q\"…\njudged in 350 ms with seed 0x26e6dc4b\nmine: not conformant; 1 of 2 clauses judged: 1 fail (exit 1)\n"
	for name, c := range map[string]struct {
		old, now string // an edit of what the page shows
		stale    bool
	}{
		"the same":          {"", "", false},
		"another number":    {"5 bytes", "17 bytes", false},
		"another time":      {"+348 µs", "+1.2 ms", false},
		"a longer time":     {"350 ms", "1m20s", false},
		"another seed":      {"0x26e6dc4b", "0x1", false},
		"other bytes":       {`"\x15\"q"…`, `"z"…`, false},
		"a calm machine":    {" (our budgets of time were stretched ×1.8, since this machine was busy)", "", false},
		"the server's log":  {"judged in", "  stderr | listening on 4711\njudged in", false},
		"another clause":    {"CONN-7", "CONN-8", true},
		"another word":      {"want ", "wish ", true},
		"a line more":       {"judged in", "  note   more\njudged in", true},
		"a line less":       {"judged in 350 ms with seed 0x26e6dc4b\n", "", true},
		"a verdict's words": {"not conformant", "conformant", true},
		"a verdict's count": {"1 of 2", "1 of 3", true},
	} {
		t.Run(name, func(t *testing.T) {
			now := strings.Replace(page, c.old, c.now, 1)
			if c.old != "" && now == page {
				t.Fatalf("the page has no %q", c.old)
			}
			if differs := stale(page, now); (differs != "") != c.stale {
				t.Errorf("it says %q", differs)
			}
		})
	}
}
