package clauses

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// idleWindow is how long CPU time is taken for one verdict of idleness: a
	// spinning loop uses all of it, a good server 2 ms.
	idleWindow = 700 * time.Millisecond
	// idleShare is the part of a core that an idle server may use: a fifth.
	idleShare = 5
	// starvedShare is the part of a window, one in so many, that the busiest thread
	// has to get, or not to want, for the window to tell anything. A loop that spins
	// beside twenty busy processes uses a twentieth of a core, and so does one that
	// keeps house there.
	starvedShare = 4
	// heldShare is the part of a window that has to be lost to others before one window
	// at rest does not decide by itself.
	heldShare = 8
	// longestWindow is to how many times its length a window is stretched where others
	// use the processors.
	longestWindow = 4
	// restGrace is for how long after the last byte a server may be busy all the
	// same: it polls before it sleeps, or its runtime compiles what has become hot.
	// HotSpot was seen to take three seconds for that. What counts is the time in which
	// it could run (see idleness): beside others the same work takes longer.
	restGrace = 5 * time.Second
	// restPatience is how long a server is waited for that works through what it was
	// sent. No flood of ours is work for longer, unless a request takes 10 ms.
	restPatience = 30 * time.Second
	// workGrace is how long it may be busy behind a flood while it writes elsewhere, such
	// as a line of its log for each request that it drops. There may be some thousands of
	// them, so such work ends; what writes a line in each turn of a spin does not.
	workGrace = 20 * time.Second
	// fallShare is by what part of itself the use of the processor has to fall from
	// one window to the next to count as work that comes to its end: a fifth.
	fallShare = 5
)

// rests fails the clause if the process tree uses more than a fifth of a core when
// it should be at rest. state completes "… of a core is used".
//
// Idleness is judged from rest on. As long as bytes move between the server and its
// clients it works; for restGrace afterwards it may be busy still; and what falls
// from window to window is work. What is left, twice in a row, is a spin: it uses
// the same for ever.
func rests(s *session.Session, state string) {
	s.Pause(settle)
	restsIn(s, state, resting{window: idleWindow})
}

// restsBehindAFlood is rests where the target was sent more requests than it can have
// worked through.
func restsBehindAFlood(s *session.Session, state string) {
	s.Pause(settle)
	restsIn(s, state, resting{window: idleWindow, flood: true})
}

// resting is how it is looked whether the target rests.
type resting struct {
	window  time.Duration
	patient bool // other instances that are judged meanwhile may keep it from running: it does not give up before they have ended
	flood   bool // what it writes elsewhere may be about what it still works through
}

func restsIn(s *session.Session, state string, how resting) {
	began := time.Now()
	last, moving, until := began, queues(s), began.Add(restPatience)
	var had time.Duration // that it could run since the last byte
	wrote := written(s)
	var before idleness
	for again, calm, restless := false, false, false; ; {
		now := cpuOver(s, how.window, idleShare)
		restless = restless || !now.rests(idleShare)
		if now.rests(idleShare) && !now.starved() {
			if !calm && now.held() {
				calm = true // one more window tells whether it rested, or was only not let
				continue
			}
			wait := time.Since(began) - how.window
			if wait > restPatience && restless { // a spin that ends by itself may have gone by unseen
				s.Inconclusive(fmt.Sprintf("the server came to rest only after %v, and this machine let it run for %v of them: whether it worked or spun cannot be told beside so much else",
					wait.Round(time.Second), had.Round(100*time.Millisecond)))
			}
			if wait > how.window {
				s.Note("the server came to rest %v after it was asked to", wait.Round(10*time.Millisecond))
			}
			return
		}
		calm = false
		queued, elsewhere := queues(s), written(s)
		works := how.flood && elsewhere != wrote && had < workGrace
		wrote = elsewhere
		had += now.could
		switch {
		case !maps.Equal(queued, moving):
			last, had, moving, again = time.Now(), 0, queued, false
		case now.starved():
			again = false
		case had < restGrace:
		case again && !works && now.share() > before.share()*(1-1./fallShare):
			now.fail(s, state, idleShare, fmt.Sprintf("%v after the last byte", time.Since(last).Round(100*time.Millisecond)))
		default:
			again = true
		}
		if how.patient && s.Others() {
			until = time.Now().Add(restPatience) // once they have ended it is let run
		}
		if before = now; time.Now().After(until) {
			if now.starved() || had < restGrace && time.Since(last) > restGrace {
				now.undecided(s)
			}
			s.Untested(fmt.Sprintf("the server still worked through what it was sent, %v later: %d %% of a core, and less from window to window, or bytes that moved",
				time.Since(began).Round(time.Second), int(100*now.share())))
		}
	}
}

// staysAtRest goes on watching the target, which has come to rest, for as long as other
// checks are judged on other instances: a spin may begin after seconds of rest. What
// ends by itself before it could run for restGrace, or falls from window to window, is
// work.
func staysAtRest(s *session.Session, state string) {
	if !s.Others() {
		s.Note("it was watched no longer, with no other instance to judge the rest on meanwhile")
		return
	}
	began := time.Now()
	var since time.Time       // when it was found restless; zero: it rests
	var had time.Duration     // that it could run since then: a job is as long as the machine lets it
	var told, ended time.Time // when a window told anything last; when the others were found judged
	var before idleness
	for {
		start := time.Now()
		if !s.Others() && ended.IsZero() {
			ended = start
		}
		if !ended.IsZero() && since.IsZero() {
			break
		}
		now := cpuOver(s, idleWindow, idleShare)
		late := !ended.IsZero() && time.Since(ended) > restPatience
		switch {
		case now.starved() && !now.never(): // tells neither
			if late {
				now.undecided(s)
			}
			continue
		case now.rests(idleShare):
			since = time.Time{}
		case since.IsZero() || now.share() < before.share()*(1-1./fallShare):
			since, had = start, now.could
		default:
			if had += now.could; had > restGrace {
				now.fail(s, state, idleShare, fmt.Sprintf("%v after it had come to rest, and for %v on end, in %v of which it could run",
					since.Sub(began).Round(100*time.Millisecond), time.Since(since).Round(100*time.Millisecond), had.Round(100*time.Millisecond)))
			}
			if late {
				now.undecided(s)
			}
		}
		before, told = now, time.Now()
	}
	if told.IsZero() {
		told = began
	}
	s.Note("it was watched for %v more, and stayed at rest", told.Sub(began).Round(100*time.Millisecond))
}

// usesLittle is rests in a state that has traffic of its own: two windows in a row
// decide, at once.
func usesLittle(s *session.Session, state string, window, share time.Duration) {
	for again := false; ; again = true {
		now := cpuOver(s, window, share)
		switch {
		case now.starved() && again:
			now.undecided(s)
		case now.starved():
		case now.rests(share):
			return
		case again:
			now.fail(s, state, share, "for the second time")
		}
	}
}

// written is how many bytes the target has written anywhere, 0 where that is not told.
func written(s *session.Session) int64 {
	n, err := s.Tree().Wrote()
	if err != nil {
		return 0
	}
	return n
}

// queue is what waits in one socket of the server, in bytes.
type queue struct{ unread, unsent uint64 }

// queues are what waits in the server's sockets, by inode. They change as long as
// bytes pass, or connections come and go. Of unix sockets nothing is told.
func queues(s *session.Session) map[uint64]queue {
	list, err := s.Tree().Sockets()
	if err != nil {
		return nil // whoever needs it finds out why
	}
	waiting := map[uint64]queue{}
	for _, socket := range list {
		waiting[socket.Inode] = queue{socket.RxQueue, socket.TxQueue}
	}
	return waiting
}

// idleness is what the target used over a window. used is the CPU time of its tree;
// could is how long it could have run: the time that passed, less what its busiest
// thread waited for a CPU because others used them. A loop that spins on a busy
// machine uses little, but all that it can get; an idle one neither.
//
// Threads of the tree that keep each other waiting are no others: what the tree had of
// all processors did pass for it, however long each of its threads stood in line.
type idleness struct {
	window, used, could time.Duration
	busiest             string
	crowd               int  // threads that ran or stood in line at the end
	waits               bool // a thread stood in line for a processor whenever it was looked at
}

func (i idleness) rests(share time.Duration) bool { return i.used*share <= i.could }

// starved reports whether others used the processors so much that what the target
// did tells nothing. What it used of the window itself tells, where it is too much.
func (i idleness) starved() bool {
	return i.used*idleShare <= i.window && (i.could*starvedShare < i.window || i.waits)
}

// held reports whether others used so much of the processors that a single window at rest
// may have been one in which the target was not let.
func (i idleness) held() bool { return i.could*heldShare < i.window*(heldShare-1) }

// never reports whether the busiest thread never slept: on a busy machine it may have
// got little, but took all that it could get, where one that keeps house leaves most.
func (i idleness) never() bool {
	const enough = 20 * time.Millisecond // of a window; less is within what is counted late
	return i.could >= enough && i.used*10 >= i.could*9
}

// undecided ends the check: this machine did not let the target run.
func (i idleness) undecided(s *session.Session) {
	if i.waits {
		s.Inconclusive("threads of the server stood in line for a processor whenever they were looked at: what they do at rest cannot be told beside so much else")
	}
	s.Inconclusive(fmt.Sprintf("this machine let the server run for %v of %v: what it does at rest cannot be told beside so much else%s",
		i.could.Round(time.Millisecond), i.window.Round(time.Millisecond), crowdBeside()))
}

// share is the part of a core that was used, of what could be had of it.
func (i idleness) share() float64 { return float64(i.used) / float64(max(i.could, i.used, 1)) }

func (i idleness) fail(s *session.Session, state string, share time.Duration, when string) {
	got := fmt.Sprintf("%v of CPU time in the %v for which it could run, %s; the busiest is %s", i.used.Round(time.Millisecond), i.could.Round(time.Millisecond), when, i.busiest)
	why := "a poll that does not block, or an event that is never consumed"
	if i.crowd > runtime.NumCPU() {
		got += fmt.Sprintf("; %d threads of the server ran or stood in line for a processor", i.crowd)
		why += ": in several threads or processes at once, perhaps one for each client that has left"
	}
	s.Failf(session.Wrong, fmt.Sprintf("%d %% of a core is used %s", int(100*i.share()), state), fmt.Sprintf("at most %d %% of a core", 100/share), got, why)
}

// cpuOver watches the target for a window, and for several where others use the
// processors meanwhile: the kernel counts what a thread waited for a CPU when it gets
// one, so that a short window tells little of a thread that waits at its end. share is that
// below which the window will count as rest.
func cpuOver(s *session.Session, window, share time.Duration) idleness {
	tree := s.Tree()
	threads := observed(s, "the threads", tree.Threads)
	before, start := observed(s, "the CPU time", tree.CPU), time.Now()
	for n := 1; ; n++ {
		s.Pause(window)
		now := idleness{window: time.Since(start), busiest: "none that is still there"}
		now.used = observed(s, "the CPU time", tree.CPU) - before
		var most, waited time.Duration
		for _, t := range observed(s, "the threads", tree.Threads) {
			if t.State == 'R' {
				now.crowd++
			}
			at := slices.IndexFunc(threads, func(o observe.Thread) bool { return o.Tid == t.Tid && o.Pid == t.Pid })
			if at < 0 {
				continue
			}
			ran, waits := t.OnCPU-threads[at].OnCPU, t.RunDelay-threads[at].RunDelay
			if ran+waits > most+waited {
				most, waited = ran, waits
				now.busiest = fmt.Sprintf("thread %d (%s), %v", t.Tid, t.Name, most.Round(time.Millisecond))
			}
		}
		cores := time.Duration(runtime.NumCPU())
		now.could = max(now.window-waited, min(now.used/cores, now.window), time.Millisecond)
		pressed := now.rests(share) && (now.crowd > 0 || waited*starvedShare > now.window)
		if n == longestWindow {
			now.waits = pressed && now.crowd > 0
			return now
		}
		if !pressed && !now.starved() {
			return now
		}
	}
}
