package site

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/reactorspec/reactorspec/suites/internal/browser"
)

// The site in a real browser: make browser. It is no part of go test ./..., as
// not everybody has one.
var (
	inChromium = flag.Bool("chromium", false, "look at the pages in Chromium")
	screens    = flag.String("screens", "", "also write what is seen as PNG into this directory")
)

func startBrowser(t *testing.T) *browser.Browser {
	t.Helper()
	if !*inChromium {
		t.Skip("wants a browser: make browser")
	}
	return browser.Start(t, *screens)
}

const shown = `[...document.querySelectorAll("#found a")]`

// typed puts words into the search as a reader would, and waits for what they find.
func typed(b *browser.Browser, words string) {
	browser.Eval[bool](b, fmt.Sprintf(`(async () => { const f = document.querySelector("#search input"); f.focus(); f.value = %q;
		const list = document.getElementById("found"), changed = new Promise(done => new MutationObserver((_, o) => { o.disconnect(); done() }).observe(list, {childList: true}));
		f.dispatchEvent(new Event("input", {bubbles: true})); await changed; return true })()`, words))
}

// The search finds clauses, pages and bugs without a server, and leads there.
func TestSearchInChromium(t *testing.T) {
	b := startBrowser(t)
	folder := written(t, Options{Tool: "reactorspec", Matrix: judged()})
	b.Size(1100, "light")
	b.Open("file://" + filepath.Join(folder, "dialects", "http.html"))
	typed(b, "wake-3")
	b.Want(shown + `.length > 0 && ` + shown + `[0].textContent.startsWith("WAKE-3")`)
	b.Screenshot("site-search")
	b.Leading(func() { b.Click("#found a") })
	b.Want(`location.pathname.endsWith("/wake.html") && location.hash === "#wake-3"`)
	b.Want(`(box => box.top >= 0 && box.top < 300)(document.getElementById("wake-3").getBoundingClientRect())`)
	typed(b, "eventfd drain")
	b.Want(shown + `.some(a => a.href.includes("story.html#s8"))`)
	typed(b, "zyzzyva")
	b.Want(shown + `.length === 0 && document.getElementById("found").textContent.includes("Nothing")`)
	typed(b, "max_clients")
	b.Want(shown + `.some(a => a.href.includes("target-file.html"))`)
	b.Sound()

	b.Call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.Open("file://" + filepath.Join(folder, "index.html"))
	b.Want(`document.getElementById("search").hidden && document.querySelectorAll(".family li a").length > 100`)
	b.Call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
}

// Every kind of page fits a phone without sideways scrolling, by day and by night, its
// words can be read, and those of the pictures stand within their pictures and boxes.
func TestSiteOnAPhone(t *testing.T) {
	b := startBrowser(t)
	folder := written(t, Options{Tool: "reactorspec", Matrix: judged()})
	for _, width := range []int{390, 1100} {
		for _, scheme := range []string{"light", "dark"} {
			b.Size(width, scheme)
			for _, page := range []string{"index", "story", "wake", "conn", "model", "target", "target-file", "dialect-files", "verdicts", "sources", "tls", "faults", "targets", "dialects/http", "dialects/common"} {
				b.Open("file://" + filepath.Join(folder, page+".html"))
				b.Screenshot(fmt.Sprintf("site-%s-%d-%s", filepath.Base(page), width, scheme))
				browser.Eval[bool](b, `(document.querySelectorAll("details").forEach(d => d.open = true), true)`)
				if wide := browser.Eval[int](b, "document.documentElement.scrollWidth"); wide > width {
					t.Errorf("%s is %d pixels wide on a screen of %d", page, wide, width)
				}
				ground := browser.Eval[string](b, "getComputedStyle(document.body).backgroundColor")
				if dark := ground != "rgb(255, 255, 255)"; dark != (scheme == "dark") {
					t.Errorf("%s by %s is on %s", page, scheme, ground)
				}
				if faint := browser.Eval[[]string](b, faintWords); len(faint) > 0 {
					t.Errorf("%s by %s: %q", page, scheme, faint)
				}
				if out := browser.Eval[[]string](b, wordsOutside); len(out) > 0 {
					t.Errorf("%s: the pictures' words %q stand outside", page, out)
				}
			}
		}
	}
}

// faintWords lists the kinds of words whose contrast is below WCAG's AA, 4.5.
const faintWords = `(() => {
	const luminance = c => c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const parse = text => { const n = text.match(/[\d.]+/g).map(Number); return {rgb: n.slice(0, 3), seen: n.length < 4 || n[3] > 0} };
	const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.seen) return c.rgb } return parse(getComputedStyle(document.body).backgroundColor).rgb };
	const faint = new Set();
	for (const e of document.querySelectorAll("body *:not(svg *)")) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length) continue;
		const [a, b] = [luminance(parse(getComputedStyle(e).color).rgb), luminance(ground(e))], contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5) faint.add(e.tagName + "." + e.className + " " + contrast.toFixed(2));
	}
	return [...faint] })()`

// wordsOutside lists the words of pictures that stand outside their picture, or reach out
// of the box that they are in.
const wordsOutside = `[...document.querySelectorAll("svg.drawing")].flatMap(svg => {
	const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
	const boxes = [...svg.querySelectorAll("rect:not(.ground)")].map(r => r.getBBox());
	return [...svg.querySelectorAll("text")].filter(text => {
		const t = text.getBBox(), middle = {x: t.x + t.width / 2, y: t.y + t.height / 2};
		if (t.x < 0 || t.y < 0 || t.x + t.width > width || t.y + t.height > height) return true;
		const around = boxes.filter(r => middle.x > r.x && middle.x < r.x + r.width && middle.y > r.y && middle.y < r.y + r.height);
		return around.some(r => t.x < r.x || t.x + t.width > r.x + r.width || t.y < r.y || t.y + t.height > r.y + r.height);
	}).map(text => svg.getAttribute("aria-label").slice(0, 30) + ": " + text.textContent) })`
