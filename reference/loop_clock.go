package reference

import "time"

// clock tells a loop the time: nanoseconds on CLOCK_MONOTONIC since some moment
// before the loop was made. The scripts of testdata/scripts bring their own.
type clock interface {
	now() time.Duration
}

// monotonic is the real clock. time.Since reads only the monotonic half of
// epoch, so setting the machine's date moves no timer (TIME-1, TIME-2).
type monotonic struct{}

var epoch = time.Now()

func (monotonic) now() time.Duration { return time.Since(epoch) }
