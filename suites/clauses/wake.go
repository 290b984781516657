package clauses

import (
	"fmt"
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

var wake = []session.Check{
	{Clause: "WAKE-1", Study: true, Needs: session.Words, Run: promptHandover},
	{Clause: "WAKE-2", Study: true, Run: promptTask},
	{Clause: "WAKE-3", Study: true, Run: racesAreWon},
	{Clause: "WAKE-4", Study: true, Run: crossedWakeups},
	{Clause: "WAKE-5", Run: coalescedWrites},
	{Clause: "WAKE-6", Study: true, Run: fullWakeup},
	{Clause: "WAKE-7", Study: true, Run: sleepsAfterWakeups},
	{Clause: "WAKE-8", Study: true, Run: declaredWakeup},
	{Clause: "WAKE-9", Own: true, Run: wakeupsInRain},
}

// asleep is a pause after which a loop that has nothing to do waits in its poll.
const asleep = 60 * time.Millisecond

const lostWakeup = "nothing woke the loop: the post came between its last look at the queue and its sleep, or did not write to the wakeup descriptor"

// promptHandover lets the loops fall asleep and connects a client that asks, twelve times: its
// reply must come within 0.5 s, or twice the usual time.
func promptHandover(s *session.Session) {
	usual := usually(s)
	if s.Dialect.Requests() == 1 && usual > prompt/2 {
		s.Untested(fmt.Sprintf("the one reply on a connection takes %s, also where nothing was asleep: there is no telling what is the hand-over's part", figure(usual)))
	}
	var conns []*session.Conn
	for range 12 {
		s.Pause(asleep)
		payload := s.Payload(40)
		watch := s.Clock()
		c := s.Open()
		c.Exchange(payload)
		inTime(s, "a new connection's first reply", watch.Elapsed(), max(prompt, 2*usual),
			"the connection was handed to a sleeping loop that nobody woke")
		if serial(s) {
			c.Close()
			continue
		}
		conns = append(conns, c)
	}
	closeAll(conns)
}

// promptTask lets the loops fall asleep and posts a task, to each of them in turn: it must run within 0.5 s.
func promptTask(s *session.Session) {
	const posts = 64 // at the most, where there are no more loops than that
	p := s.Probe()
	for range max(1, min(4, posts/loops(s))) {
		for k := range loops(s) {
			s.Pause(asleep)
			watch := s.Clock()
			reply := p.OK("POST", k, 1)
			inTime(s, fmt.Sprintf("a task posted to sleeping loop %d", k), watch.Elapsed(), prompt, "the post did not wake the loop")
			wantField(s, "POST", session.Fields(reply), "ran", 1)
		}
	}
}

const (
	raceRounds = 24
	racesEach  = 250
	soakRaces  = 1_000_000 // of all loops together
	// racePatience is what a round of races may take beyond an await: 250 races
	// take 25 ms on a quiet machine, and some loops wait a tick for each.
	racePatience = 3 * time.Second
)

// racesAreWon posts a task again and again, just when the loop is about to sleep, 6,000 times to
// each of two loops: each must run, and within 0.5 s.
func racesAreWon(s *session.Session) {
	p := s.Probe().Patience(racePatience)
	raced, rounds := min(loops(s), 2), raceRounds
	if s.Soak() {
		rounds = soakRaces / raced / racesEach
	}
	for k := range raced {
		for range rounds {
			race(s, p, k, racesEach)
		}
	}
	s.Note("%d races on %d loops, none lost", raced*rounds*racesEach, raced) // the first that is lost ends the check
}

func race(s *session.Session, p *session.Probe, loop, n int) {
	watch := s.Clock()
	reply := p.OK("RACE", loop, n)
	wantField(s, "RACE", session.Fields(reply), "ran", n)
	notStranded(s, p.Int(reply, "late"), watch)
}

// notStranded judges the greatest delay from post to run that the server
// reports. What the machine stalled meanwhile is taken off.
func notStranded(s *session.Session, late int64, watch session.Stopwatch) {
	if delay := time.Duration(late) - watch.Stalled(); delay > prompt {
		s.Failf(session.Late, fmt.Sprintf("a posted task waited %v for its loop", time.Duration(late).Round(time.Millisecond)),
			fmt.Sprintf("every task runs within %v", prompt), fmt.Sprintf("late=%d", late), lostWakeup)
	}
}

// crossedWakeups has eight threads post a few tasks to a loop at once, 40 times: all must run, and
// each within 0.5 s.
func crossedWakeups(s *session.Session) {
	p := s.Probe().Patience(racePatience)
	for k := range min(loops(s), 2) {
		for round := range 40 {
			producers, n := 8, 1+round%5
			watch := s.Clock()
			reply := p.OK("CROSS", k, producers, n)
			wantField(s, "CROSS", session.Fields(reply), "ran", producers*n)
			notStranded(s, p.Int(reply, "late"), watch)
		}
	}
}

// coalescedWrites has eight threads post 4,000 tasks each: in one of three tries the wakeup
// descriptor must get no more than one write for two tasks.
func coalescedWrites(s *session.Session) {
	const producers, n = 8, 4000
	p := s.Probe().Patience(racePatience)
	var least int64 = producers * n
	for range 3 {
		reply := p.OK("CROSS", "-", producers, n)
		if least = min(least, p.Int(reply, "writes")); least <= producers*n/2 {
			return
		}
	}
	s.Failf(session.Wrong, "nearly every post wrote to the wakeup descriptor",
		fmt.Sprintf("at most %d writes for %d tasks", producers*n/2, producers*n), fmt.Sprintf("at least %d writes, in each of 3 tries", least), "wakeups are not coalesced")
}

// fullWakeup has a task post 200,000 tasks to its own loop, more than a pipe takes writes: all must
// run, and a PING and a fresh client be answered.
func fullWakeup(s *session.Session) {
	const n = 200_000
	p := s.Probe().Patience(racePatience)
	reply := p.OK("NEST", "-", n)
	wantField(s, "NEST", session.Fields(reply), "ran", n)
	payload := s.Payload(20)
	s.Expect(p.OK("PING", payload).Fields).To(equalBytes(payload), "the PING after it")
	p.Conn().Close()
	s.ServesFresh()
}

// sleepsAfterWakeups wakes each loop by posts from inside and from other threads: the server must
// come to rest afterwards.
func sleepsAfterWakeups(s *session.Session) {
	p := s.Probe()
	for range 3 {
		for k := range loops(s) {
			p.OK("POST", k, 10)
			p.OK("CROSS", k, 4, 10)
		}
	}
	p.OK("NEST", "-", 10)
	rests(s, "after its loops have been woken")
}

// declaredWakeup opens connections and looks at the pollers that hold them: each must also hold a
// waker of the kind that HELLO names.
func declaredWakeup(s *session.Session) {
	kinds := map[string]string{"eventfd": "eventfd", "pipe": "pipe", "socketpair": "socket"}
	hello := s.Hello()
	kind, known := kinds[hello["wakeup"]]
	if !known || !slices.Contains([]string{"epoll", "epollet"}, hello["poller"]) {
		s.Untested(fmt.Sprintf("HELLO says wakeup=%s poller=%s, which /proc does not show", hello["wakeup"], hello["poller"]))
	}
	if s.Target.Network() == "unix" {
		s.Untested("/proc does not show which unix socket of the target is the other end of a client's")
	}
	conns := opened(s, 4*loops(s))
	pollers := map[[2]int]registration{}
	ours := map[[2]int]bool{}
	for _, r := range served(s, conns) {
		pollers[[2]int{r.poller.Pid, r.poller.FD}] = r
		ours[[2]int{r.poller.Pid, r.watch.FD}] = true
	}
	if len(pollers) == 0 {
		s.Failf(session.Wrong, "HELLO names the poller "+hello["poller"]+", but no connection hangs on an epoll descriptor",
			"each connection on the poller of its loop", "no epoll descriptor of the process tree holds one of the connections", "")
	}
	unix := map[uint64]bool{}
	for _, socket := range observed(s, "the sockets", s.Tree().Sockets) {
		unix[socket.Inode] = socket.Network == "unix"
	}
	for _, r := range pollers {
		var watched []string
		found := false
		for _, w := range r.poller.Watched {
			if ours[[2]int{r.poller.Pid, w.FD}] {
				continue
			}
			watched = append(watched, w.Kind)
			found = found || w.Kind == kind && (kind != "socket" || w.Inode == 0 || unix[w.Inode])
		}
		if !found {
			s.Failf(session.Wrong, fmt.Sprintf("a loop's poller holds no %s", hello["wakeup"]),
				fmt.Sprintf("HELLO says wakeup=%s: one of these on the poller of each loop", hello["wakeup"]),
				fmt.Sprintf("epoll descriptor %d holds, beside connections: %v", r.poller.FD, watched), "")
		}
	}
	closeAll(conns)
}

// wakeupsInRain sends signals to every thread all the time while it posts to loops that sleep: each
// task must run within 0.5 s.
func wakeupsInRain(s *session.Session) {
	end := rain(s)
	defer end()
	p := s.Probe().Patience(racePatience)
	for k := range min(loops(s), 2) {
		for range 6 {
			s.Pause(asleep)
			watch := s.Clock()
			p.OK("POST", k, 1)
			inTime(s, fmt.Sprintf("a task posted to loop %d while signals rain", k), watch.Elapsed(), prompt, lostWakeup)
			race(s, p, k, 50)
		}
	}
	end()
	s.ServesFresh()
}
