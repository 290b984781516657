package conversation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Tasks is what a library offers to run a function on a loop of its own.
type Tasks struct {
	// Post has a task run by the loop of that index, from any thread.
	Post func(loop int, task func())
	// Turns calls begun, from any thread, once it counts the turns of the loop;
	// end tells their number, on the loop, so that CHAIN can be answered.
	Turns func(loop int, begun func(end func() int))
}

// Home is where a connection lives.
type Home struct {
	Loop int
	// Send sends a reply from any thread, or drops it once the connection is gone.
	Send func([]byte)
	// Post has a task run by the connection's thread, or drops it as Send does;
	// nil where Tasks.Post serves for that.
	Post func(task func())
}

// Lives tells where the connection lives; with Where or Tasks, before Feed.
func (c *Conn) Lives(home Home) { c.home = home }

const (
	maxTasks     = 2_000_000
	maxProducers = 16
	maxOffload   = 10_000 // milliseconds
)

// task takes up a request that needs tasks. The status is "" where the reply
// comes later.
func (c *Conn) task(r request) (status string) {
	args := arguments{words: strings.Split(r.args, " "), fine: true}
	loop := -1
	switch r.verb {
	case "POST", "CROSS", "RACE", "CHAIN", "NEST":
		if c.opts.Tasks.Post == nil {
			return unsupported
		}
		loop = args.loop(c.home.Loop, c.opts.Loops)
	case "OFFLOAD":
		if c.opts.Offload == nil {
			return unsupported
		}
	}
	var run func()
	switch r.verb {
	case "POST":
		n := args.number(1, maxTasks)
		run = func() { c.post(r.id, loop, n) }
	case "CROSS":
		producers, n := args.number(1, maxProducers), args.number(1, maxTasks)
		run = func() { go c.cross(r.id, loop, producers, n) }
	case "RACE":
		n := args.number(1, maxTasks)
		run = func() { go c.race(r.id, loop, n) }
	case "CHAIN":
		n := args.number(1, 1<<32)
		run = func() { c.chain(r.id, loop, n) }
	case "NEST":
		n := args.number(1, maxTasks)
		run = func() { c.nest(r.id, loop, n) }
	case "OFFLOAD":
		ms, word := args.number(0, maxOffload), args.next()
		if !args.over() || word == "" {
			return "bad"
		}
		if !c.offload(r.id, time.Duration(ms)*time.Millisecond, word) {
			return "full"
		}
		return ""
	default:
		return unsupported
	}
	if !args.over() {
		return "bad"
	}
	run()
	return ""
}

// reply sends a reply to a request taken up earlier.
func (c *Conn) reply(id, format string, args ...any) {
	frame := appendFrame(nil, fmt.Appendf([]byte(id+" ok "), format, args...))
	sent.Add(uint64(len(frame)))
	c.home.Send(frame)
}

// run posts a task and counts it.
func (c *Conn) run(loop int, task func()) {
	c.opts.Tasks.Post(loop, func() {
		tasks.Add(1)
		task()
	})
}

func (c *Conn) post(id string, loop, n int) {
	ran, misordered := 0, 0 // the loop's
	for i := range n {
		c.run(loop, func() {
			if i != ran {
				misordered++
			}
			if ran++; ran == n {
				c.reply(id, "ran=%d loop=%d tid=%d misordered=%d", n, loop, syscall.Gettid(), misordered)
			}
		})
	}
}

func (c *Conn) cross(id string, loop, producers, n int) {
	var writes atomic.Int64
	var done, posted sync.WaitGroup
	ran, misordered, late := 0, 0, time.Duration(0) // the loop's
	next, tids := make([]int, producers), map[int]bool{}
	done.Add(producers * n)
	for p := range producers {
		posted.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its work
			before := writesOfThread()
			for i := range n {
				at := time.Now()
				c.run(loop, func() {
					late = max(late, time.Since(at))
					if i != next[p] {
						misordered++
					}
					next[p] = i + 1
					ran++
					tids[syscall.Gettid()] = true
					done.Done()
				})
			}
			writes.Add(writesOfThread() - before)
		})
	}
	posted.Wait()
	done.Wait()
	c.reply(id, "ran=%d misordered=%d tids=%d writes=%d late=%d", ran, misordered, len(tids), writes.Load(), late)
}

// writesOfThread is how often this thread has called write(2), which a producer
// does to wake a loop and for nothing else.
func writesOfThread() int64 {
	text, err := os.ReadFile("/proc/thread-self/io")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "syscw: ")
	word, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.ParseInt(word, 10, 64)
	return n
}

// race cannot see when the loop falls asleep, so it varies when it posts.
func (c *Conn) race(id string, loop, n int) {
	runtime.LockOSThread()
	late := time.Duration(0)
	ran := make(chan time.Duration)
	for range n {
		at := time.Now()
		c.run(loop, func() { ran <- time.Since(at) })
		late = max(late, <-ran)
		for pause := time.Now().Add(rand.N(40 * time.Microsecond)); time.Now().Before(pause); {
		}
	}
	c.reply(id, "ran=%d late=%d", n, late)
}

func (c *Conn) chain(id string, loop, n int) {
	c.opts.Tasks.Turns(loop, func(end func() int) {
		left := n
		var link func()
		link = func() {
			if left--; left > 0 {
				c.run(loop, link)
				return
			}
			c.reply(id, "ran=%d turns=%d", n, end())
		}
		c.run(loop, link)
	})
}

func (c *Conn) nest(id string, loop, n int) {
	c.run(loop, func() {
		ran, inside := 0, 0
		for range n {
			c.run(loop, func() {
				if ran++; ran == n {
					c.reply(id, "ran=%d inside=%d", n, inside)
				}
			})
		}
		inside = ran
	})
}

func (c *Conn) offload(id string, block time.Duration, word string) bool {
	return c.opts.Offload(func() {
		worker := syscall.Gettid()
		for left := syscall.NsecToTimespec(block.Nanoseconds()); syscall.Nanosleep(&left, &left) != nil; {
		}
		post := c.home.Post
		if post == nil {
			post = func(task func()) { c.run(c.home.Loop, task) }
		}
		post(func() {
			c.reply(id, "word=%s worker=%d home=%d loop=%d", word, worker, syscall.Gettid(), c.home.Loop)
		})
	})
}

// arguments are taken from the left.
type arguments struct {
	words []string
	fine  bool
}

func (a *arguments) next() string {
	if len(a.words) == 0 {
		a.fine = false
		return ""
	}
	word := a.words[0]
	a.words = a.words[1:]
	return word
}

func (a *arguments) number(least, most int) int {
	n, err := strconv.Atoi(a.next())
	if err != nil || n < least || n > most {
		a.fine = false
	}
	return n
}

func (a *arguments) loop(own, loops int) int {
	word := a.next()
	if word == "-" {
		return own
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 || n >= loops {
		a.fine = false
	}
	return n
}

func (a *arguments) over() bool { return a.fine && len(a.words) == 0 }
