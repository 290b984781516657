package main

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/reactorspec/reactorspec/reference"
)

// BenchmarkWake is the time from the post of a task to a loop that sleeps to the
// moment when the task runs: its median and its 99th percentile. Beside the
// reference's three wakeups stand gnet's, and a goroutine that sleeps on a channel,
// which is woken without the kernel where a thread of Go is awake. netpoll has no
// task to post: its loops run handlers only.
func BenchmarkWake(b *testing.B) {
	for _, wakeup := range reference.Wakeups {
		b.Run("reference-"+wakeup, func(b *testing.B) {
			l, err := reference.NewLoop(reference.LoopOptions{Wakeup: wakeup})
			if err != nil {
				b.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- l.Run() }()
			wakes(b, func(task func()) error { return l.Post(task) })
			l.Stop()
			if err := <-ended; err != nil {
				b.Error(err)
			}
		})
	}
	b.Run("gnet", func(b *testing.B) {
		loop, stop := gnetLoop(b)
		defer stop()
		wakes(b, func(task func()) error {
			return loop.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error { task(); return nil }))
		})
	})
	b.Run("channel", func(b *testing.B) {
		tasks := make(chan func())
		defer close(tasks)
		go func() {
			for task := range tasks {
				task()
			}
		}()
		wakes(b, func(task func()) error { tasks <- task; return nil })
	})
}

// asleep is how long the loop is left alone before each post: a loop that spins a
// little before it sleeps is asleep by then.
const asleep = 200 * time.Microsecond

// wakes posts one task at a time to a loop that sleeps.
func wakes(b *testing.B, post func(task func()) error) {
	var took []float64
	ran := make(chan time.Time, 1)
	rest := time.NewTimer(asleep)
	for b.Loop() {
		rest.Reset(asleep)
		<-rest.C
		began := time.Now()
		if err := post(func() { ran <- time.Now() }); err != nil {
			b.Fatal(err)
		}
		took = append(took, float64((<-ran).Sub(began).Nanoseconds())/1e3)
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2], "p50-µs")
	b.ReportMetric(took[len(took)*99/100], "p99-µs")
	b.ReportMetric(0, "ns/op") // the rest is in it
}

// gnetLoop is a loop of gnet, had from a connection of its own.
func gnetLoop(b *testing.B) (gnet.EventLoop, func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	e := &opened{loop: make(chan gnet.EventLoop, 1), booted: make(chan gnet.Engine, 1)}
	ended := make(chan error, 1)
	go func() { ended <- gnet.Run(e, "tcp://"+addr, gnet.WithNumEventLoop(1), gnet.WithLogLevel(5)) }()
	engine := <-e.booted
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	return <-e.loop, func() {
		c.Close()
		_ = engine.Stop(context.Background())
		<-ended
	}
}

type opened struct {
	gnet.BuiltinEventEngine
	loop   chan gnet.EventLoop
	booted chan gnet.Engine
}

func (o *opened) OnBoot(e gnet.Engine) gnet.Action { o.booted <- e; return gnet.None }

func (o *opened) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	o.loop <- c.EventLoop()
	return nil, gnet.None
}
