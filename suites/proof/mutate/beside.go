package main

import (
	"context"
	"sync"
)

// A job is told which of the workers does it, from 0.
type job func(ctx context.Context, worker int) error

// beside does the jobs, as many at a time as there are workers, up to the first
// error or the end of ctx.
func beside(ctx context.Context, workers int, jobs []job) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan job)
	var doing sync.WaitGroup
	for i := range workers {
		doing.Go(func() {
			for do := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, do := range jobs {
		select {
		case next <- do:
		case <-ctx.Done():
		}
	}
	close(next)
	doing.Wait()
	return context.Cause(ctx)
}
