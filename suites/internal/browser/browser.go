// Package browser drives a real Chromium through its debugging pipe, for the tests of pages.
package browser

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Browser is a Chromium driven by its debugging pipe, with one tab.
type Browser struct {
	t       *testing.T
	screens string // a directory for what is seen, or ""
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

func Start(t *testing.T, screens string) *Browser {
	t.Helper()
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
	b := &Browser{t: t, screens: screens, to: ourOut, answers: make(chan message, 1), loads: make(chan struct{}, 16)}
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
	b.Call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.Call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.Call(domain+".enable", nil, nil)
	}
	return b
}

// read takes what the browser says, each message ended by a zero byte.
func (b *Browser) read(from io.Reader) {
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

func (b *Browser) Call(method string, params any, result any) {
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

// Open loads a page and waits for it.
func (b *Browser) Open(url string) {
	b.t.Helper()
	b.Leading(func() { b.Call("Page.navigate", map[string]any{"url": url}, nil) })
}

// Leading waits for the page that an act leads to, and wants it to be sound.
func (b *Browser) Leading(act func()) {
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
	b.Sound()
}

// Sound wants no complaint of the console or the network until now.
func (b *Browser) Sound() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.errors {
		b.t.Errorf("at %s: %s", "the page", text)
	}
	b.errors = nil
}

// Eval is the value of an expression in the page.
func Eval[T any](b *Browser, expression string) T {
	b.t.Helper()
	var answer struct {
		Result struct {
			Value T
		}
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	b.Call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &answer)
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, answer.ExceptionDetails.Exception.Description)
	}
	return answer.Result.Value
}

func (b *Browser) Want(expression string) {
	b.t.Helper()
	if !Eval[bool](b, "Boolean("+expression+")") {
		b.t.Errorf("it is not so: %s", expression)
	}
}

func (b *Browser) Press(key string) {
	b.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
	down := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
	if key == "Enter" {
		down["text"] = "\r"
	}
	b.Call("Input.dispatchKeyEvent", down, nil)
	b.Call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}, nil)
}

func (b *Browser) Click(selector string) {
	b.t.Helper()
	Eval[bool](b, fmt.Sprintf(`(document.querySelector(%q).click(), true)`, selector))
}

// Size makes the window so wide, and by day or by night.
func (b *Browser) Size(width int, scheme string) {
	b.t.Helper()
	b.Call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.Call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

func (b *Browser) Screenshot(name string) {
	b.t.Helper()
	if b.screens == "" {
		return
	}
	var shot struct{ Data string }
	b.Call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(b.screens, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
