package session

import (
	"fmt"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/observe"
)

// Looks is what a server whose class nobody said looks like from outside: a guess, by
// which nobody is judged.
type Looks struct {
	Class spec.Class // what it looks like; "" where that cannot be told
	Seen  string     // of its processes, threads and pollers, in a few words
}

const (
	// looked is how many clients are connected for a look, and lookedAt how many
	// requests each of them has.
	looked   = 8
	lookedAt = 30
	// busyShare is the part of the CPU time, one in so many, that a thread has to have
	// had of it to count as one that serves.
	busyShare = 10
)

// look is what is seen of the target beside clients that were served and are there.
type look struct {
	clients            int
	serial             bool // the second was not served beside the first
	processes, threads int  // that there are
	newProcesses       int  // of them, since before the clients came
	newThreads         int
	holders            int // processes that hold the clients' connections
	pollers            int // pollers that do
	polled             int // connections on them
	reading            int // threads that sleep in a read of one client's connection, or in a poll of it alone
	serving            int // threads that had a share of the work
	waiting            int // signs of threads that wait for a client that has said nothing
}

// Looks looks at the target beside some clients. It is asked while nothing else goes on.
func (s *Session) Looks() Looks {
	before, err := s.Tree().Threads()
	if err != nil {
		return Looks{Seen: "its threads cannot be seen: " + err.Error()}
	}
	var l look
	var conns []*Conn
	for range min(looked, s.Room(looked)) {
		served := s.Trial(func() {
			c := s.Open()
			if s.Dialect.Requests() != 1 {
				c.Exchange(s.Payload(32))
			}
			conns = append(conns, c)
		})
		if served == nil {
			continue
		}
		l.serial = len(conns) == 1
		break
	}
	if len(conns) < 2 && !l.serial {
		return Looks{Seen: "fewer than two clients were served at a time"}
	}
	l.clients = len(conns)
	s.see(&l, before, conns)
	if l.pollers > 0 {
		l.waiting = s.waitingForMute()
	}
	for _, c := range conns {
		c.Close()
	}
	return l.taken()
}

// see fills in what the kernel shows while conns are open, and as they are worked for.
func (s *Session) see(l *look, before []observe.Thread, conns []*Conn) {
	ours := map[string]bool{}
	for _, c := range conns {
		ours[c.Local().String()] = true
	}
	held, holders := map[[2]int]bool{}, map[int]bool{}
	sockets, _ := s.Tree().Sockets() // what cannot be seen is not there: it is a guess
	for _, socket := range sockets {
		if ours[socket.Remote] {
			held[[2]int{socket.Pid, socket.FD}], holders[socket.Pid] = true, true
		}
	}
	l.holders = len(holders)
	pollers, _ := s.Tree().Pollers()
	for _, poller := range pollers {
		on := 0
		for _, watch := range poller.Watched {
			if held[[2]int{poller.Pid, watch.FD}] {
				on++
			}
		}
		if l.polled += on; on > 0 {
			l.pollers++
		}
	}
	ran := map[[2]int]time.Duration{}
	known := map[int]bool{}
	for _, t := range before {
		ran[[2]int{t.Pid, t.Tid}], known[t.Pid] = t.OnCPU, true
	}
	threads, _ := s.Tree().Threads()
	processes := map[int]bool{}
	for _, t := range threads {
		processes[t.Pid] = true
		if _, old := ran[[2]int{t.Pid, t.Tid}]; !old {
			l.newThreads++
		}
		if alone(t.Syscall) && held[[2]int{t.Pid, int(t.Syscall.Args[0])}] || polls(t.Syscall) && holders[t.Pid] {
			l.reading++
		}
	}
	l.threads, l.processes = len(threads), len(processes)
	for pid := range processes {
		if !known[pid] {
			l.newProcesses++
		}
	}
	l.serving = s.workers(conns)
}

// waitingForMute counts signs that a thread waits, in a read or in a poll of nothing else,
// for one of two clients that say nothing, while a later one is served; 0: none does.
func (s *Session) waitingForMute() (n int) {
	mute, before := map[string]bool{}, s.polling()
	if s.Trial(func() {
		for range 2 {
			mute[s.Ready(s.Dial()).Local().String()] = true
		}
		s.Open().Exchange(s.Payload(32))
	}) != nil {
		return 0
	}
	held, after := map[[2]int]bool{}, s.polling()
	sockets, _ := s.Tree().Sockets()
	for _, socket := range sockets {
		if mute[socket.Remote] {
			held[[2]int{socket.Pid, socket.FD}] = true
			n += max(0, after[socket.Pid]-before[socket.Pid])
		}
	}
	threads, _ := s.Tree().Threads()
	for _, t := range threads {
		if alone(t.Syscall) && held[[2]int{t.Pid, int(t.Syscall.Args[0])}] {
			n++
		}
	}
	pollers, _ := s.Tree().Pollers()
	for _, p := range pollers { // made for that client, to put a bound of time on a read
		if len(p.Watched) == 1 && held[[2]int{p.Pid, p.Watched[0].FD}] {
			n++
		}
	}
	return n
}

// polling counts, by process, the threads that wait for a single descriptor.
func (s *Session) polling() map[int]int {
	n := map[int]int{}
	threads, _ := s.Tree().Threads()
	for _, t := range threads {
		if polls(t.Syscall) {
			n[t.Pid]++
		}
	}
	return n
}

// workers is how many threads share the work for requests that come on all connections.
func (s *Session) workers(conns []*Conn) (n int) {
	if s.Dialect.Requests() == 1 {
		return 0
	}
	ran := map[[2]int]time.Duration{}
	threads, _ := s.Tree().Threads()
	for _, t := range threads {
		ran[[2]int{t.Pid, t.Tid}] = t.OnCPU
	}
	for _, c := range conns {
		s.Go(func() {
			for range lookedAt {
				if c.Over() || s.Trial(func() { c.Exchange(s.Payload(32)) }) != nil {
					return
				}
			}
		})
	}
	s.Join()
	var all time.Duration
	var each []time.Duration
	threads, _ = s.Tree().Threads()
	for _, t := range threads {
		used := t.OnCPU - ran[[2]int{t.Pid, t.Tid}]
		all += used
		each = append(each, used)
	}
	for _, used := range each {
		if used > 0 && used*busyShare >= all {
			n++
		}
	}
	return n
}

// taken says what the look comes to.
func (l look) taken() Looks {
	seen := fmt.Sprintf("%s, %s", count(l.processes, "process", "processes"), count(l.threads, "thread", "threads"))
	clients := count(l.clients, "client", "clients")
	switch {
	case l.serial:
		return Looks{spec.Iterative, seen + "; while one client was there a second was not served"}
	case l.newProcesses >= l.clients:
		return Looks{spec.ThreadPerConnection, fmt.Sprintf("%s, %d of them new with %s", seen, l.newProcesses, clients)}
	case l.newThreads >= l.clients:
		return Looks{spec.ThreadPerConnection, fmt.Sprintf("%s, of which %d came with %s", seen, l.newThreads, clients)}
	case l.pollers > 0 && l.waiting > 0:
		return Looks{"", fmt.Sprintf("%s; a poller holds the connections of %s that were served, and a thread waits for each that has said nothing: a pool, so say max_clients", seen, clients)}
	case l.pollers > 1:
		return Looks{spec.MultiReactor, fmt.Sprintf("%s; %d pollers hold the connections of %s", seen, l.pollers, clients)}
	case l.pollers == 1 && l.serving > 1:
		return Looks{spec.MultiReactor, fmt.Sprintf("%s; one poller holds the connections of %s, and %d threads share the work", seen, clients, l.serving)}
	case l.pollers == 1:
		return Looks{spec.Reactor, fmt.Sprintf("%s; one poller holds the connections of %s", seen, clients)}
	case l.holders > 1:
		return Looks{spec.ThreadPerConnection, fmt.Sprintf("%s; %d processes hold the connections of %s, and no poller: a pool, so say max_clients too", seen, l.holders, clients)}
	case l.reading > 1:
		return Looks{spec.ThreadPerConnection, fmt.Sprintf("%s; %d of them wait for one connection each, and none is new: a pool, so say max_clients too", seen, l.reading)}
	case l.threads == 1:
		return Looks{spec.Reactor, fmt.Sprintf("%s; no epoll descriptor holds the connections of %s: poll(2) or select(2)", seen, clients)}
	}
	return Looks{"", fmt.Sprintf("%s; none is new, and no epoll descriptor holds the connections of %s", seen, clients)}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
