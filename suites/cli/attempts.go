package cli

import (
	"fmt"
	"io"
	"regexp"
)

// mostAttempts is how many attempts with different ends are shown, besides the last.
const mostAttempts = 3

// attempts shows what was said and heard in each of several attempts, each text once.
type attempts struct {
	out    io.Writer
	shown  []string
	same   int    // attempts like one that is shown
	hidden int    // attempts like none of them
	last   string // of the hidden ones
}

func (a *attempts) tell(text string) {
	for _, before := range a.shown {
		if unnumbered(text) == unnumbered(before) {
			a.same++
			return
		}
	}
	if len(a.shown) == mostAttempts {
		a.hidden++
		a.last = text
		return
	}
	a.repeated()
	if len(a.shown) > 0 {
		fmt.Fprintln(a.out, "asked again, as some servers accept connections before they serve them:")
	}
	a.shown = append(a.shown, text)
	fmt.Fprint(a.out, text)
}

// amounts are what two attempts may differ in that came to the same: how many bytes of a
// stream without end were read until patience was over.
var amounts = regexp.MustCompile(`(?m)^(?:!|  [<>] …).*$`)

var digits = regexp.MustCompile(`\d+`)

func unnumbered(text string) string {
	return amounts.ReplaceAllStringFunc(text, func(line string) string { return digits.ReplaceAllString(line, "N") })
}

// repeated says how often what is shown came again.
func (a *attempts) repeated() {
	switch {
	case a.same > 0 && len(a.shown) == 1:
		fmt.Fprintf(a.out, "asked again: the same, %s more\n", times(a.same))
	case a.same > 0:
		fmt.Fprintf(a.out, "asked again: the same as in one of these attempts, %s more\n", times(a.same))
	}
	a.same = 0
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// end shows what is left to show.
func (a *attempts) end() {
	a.repeated()
	if a.hidden > 1 {
		fmt.Fprintf(a.out, "asked again: something else, %s more, not shown\n", times(a.hidden-1))
	}
	if a.hidden > 0 {
		fmt.Fprintf(a.out, "asked again, the last time:\n%s", a.last)
	}
}
