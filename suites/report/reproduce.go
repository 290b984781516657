package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/ascii"
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
	short    int      // sends of which it left out bytes
	conns    map[int]*conversation
	previous time.Duration
}

// conversation is what a script needs to know of one connection for its verdict.
type conversation struct {
	sent, came int
	first      []byte // that was sent
	end        string // how the server ended it; "silence" where it did not
	ours       bool   // we ended it
}

// owed is how many bytes a server owes that sends back what it gets; 0: the script
// cannot know.
func owed(t Target, c *conversation) int {
	const mode = "ECHO\n" // of the probe dialect, which is not sent back
	switch {
	case t.Dialect == "echo":
		return c.sent
	case t.Dialect == "probe" && strings.HasPrefix(string(c.first), mode):
		return c.sent - len(mode)
	}
	return 0
}

// judged lists the connections that a script's verdict is about: the one that is blamed,
// or else those that were the server's to end, or else all.
func (s *script) judged(blamed int) (list []int) {
	if blamed > 0 && s.conns[blamed] != nil {
		return []int{blamed}
	}
	all := slices.Sorted(maps.Keys(s.conns))
	for _, n := range all {
		if !s.conns[n].ours {
			list = append(list, n)
		}
	}
	if len(list) == 0 {
		return all
	}
	return list
}

// onTheSocket are the clauses that need a look into the process to get a server where
// they judge it, and whose fault its clients see all the same.
var onTheSocket = []string{"FLOW-1", "LIFE-13", "LIFE-14", "LIFE-22", "MODEL-8"}

// beyondExchange says why an exchange cannot show that a clause is broken; "" if it may.
func beyondExchange(id string) string {
	clause, known := spec.Lookup(id)
	if !known || slices.Contains(clause.Vantages, spec.Wire) || slices.Contains(onTheSocket, id) {
		return ""
	}
	return "the exchange alone cannot show this: the check also acts on the server's process (signals, limits), or measures it (processor time, memory, descriptors)"
}

// again is the command that judges the clause again.
func again(r Result) string {
	if r.Evidence.Rerun != "" {
		return elsewhere(r.Evidence.Rerun)
	}
	return "reactorspec check --clause " + r.Clause
}

func scriptOf(run *Run, r Result) string {
	s := script{conns: make(map[int]*conversation)}
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
	beyond := beyondExchange(r.Clause)
	if beyond != "" {
		say("BEWARE", beyond+". What shows it: "+again(r))
	}
	say("seen", fmt.Sprintf("%s by %s, seed %#x", run.Started.UTC().Format("2006-01-02"), run.Tool, run.Seed))
	if e.Conn > 0 {
		say("note", fmt.Sprintf("Connection %d is the one that showed it.", e.Conn))
	}
	if s.short > 0 {
		s.cut = append(s.cut, fmt.Sprintf("the evidence keeps only the beginning of %d of the sends; the script fills them up with the letter x.", s.short))
	}
	for _, cut := range s.cut {
		say("CUT", cut)
	}
	b.WriteString("#\n# python3 repro.py PORT | HOST:PORT | /path/of/a/socket\n")
	unseen := ""
	if beyond != "" {
		unseen = fmt.Sprintf("print(%s, file=sys.stderr)\n", pythonBytes([]byte(r.Clause + ": " + beyond + ". To see it: " + again(r)))[1:])
	}
	b.WriteString(scriptOn(s.steps.String(), unseen))
	b.WriteString(s.steps.String())
	b.WriteString("for n in sorted(connections):\n    end(n)\n")
	for _, n := range s.judged(e.Conn) {
		c := s.conns[n]
		fmt.Fprintf(&b, "verdict(%d, %d, %d, %q)\n", n, owed(t, c), c.came, c.end)
	}
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
	c := s.conns[event.Conn]
	known := c != nil
	if !known {
		c = &conversation{end: "silence"}
		s.conns[event.Conn] = c
	}
	if event.Kind == "dial" {
		if event.Head != "" { // refused, or the like
			line("dial(%d)  # then: %s", event.Conn, plainNote(event))
		} else {
			line("dial(%d)", event.Conn)
		}
		return
	}
	if !known {
		line("dial(%d)  # its beginning is among what was left out", event.Conn)
	}
	data, whole := event.Data()
	switch event.Kind {
	case "send":
		if c.sent == 0 {
			c.first = data
		}
		c.sent += event.Bytes
		if whole {
			line("send(%d, %s)", event.Conn, pythonBytes(data))
			return
		}
		line("send(%d, %s, %d)", event.Conn, pythonBytes(data), event.Bytes)
		s.short++
	case "recv":
		c.came += event.Bytes
		line("recv(%d, %d)  # then: %s%s", event.Conn, event.Bytes, pythonBytes(data[:min(len(data), shownHead)]), map[bool]string{false: " …"}[whole && len(data) <= shownHead])
	case "close":
		if event.Head != "" {
			line("half_close(%d)", event.Conn)
		} else {
			c.ours, c.end = true, "our own end"
			line("close(%d)", event.Conn)
		}
	case "rst":
		if event.Head != "" { // ours
			c.ours, c.end = true, "our own end"
			line("close(%d, reset=True)", event.Conn)
			return
		}
		c.end = "RST"
		line("end(%d)  # the run saw RST", event.Conn)
	case "eof":
		c.end = "FIN"
		line("end(%d)  # the run saw FIN", event.Conn)
	default:
		line("# connection %d: %s", event.Conn, strings.TrimSpace(event.Kind+" "+plainNote(event)))
	}
}

// pythonBytes is data as a literal of Python.
func pythonBytes(data []byte) string { return "b" + ascii.Quote(data) }
