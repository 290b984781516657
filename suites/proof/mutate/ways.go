package main

import (
	"path"
	"slices"
	"strings"
)

// Flags of a configuration.
var (
	oneLoop   = []string{"--class", "reactor"}
	threaded  = []string{"--class", "thread-per-connection"}
	iterative = []string{"--class", "iterative"}
	byEdge    = []string{"--poller", "epollet"}
	byPoll    = []string{"--poller", "poll"}
	bySelect  = []string{"--poller", "select"}
	byPipe    = []string{"--wakeup", "pipe"}
	byPair    = []string{"--wakeup", "socketpair"}
	toLeast   = []string{"--balance", "least-connections"}
	bySource  = []string{"--balance", "source-hash"}
	idle      = []string{"--idle-timeout", "2s"}
	onUnix    = []string{"--listen", "{socket}"}
	patient   = []string{"--stop-deadline", "50s"} // longer than the spec's: a stop that misses somebody is not saved by it
)

// ways are the configurations that run a file's code, where serve's own ({}) does not
// run it, or not all that clauses can see of it.
var ways = map[string][][]string{
	"class_thread.go":     {threaded, iterative, slices.Concat(threaded, idle), slices.Concat(threaded, patient)},
	"class_reactor.go":    {{}, oneLoop, toLeast},
	"reactor.go":          {{}, idle, patient, toLeast, byPoll},
	"conn.go":             {{}, patient},
	"conn_turn.go":        {{}, byEdge},
	"conn_wait.go":        {idle},
	"acceptor.go":         {{}, oneLoop},
	"acceptor_balance.go": {{}, toLeast, bySource},
	"server.go":           {{}, onUnix, slices.Concat(threaded, patient)},
	"server_command.go":   {{}, onUnix},
	"server_options.go":   {{}, threaded, oneLoop, toLeast},
	"workers.go":          {{}, patient},
	"loop.go":             {{}, byPoll, patient},
	"loop_new.go":         {{}, byPipe, byPoll},
	"loop_sleep.go":       {{}, patient},
	"loop_slots.go":       {{}, byEdge, byPoll},
	"loop_waker.go":       {{}, byPipe, byPair},
	"wake.go":             {{}, byPipe, byPair},
	"blocking.go":         {threaded},
	"listener.go":         {{}, onUnix},
	"epoll.go":            {{}, byEdge},
	"wait.go":             {{}, byPoll},
	"pollset.go":          {byPoll},
	"selectset.go":        {bySelect},
}

// waysOf are the configurations that the suites judge the mutant in: those of
// its file, as far as they run its place; where none of them does, the others that do.
func waysOf(m Mutant, reach *Reach, meets func([]int) bool) [][]string {
	unmet := func(args []string) bool { return !meets(reach.Ways[strings.Join(args, " ")]) }
	own, ok := ways[path.Base(m.File)]
	if !ok {
		own = [][]string{{}}
	}
	if own = slices.DeleteFunc(slices.Clone(own), unmet); len(own) > 0 {
		return own
	}
	return slices.DeleteFunc(allWays(), unmet)
}

// allWays are the configurations of all files, each once.
func allWays() [][]string {
	var all [][]string
	for _, own := range ways {
		all = append(all, own...)
	}
	slices.SortFunc(all, slices.Compare)
	return slices.CompactFunc(all, slices.Equal)
}
