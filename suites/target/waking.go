package target

import (
	"context"
	"time"
)

const (
	// waking is for how long a target that names no ready_timeout may accept connections
	// before it serves them. What will never serve, for a dialect that is not its own, is
	// told so that much later.
	waking = 2 * time.Second
	// knocks is the pause between two requests to a target that does not serve yet.
	knocks = 100 * time.Millisecond
)

// Wakes has ask say something to the target, and say it again for as long as the target
// may take to be ready: some accept connections before they serve, and say so
// (PostgreSQL: the database system is starting up). One that runs already is asked once,
// and so is one that has ended. It reports what ask reported last: whether it was served.
func (i *Instance) Wakes(ctx context.Context, ask func() bool) bool {
	served := ask()
	for began := time.Now(); !served && i.owned && i.Alive() == nil && time.Since(began) < i.file.ReadyTimeout.or(waking); served = ask() {
		if pause(ctx, knocks) != nil {
			return false
		}
	}
	return served
}
