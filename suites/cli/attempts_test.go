package cli

import (
	"strings"
	"testing"
)

func TestAttempts(t *testing.T) {
	const again = "asked again, as some servers accept connections before they serve them:\n"
	for name, c := range map[string]struct{ said, want string }{
		"one":         {"a", "a\n"},
		"two":         {"a b", "a\n" + again + "b\n"},
		"the same":    {"a a", "a\nasked again: the same, once more\n"},
		"many":        {strings.Repeat("a ", 41), "a\nasked again: the same, 40 times more\n"},
		"in the end":  {"a a a b", "a\nasked again: the same, 2 times more\n" + again + "b\n"},
		"in turns":    {"a b a b a b", "a\n" + again + "b\nasked again: the same as in one of these attempts, 4 times more\n"},
		"each apart":  {"a b c d e f", "a\n" + again + "b\n" + again + "c\nasked again: something else, 2 times more, not shown\nasked again, the last time:\nf\n"},
		"amounts":     {"!_5_bytes !_6_bytes", "!_5_bytes\nasked again: the same, once more\n"},
		"no amounts":  {"5 6", "5\n" + again + "6\n"},
		"one further": {"a b c d", "a\n" + again + "b\n" + again + "c\nasked again, the last time:\nd\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			told := attempts{out: &out}
			for _, word := range strings.Fields(c.said) {
				told.tell(word + "\n")
			}
			told.end()
			if out.String() != c.want {
				t.Errorf("got\n%swant\n%s", out.String(), c.want)
			}
		})
	}
}
