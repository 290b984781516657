package target

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// Target is a server to be judged: one that File says how to start, or one
// that serves at Addr already.
type Target struct {
	File File
	// Addr attaches to a running server: tcp://host:port or unix:///path.
	Addr string
	// Pid is the attached server's process; 0 when it is not known, and then
	// nothing can be told from the process vantage.
	Pid int
}

// What keeps a target from being judged. LaunchError wraps one of them.
var (
	// ErrUnsupported: the command ended with 127, by which it says that it
	// cannot be run here.
	ErrUnsupported = errors.New("the command says that it is not supported here (exit 127)")
	ErrNotFound    = errors.New("the command was not found or cannot be run")
	ErrBuild       = errors.New("the build failed")
	ErrExited      = errors.New("the target exited before it accepted a connection")
	ErrSilent      = errors.New("the target never accepted a connection")
	ErrDaemon      = errors.New("the target put itself in the background and cannot be followed")
	ErrInUse       = errors.New("the address is in use")
	ErrTLS         = errors.New("TLS cannot be spoken as asked for")
	ErrAddress     = errors.New("bad address")
	ErrUnreachable = errors.New("no server answers")
	ErrPid         = errors.New("wrong --pid")
	ErrUser        = errors.New("the server cannot be started under its user")
	ErrScratch     = errors.New("no temporary directory can be made")
	ErrProc        = errors.New("/proc cannot be read")
	ErrSystem      = observe.ErrSystem
)

// LaunchError says why a target could not be started or reached. Its text is
// one line that says what to do; Stderr is the tail of what the target printed.
type LaunchError struct {
	Cause  error // one of the Err… values
	Detail string
	Stderr string
}

func (e *LaunchError) Error() string {
	if e.Detail == "" {
		return e.Cause.Error()
	}
	return e.Cause.Error() + ": " + e.Detail
}

// Unwrap returns the cause.
func (e *LaunchError) Unwrap() error { return e.Cause }

// ports is how many ports Launch tries when somebody else takes one first.
const ports = 3

// Launch starts the target, or attaches to it, and returns once it accepts
// connections. The caller calls Stop on the instance, whatever happens; ctx
// bounds the start only. Every start is a process tree of its own.
func (t *Target) Launch(ctx context.Context) (*Instance, error) {
	if t.Addr != "" {
		return t.attach(ctx)
	}
	if len(t.File.Start) == 0 {
		return nil, &LaunchError{Cause: ErrNotFound, Detail: "the target has neither a start command nor an address"}
	}
	if err := Visible(); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		i, err := newInstance(t.File)
		if err != nil {
			return nil, err
		}
		if err = i.start(ctx); err == nil {
			return i, nil
		}
		i.Stop()
		if try == ports || !errors.Is(err, ErrInUse) {
			return nil, err
		}
	}
}

// Build runs the target's build command, if it has one.
func (t *Target) Build(ctx context.Context) error {
	if len(t.File.Build) == 0 || t.Addr != "" {
		return nil
	}
	if err := Visible(); err != nil {
		return err
	}
	return build(ctx, t.File)
}

// attach finds a server that runs already.
func (t *Target) attach(ctx context.Context) (*Instance, error) {
	addr, err := ParseAddr(t.Addr)
	if err != nil {
		return nil, &LaunchError{Cause: ErrAddress, Detail: err.Error()}
	}
	i := instance(t.File, addr)
	var d net.Dialer
	c, err := d.DialContext(ctx, addr.Network(), addr.String())
	if err != nil {
		return nil, &LaunchError{Cause: ErrUnreachable, Detail: fmt.Sprintf("at %s: %v: start it first, or let reactorspec start it", t.Addr, errors.Unwrap(err))}
	}
	c.Close()
	if t.Pid == 0 {
		return i, nil
	}
	if err := observe.Here(); err != nil {
		return nil, &LaunchError{Cause: err}
	}
	tree, err := observe.OpenTree(t.Pid)
	if err != nil {
		return nil, &LaunchError{Cause: ErrPid, Detail: fmt.Sprintf("%v: give the pid of the server at %s, or leave it out", err, t.Addr)}
	}
	i.latest.Store(&life{root: tree.Root(), main: tree.Root(), tree: tree, exit: &lastExit{}})
	owns, err := tree.Owns(addr)
	switch {
	case errors.Is(err, observe.ErrDenied):
		return nil, &LaunchError{Cause: ErrPid, Detail: fmt.Sprintf("process %d cannot be seen: %v; leave the pid out to judge from the wire alone", t.Pid, err)}
	case err != nil:
		return nil, &LaunchError{Cause: ErrPid, Detail: fmt.Sprintf("process %d does not serve there: %v", t.Pid, err)}
	case !owns:
		return nil, &LaunchError{Cause: ErrPid, Detail: fmt.Sprintf("process %d does not listen at %s", t.Pid, t.Addr)}
	}
	return i, nil
}

// ParseAddr reads tcp://host:port or unix:///path.
func ParseAddr(s string) (net.Addr, error) {
	const form = "write tcp://127.0.0.1:7000 or unix:///run/x.sock"
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%q: %s", s, form)
	}
	switch u.Scheme {
	case "tcp":
		if u.Path != "" || u.Port() == "" || u.Hostname() == "" {
			return nil, fmt.Errorf("%q has no host and port: %s", s, form)
		}
		addr, err := net.ResolveTCPAddr("tcp", u.Host)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", s, err)
		}
		return addr, nil
	case "unix":
		if u.Host != "" || u.Path == "" {
			return nil, fmt.Errorf("%q has no absolute path: %s", s, form)
		}
		return &net.UnixAddr{Net: "unix", Name: u.Path}, nil
	}
	return nil, fmt.Errorf("%q has no known scheme: %s", s, form)
}

// freePort finds a TCP port that nobody listens on. It keeps out of the range
// from which the kernel takes the ports of outgoing connections, so that none
// of ours can sit on it while the target restarts.
func freePort() (int, error) {
	low := ephemeralLow()
	const lowest = 10_000
	for range 100 {
		port := 0
		if low > lowest+1000 {
			var b [2]byte
			if _, err := rand.Read(b[:]); err != nil {
				return 0, err
			}
			port = lowest + (int(b[0])<<8|int(b[1]))%(low-lowest)
		}
		if port, err := tryPort(port); err == nil {
			return port, nil
		}
	}
	return 0, &LaunchError{Cause: ErrInUse, Detail: "no free TCP port was found at 127.0.0.1"}
}

// tryPort binds a port, any for 0, and gives it back. It asks for no SO_REUSEADDR,
// so that a port on which old connections linger is not offered to a server that
// does not ask for it either.
func tryPort(port int) (int, error) {
	plain := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var refused error
		err := c.Control(func(fd uintptr) { refused = refuseReuse(fd) })
		return errors.Join(err, refused)
	}}
	l, err := plain.Listen(context.Background(), "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// ephemeralLow is the first port of the range of outgoing connections.
func ephemeralLow() int {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0
	}
	words := strings.Fields(string(b))
	if len(words) == 0 {
		return 0
	}
	low, _ := strconv.Atoi(words[0])
	return low
}

// newScratch makes the directory that {scratch} stands for.
func newScratch() (string, error) {
	scratch, err := os.MkdirTemp("", "reactorspec-")
	if err != nil {
		what := "TMPDIR is " + os.TempDir()
		if os.Getenv("TMPDIR") == "" {
			what = "TMPDIR is not set"
		}
		return "", &LaunchError{Cause: ErrScratch, Detail: fmt.Sprintf("%v; %s: set it to a directory that is there and can be written to", errors.Unwrap(err), what)}
	}
	return scratch, nil
}

// newScratchOf makes one that belongs to a user.
func newScratchOf(as *identity) (string, error) {
	scratch, err := newScratch()
	if err != nil {
		return "", err
	}
	if err := as.chown(scratch); err != nil {
		_ = os.RemoveAll(scratch)
		return "", err
	}
	return scratch, nil
}

// Visible is nil where this system shows its processes, so that a target can be started:
// its sockets are found there, and what the process vantage sees.
func Visible() error {
	if err := observe.Here(); err != nil {
		return &LaunchError{Cause: err}
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return &LaunchError{Cause: ErrProc, Detail: fmt.Sprintf("%v: mount it (mount -t proc proc /proc), or judge a server that is already running from the wire alone (--addr)", err)}
	}
	return nil
}

// newInstance prepares a start: address, nonce and scratch directory.
func newInstance(f File) (*Instance, error) {
	as, err := f.as(os.Geteuid(), os.Getegid())
	if err != nil {
		return nil, err
	}
	scratch, err := newScratchOf(as)
	if err != nil {
		return nil, err
	}
	var addr net.Addr = &net.UnixAddr{Net: "unix", Name: filepath.Join(scratch, "server.sock")}
	if !f.mentions("{socket}") {
		port, err := freePort()
		if err != nil {
			os.RemoveAll(scratch)
			return nil, err
		}
		addr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	}
	i := instance(f, addr)
	i.owned, i.scratch, i.as, i.Nonce = true, scratch, as, rand.Text()
	return i, nil
}

func (f File) mentions(word string) bool {
	for _, w := range f.Start {
		if strings.Contains(w, word) {
			return true
		}
	}
	for _, v := range f.Env {
		if strings.Contains(v, word) {
			return true
		}
	}
	return false
}
