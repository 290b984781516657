package reference

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reactorspec/reactorspec/spec/contract"
)

func TestStop(t *testing.T) {
	t.Run("before Run", func(t *testing.T) {
		l, err := NewLoop(LoopOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ran := false
		l.Post(func() { ran = true })
		l.Stop()
		l.Stop()
		if err := l.Run(); err != nil || !ran {
			t.Errorf("Run: %v, the task posted before ran: %v; want nil, true", err, ran)
		}
		if err := l.Run(); !errors.Is(err, contract.ErrStopped) {
			t.Errorf("a second Run: %v, want ErrStopped", err)
		}
	})
	t.Run("runs what was posted before, refuses what comes after", func(t *testing.T) {
		eachKind(t, func(t *testing.T, o LoopOptions) {
			l, err := NewLoop(o)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() { ended <- l.Run() }()
			var ran atomic.Int64
			var accepted int64
			for i := range 5000 {
				if i == 4000 {
					l.Stop()
				}
				switch err := l.Post(func() { ran.Add(1) }); {
				case err == nil:
					accepted++
				case !errors.Is(err, contract.ErrStopped) || i < 4000:
					t.Fatalf("post %d: %v", i, err)
				}
			}
			if err := await(t, "Run to return", ended); err != nil {
				t.Error(err)
			}
			if ran.Load() != accepted {
				t.Errorf("%d tasks accepted, %d ran", accepted, ran.Load())
			}
			_, errAfter := l.After(0, func() {})
			_, errEvery := l.Every(1, func() {})
			_, errHook := l.Hook(contract.AfterIO, func() {})
			for what, err := range map[string]error{"Post": l.Post(func() {}), "Wake": l.Wake(), "After": errAfter, "Every": errEvery, "Hook": errHook} {
				if !errors.Is(err, contract.ErrStopped) {
					t.Errorf("%s after the end: %v, want ErrStopped", what, err)
				}
			}
		})
	})
	t.Run("a chain of tasks does not go on for ever", func(t *testing.T) {
		l := runLoop(t, LoopOptions{})
		var chain func()
		chain = func() { l.Post(chain) }
		do(t, l, chain)
	})
	t.Run("Close releases a loop that never ran", func(t *testing.T) {
		before := descriptors(t)
		for range 10 {
			l, err := NewLoop(LoopOptions{Wakeup: "pipe"})
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l.Close()
		}
		if after := descriptors(t); after > before {
			t.Errorf("%d descriptors before, %d after", before, after)
		}
	})
	t.Run("with posters and wakers all around", func(t *testing.T) {
		for range 200 {
			l, err := NewLoop(LoopOptions{Log: slog.New(failOnLog{slog.DiscardHandler, t})})
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() { ended <- l.Run() }()
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					for l.Post(func() {}) == nil && l.Wake() == nil {
					}
				})
			}
			do(t, l, func() {})
			l.Stop()
			await(t, "Run to return", ended)
			all.Wait()
		}
	})
}

// failOnLog fails a test in which the loop has something to complain about, such
// as a write to a closed waker.
type failOnLog struct {
	slog.Handler
	t *testing.T
}

func (failOnLog) Enabled(_ context.Context, _ slog.Level) bool { return true }
func (f failOnLog) Handle(_ context.Context, r slog.Record) error {
	f.t.Errorf("logged %s", r.Message)
	return nil
}
