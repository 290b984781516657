package clauses

import (
	"fmt"
	"os"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// leaveTogether is how many connections end at the same moment: ends that meet
	// raise one SIGCHLD. endedTimes is how often they do before children are counted.
	leaveTogether, endedTimes = 24, 10
	// spareChildren is how many more may have ended and not been collected than before:
	// some collect one at each accept, and some when there are so many.
	spareChildren = leaveTogether
)

// childrenAreCollected lets connections come and go, 24 at a time: children that have ended and are
// not collected must not grow in number, twice in a row.
func childrenAreCollected(s *session.Session) {
	parents := map[int]bool{}
	count := func() (ended, living int) {
		clear(parents)
		processes := observed(s, "the processes", s.Tree().Processes)
		for _, p := range processes {
			parents[p.Pid] = true
		}
		for _, parent := range observed(s, "the children", s.Tree().Zombies) {
			if parents[parent] && parent != os.Getpid() { // others' parents are init, or we, who take orphans
				ended++
			}
		}
		return ended, len(processes)
	}
	s.ServesFresh()
	_, alone := count()
	clients, most := several(s, leaveTogether), alone
	burst := func() {
		conns := opened(s, clients)
		if _, living := count(); living > most {
			most = living
		}
		closeAll(conns)
	}
	churn := func() (ended int) {
		for range endedTimes {
			burst()
		}
		s.Forget()
		ended, _ = count()
		return ended
	}
	before := churn()
	if before == 0 && most == alone {
		s.Note("no process came with %d connections, and none waits to be collected", endedTimes*clients)
		return
	}
	// Twice, since a server that lets some wait for its next accept has as many of them as before.
	for again := false; ; again = true {
		after := churn()
		for began := time.Now(); after > before+spareChildren && time.Since(began) < reapWithin; after, _ = count() {
			s.ServesFresh() // an accept may be when it looks for them
			s.Pause(settle)
		}
		s.Note("%d children wait to be collected after %d connections more, %d before", after, endedTimes*clients, before)
		if after <= before+spareChildren {
			return
		}
		if again {
			s.Failf(session.Wrong, fmt.Sprintf("%d children more have ended and were not collected after %d connections, for the second time", after-before, endedTimes*clients),
				fmt.Sprintf("%d as before, and %d to spare", before, spareChildren), fmt.Sprint(after),
				"ends that meet raise one SIGCHLD: whoever handles it waits for one child only")
		}
		before = after
	}
}
