//go:build !linux

package observe

import "time"

// Elsewhere one thread that roams is the measure, by the clock that Go offers.

func bind(int) {}

func sleepUntil(wake int64) { time.Sleep(time.Duration(wake - monotonic())) }

var origin = time.Now()

func monotonic() int64 { return int64(time.Since(origin)) }

func allowedCPUs() []int { return []int{-1} }
