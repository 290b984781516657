package judging

import (
	"context"
	"slices"
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
	case s.check.Watch && r.others != nil:
		return nil
	case s.check.Study:
		return r.studies
	case s.check.Own:
		return nil
	}
	return r.shared
}

// Ahead judges everything selected in the background, so that studies run
// beside the ordinary checks; Judge then only waits. What may come to advice is
// looked at once all else is judged, but for watches, which are coming to their end
// meanwhile. These go on beside all that binds the target, on an instance that nobody
// else touches; on one that runs already there is none. The returned function waits until all is judged. It is called before any Judge.
func (r *Run) Ahead() (wait func()) {
	bound, advice := r.plan.split()
	var watches []string
	if r.target.Addr == "" {
		watches, bound.watches = bound.watches, nil
		r.others = make(chan struct{})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var watching sync.WaitGroup
		for _, id := range watches {
			watching.Go(func() { r.Judge(id) })
		}
		r.judgeAll(bound)
		if r.others != nil {
			close(r.others)
		}
		r.judgeAll(advice)
		watching.Wait()
	}()
	return func() { <-done }
}

// judgeAll judges what one phase names, and returns when all is judged.
func (r *Run) judgeAll(p phase) {
	var workers sync.WaitGroup
	judge := func(ids <-chan string) {
		for id := range ids {
			r.Judge(id)
		}
	}
	if r.target.Addr != "" {
		judge(queue(slices.Concat(p.shared, p.own, p.watches, p.studies)))
		return
	}
	waiting, long := queue(p.own), queue(slices.Concat(p.watches, p.studies))
	workers.Go(func() { judge(waiting) })
	workers.Go(func() {
		judge(queue(p.shared))
		judge(waiting)
	})
	for range studiesAtOnce {
		workers.Go(func() {
			judge(long)
			judge(waiting)
		})
	}
	workers.Wait()
}

func queue(ids []string) <-chan string {
	q := make(chan string, len(ids))
	for _, id := range ids {
		q <- id
	}
	close(q)
	return q
}
