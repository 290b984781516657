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

// badge is what a badge says of a run: the words, and a colour that tells
// conformant from as expected, without a word read.
func badge(v Verdict) (message, colour string) {
	message = fmt.Sprintf("%s %d/%d", v.Word, v.Judged, v.Total)
	switch v.Word {
	case Conformant:
		colour = "#2e7d32"
	case AsExpected:
		message = fmt.Sprintf("%s, %d known", v.Word, v.Counts[ExpectedFail])
		colour = "#1f5fa8"
	case NotConformant:
		message = string(v.Word)
		if n := v.Counts[Fail]; n > 0 {
			message = fmt.Sprintf("%s, %d fail", v.Word, n)
		}
		colour = "#b71c1c"
	default:
		colour = "#8a5a00"
	}
	return message, colour
}

// WriteBadge writes the verdict as a small SVG, for a README.
func WriteBadge(w io.Writer, run *Run) error {
	value, colour := badge(neutral(run.Verdict))
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

// WriteEndpointBadge writes the verdict in the form that shields.io's endpoint
// badge reads: https://img.shields.io/endpoint?url=… of wherever it is published.
func WriteEndpointBadge(w io.Writer, run *Run) error {
	message, colour := badge(neutral(run.Verdict))
	return encode(w, struct {
		Version int    `json:"schemaVersion"`
		Label   string `json:"label"`
		Message string `json:"message"`
		Colour  string `json:"color"`
		Error   bool   `json:"isError,omitempty"`
	}{1, badgeLabel, message, strings.TrimPrefix(colour, "#"), run.Verdict.Exit >= ExitUsage})
}

// textWidth is the room that a text needs at 11 px with a margin, in pixels.
func textWidth(text string) int { return 7*utf8.RuneCountInString(text) + 12 }
