package report

import (
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/internal/browser"
)

// The pages in a real browser: make browser. It is no part of go test ./..., as
// not everybody has one.
var (
	inChromium = flag.Bool("chromium", false, "look at the pages in Chromium")
	screens    = flag.String("screens", "", "also write what is seen as PNG into this directory")
)

// startBrowser is a Chromium, where the tests were told to look with one.
func startBrowser(t *testing.T) *browser.Browser {
	t.Helper()
	if !*inChromium {
		t.Skip("wants a browser: make browser")
	}
	return browser.Start(t, *screens)
}

// choose sets a field of the filters as a reader would.
func choose(b *browser.Browser, field, value string) {
	browser.Eval[bool](b, fmt.Sprintf(`(() => { const f = document.getElementById("filters"); f.elements[%q].value = %q;
		f.elements[%q].dispatchEvent(new Event("change", {bubbles: true})); return true })()`, field, value, field))
}

const (
	shownRows    = `[...document.querySelectorAll("#matrix tbody tr[data-name]")].filter(r => !r.hidden && !r.parentElement.hidden)`
	shownColumns = `[...document.querySelectorAll("#matrix thead th[data-id]")].filter(h => !h.hidden)`
)

// The matrix is filtered, grouped, sorted and walked by keys, and every link on
// the way to the evidence and back leads on.
func TestMatrixInChromium(t *testing.T) {
	b := startBrowser(t)
	folder := filepath.Join(t.TempDir(), "all")
	if err := WritePages(folder, many(70)); err != nil {
		t.Fatal(err)
	}
	index := "file://" + folder + "/index.html"
	b.Size(1400, "light")
	b.Open(index)
	b.Screenshot("matrix")
	if rows, columns := browser.Eval[int](b, shownRows+".length"), browser.Eval[int](b, shownColumns+".length"); rows != 70 || columns < 100 {
		t.Errorf("%d rows and %d columns", rows, columns)
	}

	choose(b, "language", "Go")
	b.Want(shownRows + `.length === 7 && ` + shownRows + `.every(r => r.dataset.language === "Go")`)
	choose(b, "family", "CONN")
	b.Want(shownColumns + `.length > 10 && ` + shownColumns + `.every(h => h.dataset.family === "CONN")`)
	choose(b, "level", "SHOULD")
	b.Want(shownColumns + `.length > 0 && ` + shownColumns + `.every(h => h.dataset.level === "SHOULD")`)
	b.Want(`location.hash.includes("language=Go")`)
	b.Leading(func() { b.Call("Page.reload", nil, nil) })
	b.Want(shownRows + `.length === 7`) // a filtered matrix can be handed on as a link
	b.Click(`#filters button[type=reset]`)
	b.Want(`new Promise(done => setTimeout(() => done(` + shownRows + `.length === 70), 0))`)
	choose(b, "outcome", "✕")
	b.Want(shownRows + `.length > 5 && ` + shownRows + `.every(r => [...r.cells].slice(4).some(c => c.textContent === "✕" && !c.hidden))`)
	b.Screenshot("matrix-fail")
	choose(b, "outcome", "")
	choose(b, "group", "class")
	b.Want(`[...document.querySelectorAll("#matrix tbody .group th")].map(h => h.firstChild.textContent.trim()).join() === "multi-reactor,reactor,thread-per-connection"`)
	choose(b, "group", "")
	choose(b, "sort", "broken")
	b.Want(`(r => Number(r[0].dataset.broken) > 5 && r.every((x, i) => !i || Number(x.dataset.broken) <= Number(r[i-1].dataset.broken)))(` + shownRows + `)`)
	b.Want(`document.querySelectorAll("#matrix thead .families th[data-family]").length === new Set(` + shownColumns + `.map(h => h.dataset.family)).size`)
	b.Sound()

	// The header and the first column stay.
	b.Want(`(() => { const g = document.querySelector(".grid"); g.scrollTo(900, 700); const box = g.getBoundingClientRect();
		const row = ` + shownRows + `[60].cells[0].getBoundingClientRect(), head = document.querySelector("#matrix thead .clauses th:nth-child(40)").getBoundingClientRect();
		return g.scrollLeft > 500 && g.scrollTop > 200 && Math.abs(row.left - box.left) < 3 && head.top - box.top < 60 && head.top >= box.top })()`)
	b.Screenshot("matrix-scrolled")

	// By keys from cell to cell, what it means said below, and into the evidence.
	b.Open(index)
	b.Want(`(() => { const a = [...document.querySelectorAll("#matrix tbody a[data-reason]")].find(a => a.textContent === "✕"); a.tabIndex = 0; a.focus(); window.was = a.closest("td"); return true })()`)
	b.Want(`(s => s.includes("fail") && s.includes("the server closed") && s.includes("MUST"))(document.getElementById("said").textContent)`)
	b.Press("ArrowRight")
	b.Want(`document.activeElement.closest("td") === was.nextElementSibling || !was.nextElementSibling.querySelector("a")`)
	b.Press("ArrowLeft")
	b.Want(`(() => { was.querySelector("a").focus(); return document.activeElement.closest("td") === was })()`)
	b.Screenshot("matrix-said")
	b.Leading(func() { b.Press("Enter") })
	b.Want(`document.querySelector("h1").textContent.includes("server 0") && document.querySelectorAll(".step").length > 20`)
	b.Want(`getComputedStyle(document.querySelector(".step.other")).display === "none"`)
	b.Click(".only")
	b.Want(`getComputedStyle(document.querySelector(".step.other")).display !== "none"`)
	b.Screenshot("evidence")
	b.Leading(func() { b.Click(`.beside a[href^="../../c/"]`) })
	b.Want(`document.querySelectorAll(".targets a").length > 20`)
	b.Screenshot("clause")
	b.Leading(func() { b.Click(`.beside a`) })
	b.Want(`location.pathname.endsWith("/index.html") && document.getElementById("matrix")`)
	b.Leading(func() { b.Click(`#matrix tbody th a`) })
	b.Want(`document.querySelector(".verdict")`)
	b.Screenshot("target")
	b.Leading(func() { b.Click(`.go`) })
	b.Leading(func() { b.Click(`.way a:nth-of-type(2)`) })
	b.Want(`document.querySelector(".chips")`)

	b.Call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.Open(index)
	b.Want(`document.getElementById("filters").hidden && document.querySelectorAll("#matrix tbody tr[data-name]").length === 70`)
	b.Call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
}

// Every kind of page fits a phone without sideways scrolling, by day and by night.
func TestPagesOnAPhone(t *testing.T) {
	b := startBrowser(t)
	dir := t.TempDir()
	m := many(8)
	if err := WritePages(filepath.Join(dir, "all"), m); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "run.html"), func(w io.Writer) error { return WriteHTML(w, m.Runs[0]) }); err != nil {
		t.Fatal(err)
	}
	bad := hostile()
	bad.Problem = &Problem{Start, "it never listened"}
	Judge(bad)
	if err := WriteFile(filepath.Join(dir, "bad.html"), func(w io.Writer) error { return WriteHTML(w, bad) }); err != nil {
		t.Fatal(err)
	}
	evidence, err := filepath.Glob(filepath.Join(dir, "all", "t", "server-0", "[A-Z]*.html"))
	if err != nil || len(evidence) == 0 {
		t.Fatal("no evidence: ", err)
	}
	for _, width := range []int{390, 1100} {
		for _, scheme := range []string{"light", "dark"} {
			b.Size(width, scheme)
			for name, page := range map[string]string{"matrix": "all/index.html", "target": "all/t/server-0/index.html", "known": "all/t/server-1/index.html",
				"clause": "all/c/CONN-7.html", "run": "run.html", "hostile": "bad.html", "evidence": strings.TrimPrefix(evidence[0], dir+"/")} {
				b.Open("file://" + filepath.Join(dir, page))
				b.Screenshot(fmt.Sprintf("%s-%d-%s", name, width, scheme))
				browser.Eval[bool](b, `(document.querySelectorAll("details").forEach(d => d.open = true), true)`)
				if wide := browser.Eval[int](b, "document.documentElement.scrollWidth"); wide > width {
					t.Errorf("%s is %d pixels wide on a screen of %d", page, wide, width)
				}
				ground := browser.Eval[string](b, "getComputedStyle(document.body).backgroundColor")
				if dark := ground != "rgb(255, 255, 255)"; dark != (scheme == "dark") {
					t.Errorf("%s by %s is on %s", page, scheme, ground)
				}
			}
		}
	}
}
