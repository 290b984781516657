package proof

// Faults of the probe protocol itself.
var probeFaults = []Fault{
	{
		Name: "ping-splits-at-spaces",
		Why:  "the spaces at the front of PING's bytes are taken for separators",
		File: "reference/conversation_probe.go",
		Old: `		p.reply(r.ID, probe.OK, r.Args)
`,
		New: `		for len(r.Args) > 0 && r.Args[0] == ' ' {
			r.Args = r.Args[1:]
		}
		p.reply(r.ID, probe.OK, r.Args)
`,
		Breaks:     []string{"PROBE-1", "CONN-18"},
		Sometimes:  []string{"FLOW-6", "WORK-6"},
		Neighbours: "payloads are random bytes, of which one in 256 begins with a space",
		Because:    "the reply to PING | the reply to request",
	},
	{
		Name: "frame-header-in-one-read",
		Why:  "a frame length that is cut by a segment border is taken for a bad one",
		File: "spec/probe/frame.go",
		Old: `	if len(buf) < headerSize {
		return nil, 0, nil
	}
	size := binary`,
		New: `	if len(buf) > 0 && len(buf) < headerSize {
		return nil, 0, ErrLength
	}
	if len(buf) == 0 {
		return nil, 0, nil
	}
	size := binary`,
		Breaks:     []string{"PROBE-2", "PROBE-10", "SIGN-3", "CONN-18"},
		Sometimes:  []string{"WORK-3"},
		Neighbours: "a burst of 20,000 requests is cut by reads, inside a frame's header or not",
		Because:    "closed the connection | reset the connection",
	},
	{
		Name: "requests-of-a-turn-forget-the-rest",
		Why:  "after 64 requests of one read the others wait for an event that never comes",
		File: "reference/conversation_probe.go",
		Old: `	for !c.Congested() {
`,
		New: `	for turn := 0; turn < 64 && !c.Congested(); turn++ {
`,
		Breaks:     []string{"PROBE-3", "PROBE-6", "PROBE-9", "CONN-18", "WORK-3"},
		Sometimes:  []string{"WORK-4"},
		Neighbours: "the burst ends when the queue of work was full, before or after 64 requests came in one read",
		Because:    "silence | closed the connection | reset the connection instead of sending",
	},
	{
		Name: "unknown-verbs-are-bad",
		Why:  "an unknown verb is answered bad, as if its arguments were wrong",
		File: "reference/conversation_probe.go",
		Old: `			p.reply(r.ID, probe.Unsupported, nil)
`,
		New: `			p.reply(r.ID, probe.Bad, nil)
`,
		Breaks:  []string{"PROBE-4"},
		Because: "was answered bad",
	},
	{
		Name:    "bad-arguments-are-fine",
		Why:     "requests with bad arguments are answered ok and not carried out",
		File:    "reference/conversation_probe.go",
		Old:     "func (p *probing) bad(id uint32) { p.reply(id, probe.Bad, nil) }",
		New:     "func (p *probing) bad(id uint32) { p.reply(id, probe.OK, nil) }",
		Breaks:  []string{"PROBE-5"},
		Because: "was answered ok",
	},
	{
		Name: "empty-frames-are-skipped",
		Why:  "a frame length of 0 is passed over",
		File: "spec/probe/frame.go",
		Old: `	if size == 0 || size > MaxFrame {
		return nil, 0, ErrLength
	}
`,
		New: `	if size == 0 {
		return TakeFrame(buf[headerSize:])
	}
	if size > MaxFrame {
		return nil, 0, ErrLength
	}
`,
		Breaks:  []string{"PROBE-6"},
		Because: "still open",
	},
	{
		Name: "great-frames-are-believed",
		Why:  "a frame length above 65,536 is waited for",
		File: "spec/probe/frame.go",
		Old: `	if size == 0 || size > MaxFrame {
`,
		New: `	if size == 0 {
`,
		Breaks:  []string{"PROBE-7"},
		Because: "still open",
	},
	{
		Name: "no-id-is-answered",
		Why:  "a body without an id is answered bad under the id 0, and the conversation goes on",
		File: "reference/conversation_probe.go",
		Old: `			request, err = probe.ParseRequest(body)
		}
`,
		New: `			if request, err = probe.ParseRequest(body); err != nil {
				used += n
				p.bad(0)
				continue
			}
		}
`,
		Breaks:  []string{"PROBE-8"},
		Because: "bytes came where none were due",
	},
	{
		Name: "cut-frame-keeps-connection",
		Why:  "with a part of a frame in memory, the client's FIN is not acted on",
		File: "reference/conversation_probe.go",
		Old:  "func (p *probing) OnEnd(c *Conn) { p.end() }",
		New: `func (p *probing) OnEnd(c *Conn) {
	if len(c.in) == 0 {
		p.end()
	}
}`,
		Breaks:  []string{"PROBE-9"},
		Because: "still open",
	},
	{
		Name: "partial-frame-spins",
		Why:  "a part of a frame gives its connection another turn at once, and so on until the rest is there",
		File: "reference/conn_turn.go",
		Old: `	rest := c.offer(data)
`,
		New: `	rest := c.offer(data)
	if len(rest) > 0 && c.wantsInput() {
		c.reactor.queue(c)
	}
`,
		Breaks:  []string{"PROBE-10", "LOOP-5"},
		Because: "of a core is used",
		Shares:  "to a client a part of a frame is a part of a request: one fault sits in the handler, the other in the connection",
	},
	{
		Name:    "hello-without-poller",
		Why:     "HELLO names its poller under another key",
		File:    "reference/conversation_probe_hello.go",
		Old:     "\"poller\", poller",
		New:     "\"backend\", poller",
		Breaks:  []string{"PROBE-11"},
		Because: "HELLO lacks poller",
	},
	{
		Name: "stats-forget-output",
		Why:  "the bytes that were sent are not counted",
		File: "reference/reactor.go",
		Old: `	r.out.Add(uint64(n))
`,
		New:     "",
		Breaks:  []string{"PROBE-12"},
		Because: "STATS counted out",
	},
}
