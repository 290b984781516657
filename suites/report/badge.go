package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// badgeLabel is the left half of a badge.
const badgeLabel = "reactorspec"

// WriteBadge writes the verdict as a small SVG, for a README.
func WriteBadge(w io.Writer, run *Run) error {
	v := neutral(run.Verdict)
	value := fmt.Sprintf("%s %d/%d", v.Word, v.Judged, v.Total)
	colour := "#b8860b"
	switch v.Exit {
	case ExitConformant:
		colour = "#2e7d32"
	case ExitNotConformant:
		colour = "#b71c1c"
		value = fmt.Sprintf("%s, %d fail", v.Word, v.Counts[Fail])
	}
	left, right := textWidth(badgeLabel), textWidth(value)
	var text strings.Builder
	if err := xml.EscapeText(&text, []byte(value)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" role="img" aria-label="%s: %s">
<title>%s: %s</title>
<rect width="%d" height="20" fill="#444"/>
<rect x="%d" width="%d" height="20" fill="%s"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="%d" y="14">%s</text>
<text x="%d" y="14">%s</text>
</g>
</svg>
`, left+right, badgeLabel, text.String(), badgeLabel, text.String(), left, left, right, colour, left/2, badgeLabel, left+right/2, text.String())
	return err
}

// textWidth is the room that a text needs at 11 px with a margin, in pixels.
func textWidth(text string) int { return 7*utf8.RuneCountInString(text) + 12 }
