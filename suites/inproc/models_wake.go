package inproc

import (
	"time"

	"pgregory.net/rapid"
)

// racesOfACase is how many races one drawn case runs: a loop that loses one in a
// hundred is found in a few cases, and a timer that a poll rounds up to a
// millisecond does not make a case long.
const racesOfACase = 100

// wakeupsModel races posts, wakes and near timers with a loop that goes to
// sleep, at drawn distances. Each race has to be won before the next one starts, so nothing
// that comes later wakes the loop for it.
func wakeupsModel(t *rapid.T, l *running) {
	l.on(func() {}) // it runs: before that, timers are set by nobody
	ran := make(chan error, 1)
	task := func() { ran <- nil }
	kinds := []string{"post", "post", "wake, post", "post from a task", "timer from a task"}
	if l.anyThread {
		kinds = append(kinds, "timer")
	}
	distances := rapid.SliceOfN(rapid.IntRange(0, 3000), 1, 8).Draw(t, "distances")
	how := rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 6).Draw(t, "how")
	near := time.Duration(rapid.IntRange(0, 100).Draw(t, "µs of timers")) * time.Microsecond
	timer := func() error { _, err := l.After(near, task); return err }
	tell := func(err error) {
		if err != nil {
			ran <- err
		}
	}
	for race := range racesOfACase {
		spin(distances[race%len(distances)])
		var err error
		kind := how[race%len(how)]
		switch kind {
		case "post":
			err = l.Post(task)
		case "wake, post":
			if err = l.Wake(); err == nil {
				err = l.Post(task)
			}
		case "post from a task":
			err = l.Post(func() { tell(l.Post(task)) })
		case "timer from a task":
			err = l.Post(func() { tell(timer()) })
		case "timer":
			err = timer()
		}
		if err == nil {
			select {
			case err = <-ran:
			case <-time.After(l.patience):
				t.Fatalf("the task of race %d (%s) did not come within %v: %s", race, kind, l.patience, lostWakeup)
			}
		}
		if err != nil {
			t.Fatalf("race %d: %s reported %v", race, kind, err)
		}
	}
}
