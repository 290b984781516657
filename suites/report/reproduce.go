package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

// pausesFrom is the gap between two steps from which on a script waits too:
// shorter ones are the kit's own pace.
const pausesFrom = 50 * time.Millisecond

// WriteReproduction writes the exchange of a clause's evidence as a short Python
// script that needs nothing but Python, for a report upstream. It says where the
// evidence was cut, and with what the script fills the gaps. The error says what
// the run lacks for it.
func WriteReproduction(w io.Writer, run *Run, clause string) error {
	r := neutral(*run)
	at := slices.IndexFunc(r.Results, func(r Result) bool { return r.Clause == clause })
	switch {
	case at < 0:
		return fmt.Errorf("the run of %s has no result for %s: it was not judged", r.Target.Name, clause)
	case r.Results[at].Evidence == nil || len(r.Results[at].Evidence.Sent) == 0:
		return fmt.Errorf("the outcome of %s is %s on %s, and the run keeps no exchange of it: there is nothing to reproduce",
			clause, r.Results[at].Outcome, r.Target.Name)
	}
	_, err := io.WriteString(w, scriptOf(&r, r.Results[at]))
	return err
}

// script is a reproduction on its way: its steps, and what is to be said above them.
type script struct {
	steps    strings.Builder
	cut      []string // what the evidence left out
	dialled  map[int]bool
	previous time.Duration
}

func scriptOf(run *Run, r Result) string {
	s := script{dialled: make(map[int]bool)}
	events := told(*r.Evidence)
	for i, event := range events {
		s.step(event, i > 0)
	}
	e, t := *r.Evidence, run.Target
	var b strings.Builder
	b.WriteString("#!/usr/bin/env python3\n")
	say := func(key, text string) {
		if text != "" {
			for i, line := range (style{width: 100}).wrap(text, 12) {
				if i > 0 {
					key = ""
				}
				fmt.Fprintf(&b, "# %-9s %s\n", key, line)
			}
		}
	}
	say(r.Clause, cmp.Or(r.Sentence, string(r.Level)))
	say("server", strings.TrimSpace(t.Name+" "+t.Version))
	say("start", strings.Join(t.Command, " "))
	say("did", r.Reason)
	say("expected", e.Want)
	say("actual", e.Got)
	say("cause", e.Why)
	if clause, known := spec.Lookup(r.Clause); known {
		say("check", clause.Method)
		say("clause", link(clause))
	}
	say("seen", fmt.Sprintf("%s by %s, seed %#x", run.Started.UTC().Format("2006-01-02"), run.Tool, run.Seed))
	if e.Conn > 0 {
		say("note", fmt.Sprintf("Connection %d is the one that showed it.", e.Conn))
	}
	for _, cut := range s.cut {
		say("CUT", cut)
	}
	b.WriteString("#\n# python3 repro.py PORT | HOST:PORT | /path/of/a/socket\n")
	b.WriteString(scriptHead)
	b.WriteString(s.steps.String())
	b.WriteString("\nfor n in sorted(connections):\n    end(n, \"\")\n")
	return b.String()
}

// told is the part of an exchange that a script says again: connections that were
// over before the one that is blamed began are the kit's own greeting.
func told(e Evidence) []Event {
	if e.Conn == 0 {
		return e.Sent
	}
	begin := slices.IndexFunc(e.Sent, func(event Event) bool { return event.Conn == e.Conn })
	over := make(map[int]bool)
	for _, event := range e.Sent[:max(begin, 0)] {
		if event.Kind == "close" && event.Head == "" || event.Kind == "eof" || event.Kind == "rst" {
			over[event.Conn] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(e.Sent), func(event Event) bool { return over[event.Conn] })
}

// step adds an event to the script.
func (s *script) step(event Event, further bool) {
	line := func(format string, args ...any) { fmt.Fprintf(&s.steps, format+"\n", args...) }
	if !carries(event.Kind) && event.Conn == 0 {
		if text := plainNote(event); text != "" {
			line("# %s", text)
			if strings.HasSuffix(text, "events left out") {
				s.cut = append(s.cut, fmt.Sprintf("%s after %s: steps are missing below, where a comment says so.", text, duration(s.previous)))
			}
		}
		return
	}
	if gap := event.At - s.previous; further && gap >= pausesFrom && (event.Kind == "send" || event.Kind == "close" || event.Kind == "dial") {
		line("time.sleep(%.2f)", gap.Seconds())
	}
	s.previous = event.At
	if event.Kind == "dial" {
		s.dialled[event.Conn] = true
		if event.Head != "" { // refused, or the like
			line("dial(%d)  # then: %s", event.Conn, plainNote(event))
		} else {
			line("dial(%d)", event.Conn)
		}
		return
	}
	if !s.dialled[event.Conn] {
		s.dialled[event.Conn] = true
		line("dial(%d)  # its beginning is among what was left out", event.Conn)
	}
	data, whole := event.Data()
	switch event.Kind {
	case "send":
		if whole {
			line("send(%d, %s)", event.Conn, pythonBytes(data))
			return
		}
		line("send(%d, %s, %d)", event.Conn, pythonBytes(data), event.Bytes)
		s.cut = append(s.cut, fmt.Sprintf("of %d bytes sent on connection %d the evidence keeps %d; the script fills up with the letter x.", event.Bytes, event.Conn, len(data)))
	case "recv":
		line("recv(%d, %d)  # then: %s%s", event.Conn, event.Bytes, pythonBytes(data[:min(len(data), shownHead)]), map[bool]string{false: " …"}[whole && len(data) <= shownHead])
	case "close":
		if event.Head != "" {
			line("half_close(%d)", event.Conn)
		} else {
			line("close(%d)", event.Conn)
		}
	case "rst":
		if event.Head != "" { // ours
			line("reset(%d)", event.Conn)
			return
		}
		line("end(%d, \"RST\")", event.Conn)
	case "eof":
		line("end(%d, \"FIN\")", event.Conn)
	default:
		line("# connection %d: %s", event.Conn, strings.TrimSpace(event.Kind+" "+plainNote(event)))
	}
}

// pythonBytes is data as a literal of Python.
func pythonBytes(data []byte) string {
	var b strings.Builder
	b.WriteString(`b"`)
	for _, c := range data {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

const scriptHead = `import socket, struct, sys, time

if len(sys.argv) != 2:
    sys.exit("usage: repro.py PORT | HOST:PORT | /path/of/a/socket")
where = sys.argv[1]
connections = {}
PATIENCE = 3  # seconds


def say(n, text):
    print(f"#{n} {text}", flush=True)


def dial(n):
    try:
        if "/" in where:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(PATIENCE)
            s.connect(where)
        else:
            host, _, port = where.rpartition(":")
            s = socket.create_connection((host or "127.0.0.1", int(port)), PATIENCE)
        connections[n] = s
        say(n, "connected")
    except OSError as e:
        say(n, f"not connected: {e}")


def send(n, data, size=0):
    data += b"x" * (size - len(data))
    done = 0
    try:
        while n in connections and done < len(data):
            done += connections[n].send(data[done : done + 65536])
        say(n, f"sent {done} of {len(data)} bytes")
    except OSError as e:
        say(n, f"sent {done} of {len(data)} bytes: {e}")


def recv(n, size):
    got = b""
    why = ""
    try:
        while n in connections and len(got) < size:
            piece = connections[n].recv(min(size - len(got), 65536))
            if not piece:
                why = ", then FIN"
                break
            got += piece
    except OSError as e:
        why = f", then {e}"
    say(n, f"received {len(got)} of {size} bytes{why}: {got[:24]!r}")


def half_close(n):
    try:
        connections[n].shutdown(socket.SHUT_WR)
        say(n, "half-closed")
    except (KeyError, OSError) as e:
        say(n, f"not half-closed: {e}")


def close(n):
    if n in connections:
        connections.pop(n).close()


def reset(n):
    if n in connections:
        connections[n].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        close(n)


def end(n, then):
    if n not in connections:
        return
    got, how = 0, "FIN"
    try:
        while piece := connections[n].recv(65536):
            got += len(piece)
    except TimeoutError:
        how = f"silence for {PATIENCE} s, the connection open"
    except OSError as e:
        how = str(e)
    say(n, f"received {got} bytes more, then {how}" + (f" (the run saw {then} here)" if then else ""))
    close(n)


`
