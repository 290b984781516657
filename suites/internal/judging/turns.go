package judging

import (
	"context"
	"sync"
)

// turns are places of which each is taken by one check at a time.
type turns chan struct{}

// enter waits for a place; false when the run is to end.
func (t turns) enter(ctx context.Context) bool {
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	if ctx.Err() != nil { // it ended on the way in
		t.leave()
		return false
	}
	return true
}

func (t turns) leave() { <-t }

// turnsOf are those that a step waits for; nil where it need not wait.
func (r *Run) turnsOf(s step) turns {
	switch {
	case s.here || r.target.Addr != "":
		return r.shared
	case s.check.Study:
		return r.studies
	case s.check.Own:
		return nil
	}
	return r.shared
}

// Ahead judges everything selected in the background, so that studies run
// beside the ordinary checks; Judge then only waits. The returned function
// waits until all is judged.
func (r *Run) Ahead() (wait func()) {
	var workers sync.WaitGroup
	judge := func(ids <-chan string) {
		for id := range ids {
			r.Judge(id)
		}
	}
	shared, own, studies := r.plan.split()
	if r.target.Addr != "" {
		workers.Go(func() {
			judge(queue(shared))
			judge(queue(own))
			judge(queue(studies))
		})
		return workers.Wait
	}
	waiting, long := queue(own), queue(studies)
	workers.Go(func() { judge(waiting) })
	workers.Go(func() {
		judge(queue(shared))
		judge(waiting)
	})
	for range studiesAtOnce {
		workers.Go(func() {
			judge(long)
			judge(waiting)
		})
	}
	return workers.Wait
}

func queue(ids []string) <-chan string {
	q := make(chan string, len(ids))
	for _, id := range ids {
		q <- id
	}
	close(q)
	return q
}
