// Package live draws a line at the end of a terminal anew and anew, while other lines
// are written above it. It is a package of its own so that the library that does it
// comes with the command alone.
//
// There is no compatibility promise.
package live

import (
	"io"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Line draws what line returns, cut to the width that it is given, until stop takes it
// away. What is written to above while it is drawn stands above it.
func Line(w io.Writer, line func(width int) string) (above io.Writer, stop func()) {
	drawn := mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh())
	bar := drawn.New(1, mpb.NopStyle(), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(s decor.Statistics) string { return line(s.AvailableWidth) })))
	return drawn, func() {
		bar.Abort(true)
		drawn.Wait()
	}
}
