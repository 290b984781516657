package fuzzing

import (
	"bytes"
	"slices"
	"strings"

	"github.com/reactorspec/reactorspec/suites/target"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// alarms are what sanitizers, race detectors, panics and assertions write to standard error.
var alarms = []string{
	"DATA RACE", "panic:", "fatal error: ", "runtime error", "AddressSanitizer", "ThreadSanitizer", "MemorySanitizer", "LeakSanitizer",
	"UndefinedBehaviorSanitizer", "Assertion", "assertion failed", "panicked at", "stack smashing detected", "corrupted double-linked list",
	"double free or corruption", "malloc(): ", "free(): invalid",
}

// alarm finds the first line of what was printed that tells of a fault inside the
// server, as it may be shown; "" where there is none. contained: a panic was asked for.
func alarm(printed []byte, contained bool) string {
	for line := range bytes.Lines(printed) {
		for _, word := range alarms {
			if contained && (word == "panic:" || word == "runtime error" || word == "panicked at") {
				continue
			}
			if bytes.Contains(line, []byte(word)) {
				return target.Sanitise(strings.TrimRight(string(line), "\r\n"))
			}
		}
	}
	return ""
}

// contained reports whether a transcript asks the server for a panic, which it then tells.
func contained(t transcript.Transcript) bool {
	return slices.ContainsFunc(t.Steps, func(s transcript.Step) bool { return s.Op == transcript.Call && s.Verb == transcript.Fail })
}
