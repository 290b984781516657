package report

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The pages in a real browser: make browser. It is no part of go test ./..., as
// not everybody has one.
var (
	inChromium = flag.Bool("chromium", false, "look at the pages in Chromium")
	screens    = flag.String("screens", "", "also write what is seen as PNG into this directory")
)

// browser is a Chromium driven by its debugging pipe, with one tab.
type browser struct {
	t       *testing.T
	to      io.Writer
	session string
	id      int
	answers chan message
	loads   chan struct{}

	mu     sync.Mutex
	errors []string // what the console and the network complained of
}

type message struct {
	ID     int             `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
	Session string `json:"sessionId,omitempty"`
}

// patience is how long the browser may take for one thing.
const patience = 30 * time.Second

func startBrowser(t *testing.T) *browser {
	t.Helper()
	if !*inChromium {
		t.Skip("wants a browser: make browser")
	}
	path, err := "", error(nil)
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal("no Chromium here: apt-get install chromium")
	}
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &browser{t: t, to: ourOut, answers: make(chan message, 1), loads: make(chan struct{}, 16)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b.read(ourIn)
	}()
	t.Cleanup(func() {
		cancel()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		ourOut.Close()
		ourIn.Close()
		<-read
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// read takes what the browser says, each message ended by a zero byte.
func (b *browser) read(from io.Reader) {
	for r := bufio.NewReader(from); ; {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		switch {
		case m.ID != 0:
			b.answers <- m
		case m.Method == "Page.loadEventFired":
			b.loads <- struct{}{}
		case m.Method == "Runtime.exceptionThrown", m.Method == "Log.entryAdded", m.Method == "Network.loadingFailed",
			m.Method == "Runtime.consoleAPICalled":
			b.mu.Lock()
			b.errors = append(b.errors, m.Method+" "+string(m.Params))
			b.mu.Unlock()
		}
	}
}

func (b *browser) call(method string, params any, result any) {
	b.t.Helper()
	b.id++
	text, err := json.Marshal(map[string]any{"id": b.id, "method": method, "params": params, "sessionId": b.session})
	if b.session == "" || params == nil {
		plain := map[string]any{"id": b.id, "method": method}
		if b.session != "" {
			plain["sessionId"] = b.session
		}
		if params != nil {
			plain["params"] = params
		}
		text, err = json.Marshal(plain)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case m := <-b.answers:
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
	case <-time.After(patience):
		b.t.Fatalf("%s: the browser does not answer", method)
	}
}

// open loads a page and waits for it.
func (b *browser) open(url string) {
	b.t.Helper()
	b.leading(func() { b.call("Page.navigate", map[string]any{"url": url}, nil) })
}

// leading waits for the page that an act leads to, and wants it to be sound.
func (b *browser) leading(act func()) {
	b.t.Helper()
	for len(b.loads) > 0 {
		<-b.loads
	}
	act()
	select {
	case <-b.loads:
	case <-time.After(patience):
		b.t.Fatal("no page was loaded")
	}
	b.sound()
}

// sound wants no complaint of the console or the network until now.
func (b *browser) sound() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.errors {
		b.t.Errorf("at %s: %s", "the page", text)
	}
	b.errors = nil
}

// eval is the value of an expression in the page.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	var answer struct {
		Result struct {
			Value T
		}
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &answer)
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, answer.ExceptionDetails.Exception.Description)
	}
	return answer.Result.Value
}

func (b *browser) want(expression string) {
	b.t.Helper()
	if !eval[bool](b, "Boolean("+expression+")") {
		b.t.Errorf("it is not so: %s", expression)
	}
}

// choose sets a field of the filters as a reader would.
func (b *browser) choose(field, value string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf(`(() => { const f = document.getElementById("filters"); f.elements[%q].value = %q;
		f.elements[%q].dispatchEvent(new Event("change", {bubbles: true})); return true })()`, field, value, field))
}

func (b *browser) press(key string) {
	b.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
	down := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
	if key == "Enter" {
		down["text"] = "\r"
	}
	b.call("Input.dispatchKeyEvent", down, nil)
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}, nil)
}

func (b *browser) click(selector string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf(`(document.querySelector(%q).click(), true)`, selector))
}

// size makes the window so wide, and by day or by night.
func (b *browser) size(width int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

func (b *browser) screenshot(name string) {
	b.t.Helper()
	if *screens == "" {
		return
	}
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(*screens, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
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
	b.size(1400, "light")
	b.open(index)
	b.screenshot("matrix")
	if rows, columns := eval[int](b, shownRows+".length"), eval[int](b, shownColumns+".length"); rows != 70 || columns < 100 {
		t.Errorf("%d rows and %d columns", rows, columns)
	}

	b.choose("language", "Go")
	b.want(shownRows + `.length === 7 && ` + shownRows + `.every(r => r.dataset.language === "Go")`)
	b.choose("family", "CONN")
	b.want(shownColumns + `.length > 10 && ` + shownColumns + `.every(h => h.dataset.family === "CONN")`)
	b.choose("level", "SHOULD")
	b.want(shownColumns + `.length > 0 && ` + shownColumns + `.every(h => h.dataset.level === "SHOULD")`)
	b.want(`location.hash.includes("language=Go")`)
	b.leading(func() { b.call("Page.reload", nil, nil) })
	b.want(shownRows + `.length === 7`) // a filtered matrix can be handed on as a link
	b.click(`#filters button[type=reset]`)
	b.want(`new Promise(done => setTimeout(() => done(` + shownRows + `.length === 70), 0))`)
	b.choose("outcome", "✕")
	b.want(shownRows + `.length > 5 && ` + shownRows + `.every(r => [...r.cells].slice(4).some(c => c.textContent === "✕" && !c.hidden))`)
	b.screenshot("matrix-fail")
	b.choose("outcome", "")
	b.choose("group", "class")
	b.want(`[...document.querySelectorAll("#matrix tbody .group th")].map(h => h.firstChild.textContent.trim()).join() === "multi-reactor,reactor,thread-per-connection"`)
	b.choose("group", "")
	b.choose("sort", "broken")
	b.want(`(r => Number(r[0].dataset.broken) > 5 && r.every((x, i) => !i || Number(x.dataset.broken) <= Number(r[i-1].dataset.broken)))(` + shownRows + `)`)
	b.want(`document.querySelectorAll("#matrix thead .families th[data-family]").length === new Set(` + shownColumns + `.map(h => h.dataset.family)).size`)
	b.sound()

	// The header and the first column stay.
	b.want(`(() => { const g = document.querySelector(".grid"); g.scrollTo(900, 700); const box = g.getBoundingClientRect();
		const row = ` + shownRows + `[60].cells[0].getBoundingClientRect(), head = document.querySelector("#matrix thead .clauses th:nth-child(40)").getBoundingClientRect();
		return g.scrollLeft > 500 && g.scrollTop > 200 && Math.abs(row.left - box.left) < 3 && head.top - box.top < 60 && head.top >= box.top })()`)
	b.screenshot("matrix-scrolled")

	// By keys from cell to cell, what it means said below, and into the evidence.
	b.open(index)
	b.want(`(() => { const a = [...document.querySelectorAll("#matrix tbody a[data-reason]")].find(a => a.textContent === "✕"); a.tabIndex = 0; a.focus(); window.was = a.closest("td"); return true })()`)
	b.want(`(s => s.includes("fail") && s.includes("the server closed") && s.includes("MUST"))(document.getElementById("said").textContent)`)
	b.press("ArrowRight")
	b.want(`document.activeElement.closest("td") === was.nextElementSibling || !was.nextElementSibling.querySelector("a")`)
	b.press("ArrowLeft")
	b.want(`(() => { was.querySelector("a").focus(); return document.activeElement.closest("td") === was })()`)
	b.screenshot("matrix-said")
	b.leading(func() { b.press("Enter") })
	b.want(`document.querySelector("h1").textContent.includes("server 0") && document.querySelectorAll(".step").length > 20`)
	b.want(`getComputedStyle(document.querySelector(".step.other")).display === "none"`)
	b.click(".only")
	b.want(`getComputedStyle(document.querySelector(".step.other")).display !== "none"`)
	b.screenshot("evidence")
	b.leading(func() { b.click(`.beside a[href^="../../c/"]`) })
	b.want(`document.querySelectorAll(".targets a").length > 20`)
	b.screenshot("clause")
	b.leading(func() { b.click(`.beside a`) })
	b.want(`location.pathname.endsWith("/index.html") && document.getElementById("matrix")`)
	b.leading(func() { b.click(`#matrix tbody th a`) })
	b.want(`document.querySelector(".verdict")`)
	b.screenshot("target")
	b.leading(func() { b.click(`.go`) })
	b.leading(func() { b.click(`.way a:nth-of-type(2)`) })
	b.want(`document.querySelector(".chips")`)

	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.open(index)
	b.want(`document.getElementById("filters").hidden && document.querySelectorAll("#matrix tbody tr[data-name]").length === 70`)
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
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
			b.size(width, scheme)
			for name, page := range map[string]string{"matrix": "all/index.html", "target": "all/t/server-0/index.html", "known": "all/t/server-1/index.html",
				"clause": "all/c/CONN-7.html", "run": "run.html", "hostile": "bad.html", "evidence": strings.TrimPrefix(evidence[0], dir+"/")} {
				b.open("file://" + filepath.Join(dir, page))
				b.screenshot(fmt.Sprintf("%s-%d-%s", name, width, scheme))
				eval[bool](b, `(document.querySelectorAll("details").forEach(d => d.open = true), true)`)
				if wide := eval[int](b, "document.documentElement.scrollWidth"); wide > width {
					t.Errorf("%s is %d pixels wide on a screen of %d", page, wide, width)
				}
				ground := eval[string](b, "getComputedStyle(document.body).backgroundColor")
				if dark := ground != "rgb(255, 255, 255)"; dark != (scheme == "dark") {
					t.Errorf("%s by %s is on %s", page, scheme, ground)
				}
			}
		}
	}
}
