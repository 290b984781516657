//go:build !linux

package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Generator is of no use here.
type Generator struct{}

// Dial says that it is of no use here.
func Dial(context.Context, Options) (*Generator, error) {
	return nil, fmt.Errorf("load is made by epoll(7), on Linux alone, and this is %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Close does nothing.
func (*Generator) Close() {}

// Drive says that it is of no use here.
func (*Generator) Drive(context.Context, time.Duration) (Result, error) {
	return Result{}, errors.ErrUnsupported
}
