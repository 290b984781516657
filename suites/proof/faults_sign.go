package proof

// Faults of sign-on and of the login conversation.
var signFaults = []Fault{
	{
		Name: "sign-on-main-without-number",
		Why:  "MAIN is answered OK alone, so that the client never learns its connection number",
		File: "reference/conversation_signon.go",
		Old: `	ok := c.item.AppendOK(answer[:0])
`,
		New: `	ok := c.item.AppendOK(answer[:0])
	if on.Command == probe.Main {
		ok = []byte("OK\n")
	}
`,
		Breaks:  []string{"SIGN-1", "SIGN-3", "SIGN-9", "SIGN-10", "SIGN-11", "SIGN-12", "SIGN-13", "CONN-8", "LOOP-5", "LIFE-2"},
		Because: "the sign-on",
	},
	{
		Name: "sign-on-in-one-read",
		Why:  "a sign-on line that is not complete in the first read closes the connection",
		File: "reference/conversation_signon.go",
		Old: `	if err == nil && n == 0 {
		return 0
	}
`,
		New: `	if err == nil && n == 0 {
		c.Close()
		return len(data)
	}
`,
		Breaks:  []string{"SIGN-2", "SIGN-3", "SIGN-8", "SIGN-11"},
		Because: "closed the connection | reset the connection",
	},
	{
		Name:    "sign-on-keeps-carriage-return",
		Why:     "the carriage return before the newline is taken for a part of the command",
		File:    "spec/probe/probe.go",
		Old:     "	if end > 0 && line[end-1] == '\\r' {",
		New:     "	if false {",
		Breaks:  []string{"SIGN-2", "SIGN-3"},
		Because: "closed the connection | reset the connection",
	},
	{
		Name:    "sign-on-drops-read-ahead",
		Why:     "what was read together with the sign-on line is thrown away with it",
		File:    "reference/conversation_signon.go",
		Old:     "	left := c.offer(data[n:])",
		New:     "	left := c.offer(data[n:n])",
		Breaks:  []string{"SIGN-3", "SIGN-11", "CONN-19", "CONN-11"},
		Because: "silence | closed the connection instead | took in",
	},
	{
		Name: "sign-on-explains-itself",
		Why:  "an unknown command is answered with an error line before the close",
		File: "reference/conversation_signon.go",
		Old: `		c.Close() // S3: "-1"; nothing is answered
`,
		New: `		if err == probe.ErrSignOn {
			_, _ = c.Write([]byte("ERR unknown command\n"))
		}
		c.Close()
`,
		Breaks:  []string{"SIGN-4"},
		Because: "the server answered the first line",
	},
	{
		Name: "sign-on-line-without-end",
		Why:  "a first line that is too long is read on and on",
		File: "reference/conversation_signon.go",
		Old: `	if err == nil && n == 0 {
		return 0
	}
`,
		New: `	if err == probe.ErrTooLong {
		return len(data)
	}
	if err == nil && n == 0 {
		return 0
	}
`,
		Breaks:  []string{"SIGN-5"},
		Because: "still open after",
	},
	{
		Name: "sign-on-misses-end",
		Why:  "the end of input before a newline is ignored, and the connection stays",
		File: "reference/conversation_signon.go",
		Old: `func (signOn) OnOpen(*Conn) {}
`,
		New: `func (signOn) OnOpen(*Conn) {}

func (signOn) OnEnd(*Conn) {}
`,
		Breaks:  []string{"SIGN-6", "RES-7"},
		Because: "still open after FIN | sockets are still open",
	},
	{
		Name: "connection-number-is-descriptor",
		Why:  "the connection number is the descriptor, which the kernel gives out again",
		File: "reference/reactor.go",
		Old: `	c.id = r.server.number()
`,
		New: `	r.server.number()
	c.id = uint64(fd)
`,
		Breaks:  []string{"SIGN-7"},
		Because: "was given twice",
	},
	{
		Name: "sign-on-blocks-loop",
		Why:  "the loop waits for the rest of a sign-on line that came in part",
		File: "reference/conversation_signon.go",
		Old: `	if err == nil && n == 0 {
		return 0
	}
`,
		New: `	if err == nil && n == 0 {
		poll.Await(int(c.fd), 6000)
		return 0
	}
`,
		More: []Edit{
			{
				"reference/conversation_signon.go",
				`import (
`,
				`import (
	"github.com/reactorspec/reactorspec/reference/internal/poll"
`,
			},
			awaitEdit,
		},
		Breaks:  []string{"SIGN-8", "LOOP-5"},
		Because: "silence",
	},
	{
		Name:    "login-name-too-short",
		Why:     "a name of 32 letters is refused",
		File:    "spec/probe/login.go",
		Old:     "len(text) > MaxName",
		New:     "len(text) >= MaxName",
		Breaks:  []string{"SIGN-9"},
		Because: "was answered \"ERR",
	},
	{
		Name:    "login-key-before-user",
		Why:     "KEY counts although nobody has said USER",
		File:    "spec/probe/login.go",
		Old:     "	case string(step) == \"KEY\" && i.Steps != 1:",
		New:     "	case string(step) == \"KEY\" && i.Steps > 1:",
		Breaks:  []string{"SIGN-10"},
		Because: "out of turn was answered \"OK",
	},
	{
		Name: "login-one-line-a-read",
		Why:  "only the first of several lines that were read together is answered",
		File: "reference/conversation_login.go",
		Old: `	for !c.Congested() {
`,
		New: `	for used == 0 {
`,
		Breaks:  []string{"SIGN-11", "SIGN-12"},
		Because: "silence",
	},
	{
		Name:    "login-quit-only-at-the-end",
		Why:     "QUIT is out of turn before KEY",
		File:    "spec/probe/login.go",
		Old:     "	case string(line) == \"QUIT\":",
		New:     "	case string(line) == \"QUIT\" && i.Steps == 2:",
		Breaks:  []string{"SIGN-12"},
		Because: "was answered \"ERR",
	},
	{
		Name: "login-item-is-shared",
		Why:  "all connections of a loop share one client item",
		File: "reference/conversation_signon.go",
		Old: `	c.item = &probe.Item{Conn: c.id, Command: on.Command}
`,
		New: `	if on.Command == probe.Main {
		sharedItem.Conn, sharedItem.Command, sharedItem.User, sharedItem.Steps = c.id, on.Command, "", 0
		c.item = &sharedItem
	} else {
		c.item = &probe.Item{Conn: c.id, Command: on.Command}
	}
`,
		More: []Edit{
			{
				"reference/conversation_signon.go",
				`func (signOn) OnOpen(*Conn) {}
`,
				`func (signOn) OnOpen(*Conn) {}

var sharedItem probe.Item
`,
			},
		},
		Breaks:  []string{"SIGN-13"},
		Because: "was answered",
	},
}

// awaitEdit gives package poll a wait that blocks its thread for input on one
// descriptor, which is what a reactor must not do.
var awaitEdit = Edit{
	"reference/internal/poll/rawio.go",
	"// ThreadID is the kernel's id",
	`// Await blocks the thread until fd has input or has ended.
func Await(fd, milliseconds int) {
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, milliseconds)
}

// AwaitRoom blocks the thread until fd takes output.
func AwaitRoom(fd, milliseconds int) {
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, milliseconds)
}

// HalfClosed reports whether the peer has sent its FIN.
func HalfClosed(fd int) bool {
	list := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, _ := unix.Poll(list, 0)
	return n > 0 && list[0].Revents&unix.POLLRDHUP != 0
}

// ThreadID is the kernel's id`,
}
