package target

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// Of what a compiler prints, the first error and the end are kept.
func TestComplaint(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":              {"\n", ""},
		"few lines":            {"a\nb\n", "a|b"},
		"no error among them":  {"1\n2\n3\n4\n5\n6\n7\n", "3|4|5|6|7"},
		"the first error":      {"cc x.c\nx.c:1: warning: odd\nx.c:2:10: fatal error: y.h: No such file\n1\n2\n3\n4\ncompilation terminated.\n", "x.c:2:10: fatal error: y.h: No such file|…|3|4|compilation terminated."},
		"of go build":          {"# command\n./main.go:9:2: undefined: x\n./main.go:10:2: undefined: y\n1\n2\n3\n4\n", "./main.go:9:2: undefined: x|…|2|3|4"},
		"an error near enough": {"1\n2\nerror: no\n3\n4\n", "1|2|error: no|3|4"},
		"just before the end":  {"1\nerror: no\n2\n3\n4\n5\n6\n", "error: no|…|4|5|6"},
	} {
		if got := Complaint(c.text, 5); strings.Join(got, "|") != c.want || len(got) > 5 {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The error of a build that fails names the first error, not the last line; what is
// kept of its output has that line, however much follows.
func TestABuildThatFails(t *testing.T) {
	target := Target{File: File{Build: ParseCommand("echo 'x.c:1: error: no such thing' >&2; seq 100 >&2; echo terminated. >&2; exit 1")}}
	err := target.Build(t.Context())
	var launch *LaunchError
	if !errors.As(err, &launch) || !strings.HasSuffix(err.Error(), "exited with 1: x.c:1: error: no such thing") {
		t.Fatal(err)
	}
	lines := strings.Split(launch.Stderr, "\n")
	if lines[0] != "x.c:1: error: no such thing" || len(lines) > tailLines || !slices.Contains(lines, "terminated.") {
		t.Errorf("%q", lines)
	}
}
