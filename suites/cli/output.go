package cli

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/mattn/go-isatty"
)

// output is standard output. It keeps the first write that failed, so that one place,
// Main, can say so for every command, and for what cobra prints by itself.
type output struct {
	to   io.Writer
	mu   sync.Mutex
	lost error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.to.Write(b)
	if err == nil {
		return n, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lost == nil {
		o.lost = fmt.Errorf("write stdout: %w: the output is incomplete", reason(err))
	}
	return n, o.lost
}

// failure is the first write that failed; nil if none did.
func (o *output) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost
}

// screen is where a run is shown while it goes on: a terminal as it is, since colours
// and the live line need the file itself, and everything else by way of Write.
func (o *output) screen() io.Writer {
	if file, ok := o.to.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		return file
	}
	return o
}
