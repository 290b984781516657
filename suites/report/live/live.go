// Package live keeps redrawing the last line of a terminal, while other lines are
// written above it. It is a package of its own so that only the command depends on the
// library that does it.
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
