package target

import (
	"errors"
	"os"
	"time"
)

// What a target prints is read as it comes, or it might stand. HoldOutput ends that for a while.

// hold ends the reading of r until readOn.
func (o *output) hold(r *os.File) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held != nil {
		return nil
	}
	o.held = make(chan struct{})
	return r.SetReadDeadline(time.Unix(1, 0)) // a read that waits returns
}

// readOn goes on with the reading of r.
func (o *output) readOn(r *os.File) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held == nil {
		return
	}
	_ = r.SetReadDeadline(time.Time{})
	close(o.held)
	o.held = nil
}

func (o *output) awaitReading() {
	o.mu.Lock()
	held := o.held
	o.mu.Unlock()
	if held != nil {
		<-held
	}
}

// readOn goes on with the reading of both outputs.
func (p *process) readOn() {
	p.out.readOn(p.pipes[0])
	p.err.readOn(p.pipes[1])
}

// HoldOutput leaves what the target prints unread from now on, in pipes of the least size, and
// returns how many bytes the larger one holds. ReadOn ends that.
func (i *Instance) HoldOutput() (room int, err error) {
	p := i.latest.Load().proc
	if p == nil {
		return 0, errors.New("a target that was already running prints to whoever started it")
	}
	for n, o := range []*output{p.out, p.err} {
		holds, err := narrowPipe(p.pipes[n])
		if err == nil {
			err = o.hold(p.pipes[n])
		}
		if err != nil {
			p.readOn()
			return 0, err
		}
		room = max(room, holds)
	}
	return room, nil
}

// ReadOn has what the target prints read again, as it comes.
func (i *Instance) ReadOn() {
	if p := i.latest.Load().proc; p != nil {
		p.readOn()
	}
}

// Unread is how many bytes wait in the fuller one of the pipes to which the target prints.
func (i *Instance) Unread() (most int) {
	if p := i.latest.Load().proc; p != nil {
		for _, r := range p.pipes {
			most = max(most, unreadIn(r))
		}
	}
	return most
}

// PrintedBytes is how many bytes of what the target printed, on both outputs, were read so far.
func (i *Instance) PrintedBytes() (total int64) {
	if p := i.latest.Load().proc; p != nil {
		_, out := p.out.since(0)
		_, err := p.err.since(0)
		total = out + err
	}
	return total
}
