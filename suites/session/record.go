package session

import (
	"fmt"
	"sync"
	"time"

	"github.com/reactorspec/reactorspec/suites/internal/ascii"
	"github.com/reactorspec/reactorspec/suites/report"
)

// recorder keeps the timed exchange of one attempt: the first events and the
// last ones, whatever lies between is counted. Behind the first events, sends or
// receives in a row on one connection are one event, so that a flood of them does
// not push out what led to it. Safe for concurrent use.
type recorder struct {
	mu      sync.Mutex
	start   time.Time
	first   []event
	last    []event // a ring once full
	next    int
	dropped int
	notes   []string
}

type event struct {
	at    time.Duration
	conn  int
	kind  string
	bytes int
	times int
	head  [sentBytes]byte
	kept  int
}

func newRecorder() *recorder { return &recorder{start: time.Now()} }

// add records that kind happened on a connection; data is copied as far as
// evidence quotes it.
func (r *recorder) add(conn int, kind string, data []byte) {
	e := event{at: time.Since(r.start), conn: conn, kind: kind, bytes: len(data), times: 1}
	if kind == "send" {
		e.kept = copy(e.head[:], data)
	} else {
		e.kept = copy(e.head[:headBytes], data)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch latest := r.latest(); {
	case latest != nil && latest.conn == conn && latest.kind == kind && (kind == "send" || kind == "recv"):
		if latest.kept == latest.bytes { // else bytes would be missing between the two
			room := headBytes
			if kind == "send" {
				room = sentBytes
			}
			latest.kept += copy(latest.head[min(latest.kept, room):room], data)
		}
		latest.bytes += e.bytes
		latest.times++
	case len(r.first) < firstEvents:
		r.first = append(r.first, e)
	case len(r.last) < lastEvents:
		r.last = append(r.last, e)
	default:
		r.last[r.next] = e
		r.next = (r.next + 1) % lastEvents
		r.dropped++
	}
}

// latest is the newest of the last events, nil while there are none.
func (r *recorder) latest() *event {
	if len(r.last) == 0 {
		return nil
	}
	return &r.last[(r.next+len(r.last)-1)%len(r.last)]
}

func (r *recorder) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.notes) < maxNotes {
		r.notes = append(r.notes, text)
	}
}

// events renders what was recorded, heads quoted, and the check's notes.
func (r *recorder) events() ([]report.Event, []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []report.Event
	for _, e := range r.first {
		out = append(out, e.render())
	}
	if r.dropped > 0 {
		out = append(out, report.Event{At: r.last[r.next].at, Kind: "note", Head: fmt.Sprintf("%d events left out", r.dropped)})
	}
	for i := range r.last {
		out = append(out, r.last[(r.next+i)%len(r.last)].render())
	}
	return out, append([]string(nil), r.notes...)
}

func (e *event) render() report.Event {
	out := report.Event{At: e.at, Conn: e.conn, Kind: e.kind, Bytes: e.bytes}
	if e.times > 1 {
		out.Times = e.times
	}
	if e.kept > 0 {
		out.Head = quote(e.head[:e.kept], e.bytes)
	}
	return out
}

// quote renders bytes in ASCII, each for itself, so that nothing a target sends
// reaches a terminal raw; total is how many there were.
func quote(head []byte, total int) string {
	text := ascii.Quote(head)
	if total > len(head) {
		text += "…"
	}
	return text
}

// Quoted renders data as evidence does: in ASCII quotes, at most 48 bytes of it.
func Quoted(data []byte) string { return quote(data[:min(len(data), headBytes)], len(data)) }
