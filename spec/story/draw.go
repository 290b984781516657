// Package story draws the pictures of spec/story.md, one or two for each step of how
// network servers grew. They are committed as SVG beside it, so that the page can be read
// anywhere. There is no compatibility promise.
package story

import (
	"fmt"
	"html"
	"strings"
)

// Width is that of every picture, in pixels: one fits a phone as it is.
const Width = 350

// Colours are the text and grounds by day and by night; a test holds their contrast.
var Colours = []struct{ Name, Day, Night string }{
	{"ground", "#ffffff", "#121417"},
	{"text", "#1a1c1f", "#e6e8eb"},
	{"quiet", "#555c66", "#a2abb6"},
	{"panel", "#f4f5f7", "#1c2025"},
	{"line", "#7b838e", "#7f8894"},
	{"loop", "#dbe9fb", "#12344f"},
	{"good", "#17602b", "#94dca9"},
	{"bad", "#b91c1c", "#ff9d9d"},
}

// style is what every picture carries with it: it is looked at alone, and in pages.
func style() string {
	var day, night strings.Builder
	for _, c := range Colours {
		fmt.Fprintf(&day, "--%s:%s;", c.Name, c.Day)
		fmt.Fprintf(&night, "--%s:%s;", c.Name, c.Night)
	}
	return ".drawing{" + day.String() + "font:12px system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}" +
		"@media (prefers-color-scheme:dark){.drawing{" + night.String() + "}}" +
		".drawing text{fill:var(--text)}.drawing .quiet{fill:var(--quiet)}.drawing text.good{fill:var(--good)}.drawing text.bad{fill:var(--bad)}" +
		".drawing .bold{font-weight:600}.drawing .code{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:11.5px}" +
		".drawing rect{fill:var(--panel);stroke:var(--line)}.drawing rect.loop{fill:var(--loop)}.drawing rect.ground{fill:var(--ground);stroke:none}" +
		".drawing rect.goodbox{stroke:var(--good);stroke-width:2}.drawing rect.badbox{stroke:var(--bad);stroke-width:2}" +
		".drawing path,.drawing line{stroke:var(--quiet);fill:none;stroke-width:1.5}.drawing path.good{stroke:var(--good)}.drawing path.bad{stroke:var(--bad)}" +
		".drawing .dashed{stroke-dasharray:4 4}.drawing .head{fill:var(--quiet);stroke:none}.drawing circle{fill:var(--loop);stroke:var(--line)}"
}

// drawing is a picture as it grows. Coordinates are pixels, from the upper left.
type drawing struct {
	title  string
	height int
	b      strings.Builder
}

func newDrawing(height int, title string) *drawing { return &drawing{title: title, height: height} }

// svg is the picture as a file.
func (d *drawing) svg() string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" class="drawing" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n<title>%s</title>\n<style>%s</style>\n"+
		`<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>`+"\n"+
		`<rect class="ground" width="%d" height="%d"/>`+"\n%s</svg>\n",
		Width, d.height, Width, d.height, html.EscapeString(d.title), html.EscapeString(d.title), style(), Width, d.height, d.b.String())
}

// lineHeight is that of text, in pixels.
const lineHeight = 17

// box is a rectangle with lines of text in its middle.
func (d *drawing) box(class string, x, y, width, height int, lines ...string) {
	fmt.Fprintf(&d.b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="%d"/>`+"\n", class, x, y, width, height, min(6, width/4))
	top := y + height/2 - lineHeight*(len(lines)-1)/2 + 4
	for i, line := range lines {
		class := ""
		if i == 0 && len(lines) > 1 {
			class = "bold"
		}
		d.text("middle", class, x+width/2, top+i*lineHeight, line)
	}
}

// text is a line of text; anchor is start, middle or end.
func (d *drawing) text(anchor, class string, x, y int, text string) {
	fmt.Fprintf(&d.b, `<text class="%s" x="%d" y="%d" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, html.EscapeString(text))
}

// path is a line through points, with an arrow at its end.
func (d *drawing) path(class string, points ...int) {
	d.b.WriteString(`<path class="` + class + `" marker-end="url(#head)" d="`)
	d.through(points)
}

// bare is a line through points.
func (d *drawing) bare(class string, points ...int) {
	d.b.WriteString(`<path class="` + class + `" d="`)
	d.through(points)
}

func (d *drawing) through(points []int) {
	for i := 0; i < len(points); i += 2 {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&d.b, "%s%d %d", letter, points[i], points[i+1])
	}
	d.b.WriteString("\"/>\n")
}

// dot is a small mark.
func (d *drawing) dot(x, y, radius int) {
	fmt.Fprintf(&d.b, `<circle cx="%d" cy="%d" r="%d"/>`+"\n", x, y, radius)
}
