package clauses

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/session"
)

var probeFamily = []session.Check{
	{Clause: "PROBE-1", Run: pingReturnsItsBytes},
	{Clause: "PROBE-2", Run: framesInPieces},
	{Clause: "PROBE-3", Run: pipelinedPings},
	{Clause: "PROBE-4", Run: unknownVerbs},
	{Clause: "PROBE-5", Run: badArguments},
	{Clause: "PROBE-6", Run: zeroLength},
	{Clause: "PROBE-7", Run: greatLength},
	{Clause: "PROBE-8", Run: noNumericID},
	{Clause: "PROBE-9", Run: framesBeforeFIN},
	{Clause: "PROBE-10", Run: partialFrameCostsNothing},
	{Clause: "PROBE-11", Run: helloIsTrue},
	{Clause: "PROBE-12", Run: statsCount},
	{Clause: "PROBE-13", Run: whateverProbersDo},
}

// ping and pong are a PING frame and the reply that it must get.
func ping(id uint32, payload []byte) []byte {
	return probe.AppendRequest(nil, probe.Request{ID: id, Verb: "PING", Args: payload})
}

func pong(id uint32, payload []byte) []byte {
	return probe.AppendReply(nil, probe.Reply{ID: id, Status: probe.OK, Fields: payload})
}

// pings concatenates n small PING frames with ids from first on, and the replies.
func pings(first uint32, n int) (requests, replies []byte) {
	for i := range n {
		id := first + uint32(i)
		payload := []byte("p" + strconv.Itoa(i))
		requests = append(requests, ping(id, payload)...)
		replies = append(replies, pong(id, payload)...)
	}
	return requests, replies
}

// pingReturnsItsBytes sends PING with payloads from none to the longest, with every byte and
// extreme ids: each reply must have the same id and bytes.
func pingReturnsItsBytes(s *session.Session) {
	c := s.Converse("PROBE")
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	longest := s.Payload(probe.MaxFrame - len("4294967295 PING "))
	payloads := [][]byte{nil, []byte("a"), []byte(" "), []byte("two words\nand\ttwo lines\r\n"), {0}, every, bytes.Repeat([]byte(" "), 100), longest}
	ids := []uint32{0, 4294967295, 1, 4294967295, 10, 7, 8, 4294967295}
	for i, payload := range payloads {
		c.Send(ping(ids[i], payload))
		c.Want(pong(ids[i], payload), fmt.Sprintf("the reply to PING with %d bytes", len(payload)))
	}
	for value := range 256 {
		payload := []byte{'x', byte(value)}
		c.Send(ping(uint32(value), payload))
		c.Want(pong(uint32(value), payload), fmt.Sprintf("the reply to PING with the byte %#02x", value))
	}
}

// framesInPieces sends frames cut at chosen and random places and byte by byte, and a short one
// behind a long one: all replies must be exact.
func framesInPieces(s *session.Session) {
	c := s.Converse("PROBE")
	frame, reply := ping(5, []byte("piecemeal")), pong(5, []byte("piecemeal"))
	for cut := 1; cut <= 12; cut++ {
		inPieces(s, c, frame, cut)
		c.Want(reply, fmt.Sprintf("the reply to a frame cut after byte %d", cut))
	}
	inPieces(s, c, frame, everyByte(len(frame))...)
	c.Want(reply, "the reply to a frame sent byte by byte")
	requests, replies := pings(100, 3)
	for range 10 {
		first := 1 + s.Rand.IntN(len(requests)-2)
		second := first + 1 + s.Rand.IntN(len(requests)-first-1)
		inPieces(s, c, requests, first, second)
		c.Want(replies, fmt.Sprintf("the replies to three frames cut after bytes %d and %d", first, second))
	}
	// A frame longer than a read buffer, with a short one behind it in the same segment.
	long := s.Payload(30000)
	both := append(ping(1, long), ping(2, []byte("tail"))...)
	c.Send(both)
	c.Want(append(pong(1, long), pong(2, []byte("tail"))...), "the replies to a long frame and a short one behind it")
}

// pipelinedPings sends 5,000 PINGs in one burst and reads meanwhile: all replies must come in
// order, and one more PING must be answered.
func pipelinedPings(s *session.Session) {
	const n = 5000
	c := s.Converse("PROBE")
	requests, replies := pings(1, n)
	s.Go(func() { c.Send(requests) })
	c.Want(replies, fmt.Sprintf("the replies to %d pipelined requests", n))
	s.Join()
	c.Send(ping(9, []byte("after")))
	c.Want(pong(9, []byte("after")), "the reply to the request after the burst")
}

// goesOn fails unless the conversation still answers PING.
func goesOn(s *session.Session, p *session.Probe, after string) {
	reply := p.Call("PING", "still", "there")
	if reply.Status != probe.OK || string(reply.Fields) != "still there" {
		s.Failf(session.Wrong, "PING is no longer answered after "+after, `ok "still there"`, string(reply.Status)+" "+session.Quoted(reply.Fields), "")
	}
}

// wantStatus fails unless a request is answered with that status, and the
// conversation goes on.
func wantStatus(s *session.Session, p *session.Probe, want probe.Status, verb string, args ...any) {
	request := strings.TrimSpace(fmt.Sprintln(append([]any{verb}, args...)...))
	if reply := p.Call(verb, args...); reply.Status != want {
		s.Failf(session.Wrong, fmt.Sprintf("%s was answered %s", request, reply.Status), string(want),
			strings.TrimSpace(string(reply.Status)+" "+session.Quoted(reply.Fields)), "")
	}
	goesOn(s, p, request)
}

// verbsOf lists a harmless request for each verb that needs a feature.
var verbsOf = []struct {
	feature, verb string
	args          []any
}{
	{"where", "WHERE", nil},
	{"post", "POST", []any{"-", 1}}, {"post", "CROSS", []any{"-", 1, 1}}, {"post", "RACE", []any{"-", 1}},
	{"post", "CHAIN", []any{"-", 1}}, {"post", "NEST", []any{"-", 1}},
	{"shared", "SHARED", []any{1}},
	{"hooks", "HOOK", []any{"before-poll", 1}},
	{"timer", "TIMER", []any{1, 1000, 0, 1}}, {"timer", "TIMERS", []any{1000, 1}}, {"timer", "CANCEL", []any{1}},
	{"timer", "RESET", []any{1, 1000}}, {"timer", "SELFCANCEL", []any{1000000}},
	{"offload", "OFFLOAD", []any{0, "word"}},
	{"contain", "FAIL", []any{"task"}},
	{"stats", "STATS", nil},
}

// unknownVerbs sends verbs that do not exist, and those of features that are not declared: each
// must be answered unsupported, and a PING behind it ok.
func unknownVerbs(s *session.Session) {
	s.Hello() // before the conversation: an iterative target holds one
	p := s.Probe()
	word := make([]byte, 7)
	for i := range word {
		word[i] = byte('A' + s.Rand.IntN(26))
	}
	wantStatus(s, p, probe.Unsupported, "Q"+string(word))
	wantStatus(s, p, probe.Unsupported, "Q"+string(word), "with", 3, "arguments")
	wantStatus(s, p, probe.Unsupported, "PINGS")
	for _, v := range verbsOf {
		if !offers(s, v.feature) {
			wantStatus(s, p, probe.Unsupported, v.verb, v.args...)
		}
	}
}

// badArguments sends verbs with arguments that are missing, malformed or out of range: each must be
// answered bad, and a PING behind it ok.
func badArguments(s *session.Session) {
	s.Hello() // before the conversation: an iterative target holds one
	p := s.Probe()
	bad := func(verb string, args ...any) { wantStatus(s, p, probe.Bad, verb, args...) }
	bad("POST")
	bad("POST", "-")
	bad("POST", "-", "many")
	bad("POST", "-", -1)
	bad("POST", "left", 1)
	bad("POST", 100000, 1)
	bad("CROSS", "-", 0, 1)
	bad("CROSS", "-", 17, 1)
	if offers(s, "timer") {
		bad("TIMER")
		bad("TIMER", 1, "soon", 0, 1)
		bad("TIMER", 1, 1000, 0, 0)
		bad("TIMER", 1, 1000, 0, 10001)
		bad("CANCEL", "first")
	}
	if offers(s, "offload") {
		bad("OFFLOAD", 10001, "word")
		bad("OFFLOAD", -1, "word")
	}
	if offers(s, "hooks") {
		bad("HOOK", "meanwhile", 1)
		bad("HOOK", "before-poll", 0)
	}
	if offers(s, "contain") {
		bad("FAIL", "everything")
	}
}

// ends sends n requests with the bad bytes right behind them, and fails unless
// all replies come and the connection is closed then.
func ends(s *session.Session, n int, bad []byte, what string) {
	requests, replies := pings(1, n)
	c := s.Converse("PROBE")
	c.Send(append(requests, bad...))
	c.Want(replies, fmt.Sprintf("the replies due before %s", what))
	c.WantClosed()
	c.Close()
}

// zeroLength sends a frame length of 0 behind 0, 1 and 100 PINGs: these must be answered, the
// connection closed, and a fresh client served.
func zeroLength(s *session.Session) {
	for _, n := range []int{0, 1, 100} {
		ends(s, n, []byte{0, 0, 0, 0}, "a frame length of 0")
	}
	s.ServesFresh()
}

// greatLength sends frame lengths beyond the greatest, alone and behind 20 PINGs: these must be
// answered, the connection closed, and a fresh client served.
func greatLength(s *session.Session) {
	for _, length := range []uint32{probe.MaxFrame + 1, 1 << 24, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		for _, n := range []int{0, 20} {
			bad := []byte{byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length)}
			ends(s, n, bad, fmt.Sprintf("a frame length of %d", length))
		}
	}
	s.ServesFresh()
}

// noNumericID sends frames without a numeric id, alone and behind 20 PINGs: these must be answered,
// the connection closed, and a fresh client served.
func noNumericID(s *session.Session) {
	for _, body := range []string{"x PING a", " PING a", "-1 PING a", "\x00 PING a", "PING"} {
		for _, n := range []int{0, 20} {
			bad := append([]byte{0, 0, 0, byte(len(body))}, body...)
			ends(s, n, bad, "the body "+strconv.Quote(body))
		}
	}
	s.ServesFresh()
}

// framesBeforeFIN sends 200 PINGs, a part of another frame or none, and FIN: 200 replies must come
// and no more, and then the end.
func framesBeforeFIN(s *session.Session) {
	requests, replies := pings(1, 200)
	tail := ping(999, []byte("cut short"))
	for _, rest := range [][]byte{nil, tail[:2], tail[:4], tail[:9], tail[:len(tail)-1]} {
		c := s.Converse("PROBE")
		c.Send(slices.Concat(requests, rest))
		c.CloseWrite()
		c.Want(replies, fmt.Sprintf("the replies to 200 requests before FIN, %d bytes of another behind them", len(rest)))
		c.WantClosed()
		c.Close()
	}
	c := s.Converse("PROBE")
	c.CloseWrite()
	c.WantClosed()
}

// partialFrameCostsNothing stops eight conversations amid a frame: the server must be at rest
// meanwhile, and answer each frame when its rest has come.
func partialFrameCostsNothing(s *session.Session) {
	frame, reply := ping(3, []byte("waiting")), pong(3, []byte("waiting"))
	var conns []*session.Conn
	for i := range 8 {
		c := s.Converse("PROBE")
		c.Send(ping(1, []byte("whole")))
		c.Want(pong(1, []byte("whole")), "the reply to a whole frame")
		c.Send(frame[:1+i*(len(frame)-2)/7])
		conns = append(conns, c)
	}
	rests(s, "while eight connections hold a part of a frame")
	for i, c := range conns {
		c.Send(frame[1+i*(len(frame)-2)/7:])
		c.Want(reply, "the reply to a frame whose rest came late")
	}
}

// helloIsTrue asks HELLO: all fields must be there, fit the server's class and each other, and name
// every feature that the target file declares.
func helloIsTrue(s *session.Session) {
	p := s.Probe()
	reply := p.OK("HELLO")
	fields := session.Fields(reply)
	said := strings.Split(fields["features"], ",")
	lie := func(key, want string) {
		s.Failf(session.Wrong, fmt.Sprintf("HELLO says %s=%s", key, fields[key]), key+"="+want, session.Quoted(reply.Fields), "")
	}
	for _, key := range []string{"class", "loops", "features", "limit", "wakeup", "poller", "nonce"} {
		if _, there := fields[key]; !there {
			s.Failf(session.Wrong, "HELLO lacks "+key, key+"=…", session.Quoted(reply.Fields), "")
		}
	}
	classes := []string{"iterative", "thread-per-connection", "reactor", "multi-reactor"}
	if declared := string(s.Info.Class); declared != "" {
		classes = []string{declared}
	}
	if !slices.Contains(classes, fields["class"]) {
		lie("class", strings.Join(classes, " or "))
	}
	switch loops, err := strconv.Atoi(fields["loops"]); {
	case err != nil, loops < 0:
		lie("loops", "<number>")
	case fields["class"] == "reactor" && loops != 1:
		lie("loops", "1 for a reactor")
	case fields["class"] == "multi-reactor" && loops < 1:
		lie("loops", "<1 or more>")
	}
	if limit, err := strconv.ParseUint(fields["limit"], 10, 62); err != nil || limit == 0 && slices.Contains(said, "limit") {
		lie("limit", "<bytes>, above 0 where the feature limit is declared")
	}
	for _, feature := range s.Info.Features {
		if !slices.Contains(said, string(feature)) {
			lie("features", "…,"+string(feature)+",… as the target file declares")
		}
	}
}

// statsCount opens 20 connections with an exchange each, and closes them: STATS must count them,
// their bytes, and how many are open.
func statsCount(s *session.Session) {
	const conns, size = 20, 5000
	p := s.Probe()
	read := func() map[string]int64 {
		reply := p.OK("STATS")
		values := map[string]int64{}
		for _, key := range []string{"accepted", "open", "in", "out", "wakes", "coalesced", "tasks", "timers", "lag", "stalls"} {
			values[key] = p.Int(reply, key)
		}
		return values
	}
	before := read()
	var opened []*session.Conn
	for range conns {
		c := s.Open()
		c.Exchange(s.Payload(size))
		opened = append(opened, c)
	}
	var during map[string]int64
	s.Holds(s.Budget.Await, func() bool { // a count may follow the bytes that it counts
		during = read()
		return during["accepted"]-before["accepted"] >= conns && during["in"]-before["in"] >= conns*size && during["out"]-before["out"] >= conns*size
	})
	grew := func(key string, want int64) {
		if got := during[key] - before[key]; got < want {
			s.Failf(session.Wrong, fmt.Sprintf("STATS counted %s up by %d", key, got),
				fmt.Sprintf("%d for %d connections with %d bytes each", want, conns, size), fmt.Sprintf("%s=%d, then %d", key, before[key], during[key]), "")
		}
	}
	grew("accepted", conns)
	grew("in", conns*size)
	grew("out", conns*size)
	if during["open"] <= conns { // these, and the one that asks; what came earlier may still be on its way out
		s.Failf(session.Wrong, fmt.Sprintf("STATS counts %d open connections while %d are", during["open"], conns+1), fmt.Sprintf("open=%d or more", conns+1), fmt.Sprintf("open=%d", during["open"]), "")
	}
	for _, c := range opened {
		c.CloseWrite()
		c.WantClosed()
		c.Close()
	}
	open := int64(0)
	if _, held := s.Holds(s.Budget.Await, func() bool { open = read()["open"]; return open <= during["open"]-conns }); !held || open < 1 {
		s.Failf(session.Wrong, fmt.Sprintf("STATS counts %d open connections after %d of %d were closed", open, conns, during["open"]),
			fmt.Sprintf("open=%d or less, and at least the one that asks", during["open"]-conns), fmt.Sprintf("open=%d", open), "")
	}
}
