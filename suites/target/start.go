package target

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// start runs the start command and waits until its tree serves the address.
func (i *Instance) start(ctx context.Context) error {
	if taken, err := observe.Listening(i.addr); err != nil {
		return err
	} else if taken {
		return &LaunchError{Cause: ErrInUse, Detail: fmt.Sprintf("somebody listens at %s already", i.addr)}
	}
	l, err := i.begin()
	if err != nil {
		return err
	}
	p := l.proc
	if err := i.ready(ctx, l); err != nil {
		return err
	}
	served := *l
	served.wrapped = !p.hasEnded()
	served.main, err = l.listens()
	switch {
	case errors.Is(err, observe.ErrGone) || errors.Is(err, observe.ErrReused):
		served.main = l.root // it accepted and has ended since: whoever asks it anything is told so
	case errors.Is(err, observe.ErrDenied):
		served.main = l.root // nobody shows which of them listens
	case err != nil:
		return err
	}
	if served.wrapped && served.main != l.root && handsOn(l.root) {
		served.main, served.wrapped = l.root, false
	}
	i.latest.Store(&served)
	return nil
}

// begin runs the start command, and waits for nothing.
func (i *Instance) begin() (*life, error) {
	argv := make([]string, len(i.file.Start))
	for n, word := range i.file.Start {
		argv[n] = i.fill(word)
	}
	if i.bare {
		argv = closing(argv)
	}
	if err := i.as.enters(i.file.Dir); err != nil {
		return nil, err
	}
	p, err := i.contained(argv)
	if err != nil {
		if notRunnable(err) {
			detail := err.Error()
			if i.as != nil {
				detail += fmt.Sprintf(": it is started as %s, who has to be able to run it", i.as.name)
			}
			return nil, &LaunchError{Cause: ErrNotFound, Detail: detail}
		}
		return nil, fmt.Errorf("starting the target: %w", err)
	}
	options := []observe.Option{observe.Grouped(), observe.Marked(nonceEnv + "=" + i.Nonce), observe.Orphans()}
	cgroup := ""
	if p.cgroup != nil {
		options, cgroup = append(options, observe.Contained(p.cgroup)), p.cgroup.Dir()
	}
	tree := observe.TreeOf(p.identity, options...)
	l := life{root: p.identity, main: p.identity, tree: tree, proc: p, exit: &lastExit{}}
	i.latest.Store(&l)
	p.guard = startGuard(p.identity.Pid, nonceEnv+"="+i.Nonce, i.scratch, cgroup)
	return &l, nil
}

// contained starts the command in a group of its own where this system lets us make
// one, and elsewhere without.
func (i *Instance) contained(argv []string) (*process, error) {
	group, err := observe.NewCgroup("reactorspec-" + rand.Text()[:12])
	if err != nil {
		return startProcess(argv, i.file.Dir, i.environment(), nil, i.as)
	}
	p, err := startProcess(argv, i.file.Dir, i.environment(), group, i.as)
	if err == nil {
		return p, nil
	}
	_ = group.Remove()
	if notRunnable(err) && !errors.Is(err, os.ErrPermission) {
		return nil, err
	}
	return startProcess(argv, i.file.Dir, i.environment(), nil, i.as) // clone3(2) may be refused what mkdir was not
}

// handsOn reports whether the process that was started takes the target's signals,
// though another one listens: a master of workers does, who has a handler for
// SIGTERM. A shell that waits for its child has none. The go command has one, as
// every Go program does, and leaves its child behind; so does strace.
func handsOn(root observe.Process) bool {
	name, err := root.Name()
	if err != nil || name == "go" || name == "strace" {
		return false
	}
	handles, err := root.Handles(syscall.SIGTERM)
	return err == nil && handles
}

// nonceEnv names the environment variable by which a target's processes are
// told from all others.
const nonceEnv = "REACTORSPEC_NONCE"

// fill puts this start's values into a word of the command or environment.
// Other words in braces are left as they are.
func (i *Instance) fill(word string) string {
	port, socket := "0", ""
	switch a := i.addr.(type) {
	case *net.TCPAddr:
		port = strconv.Itoa(a.Port)
	case *net.UnixAddr:
		socket = a.Name
	}
	return strings.NewReplacer("{port}", port, "{socket}", socket, "{scratch}", i.scratch).Replace(word)
}

// environment is ours with the contract's variables and the target file's.
func (i *Instance) environment() []string {
	env := append(slices.Concat(os.Environ(), i.as.environment()), nonceEnv+"="+i.Nonce)
	if a, ok := i.addr.(*net.TCPAddr); ok {
		env = append(env, "PORT="+strconv.Itoa(a.Port))
	}
	for name, value := range i.file.Env {
		env = append(env, name+"="+i.fill(value))
	}
	return env
}

// ready waits until a connection is accepted and the socket that accepts is
// the tree's own.
func (i *Instance) ready(ctx context.Context, l *life) error {
	limit := i.file.ReadyTimeout.or(DefaultReadyTimeout)
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var endSeen time.Time
	for wait := pollEvery; ; wait = min(2*wait, pollMost) {
		// Both are looked at first, so that what was true by then is seen below.
		ended, late := l.proc.hasEnded(), bounded.Err() != nil
		owns, err := l.tree.Owns(i.addr)
		switch {
		case errors.Is(err, observe.ErrForeign):
			return i.foreign(l, err)
		case errors.Is(err, observe.ErrDenied):
			// A binary with capabilities, or of another user: nobody listened before it
			// was started, and its own word (HELLO's nonce) is all that is to be had.
			owns, _ = observe.Listening(i.addr)
		case err != nil && !errors.Is(err, observe.ErrGone):
			return fmt.Errorf("starting the target: its sockets cannot be seen: %w", err)
		}
		if owns && i.accepts(ctx) {
			return nil
		}
		if ended {
			if endSeen.IsZero() {
				endSeen = time.Now()
			}
			if err := i.afterEnd(l, late || time.Since(endSeen) > daemonGrace); err != nil {
				return err
			}
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("starting the target: %w", ctx.Err())
		case late && owns:
			return i.failed(ErrSilent, fmt.Sprintf("it listens at %s, but no connection could be made within %s", i.addr, limit))
		case late:
			return i.failed(ErrSilent, i.silence(l, limit))
		}
		_ = pause(bounded, wait)
	}
}

// accepts dials once. The connection is closed at once, as any client may.
func (i *Instance) accepts(ctx context.Context) bool {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, i.addr.Network(), i.addr.String())
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// listens finds the process that holds the listening socket, the eldest if
// several do.
func (l *life) listens() (observe.Process, error) {
	listening, err := l.tree.Listeners()
	if err != nil {
		return observe.Process{}, err
	}
	live, err := l.tree.Processes()
	if err != nil {
		return observe.Process{}, err
	}
	for _, p := range live {
		if slices.ContainsFunc(listening, func(s observe.Socket) bool { return s.Pid == p.Pid }) {
			return p, nil
		}
	}
	return l.root, nil
}

// daemonGrace is how long a process that ended with 0 may have left a daemon
// behind that nobody sees before it listens.
const daemonGrace = time.Second

// afterEnd says what the end of the started process means: an error, or nil
// while descendants go on, or may until the grace is over, that may yet listen.
func (i *Instance) afterEnd(l *life, over bool) error {
	exit := l.proc.exit
	unsupported := exit.Known && exit.Code == 127
	if !unsupported && (len(i.Leftover()) > 0 || exit.Clean() && !over) {
		return nil
	}
	l.proc.settle()
	if unsupported {
		return i.failed(ErrUnsupported, lastLine(i.Stderr()))
	}
	if taken, err := observe.Listening(i.addr); err == nil && taken {
		return i.foreign(l, errors.New("it ended, and somebody else listens now"))
	}
	detail := "it " + exit.String()
	if last := lastLine(i.Stderr()); last != "" {
		detail += ": " + last
	}
	return i.failed(ErrExited, detail)
}

// silence says what a target does that does not listen.
func (i *Instance) silence(l *life, limit time.Duration) string {
	detail := fmt.Sprintf("nothing listened at %s within %s", i.addr, limit)
	if l.proc.hasEnded() {
		detail += "; the started process ended and left others behind"
	}
	listening, err := l.tree.Listeners()
	if err == nil {
		for _, s := range listening {
			return fmt.Sprintf("%s, but process %d listens at %s: pass it {port}, {socket} or $PORT", detail, s.Pid, s.Local)
		}
	}
	return detail + ": pass it {port} or $PORT, and see that it listens there; or give it longer (ready_timeout, --ready-timeout)"
}

// foreign is the error when somebody else listens: either it took the port
// first, or the target left our sight.
func (i *Instance) foreign(l *life, err error) error {
	if l.proc.hasEnded() && l.proc.exit.Clean() {
		return i.failed(ErrDaemon, fmt.Sprintf("%v: let it stay in the foreground (a flag such as --daemonize no)", err))
	}
	return i.failed(ErrInUse, err.Error())
}

func (i *Instance) failed(cause error, detail string) error {
	return &LaunchError{Cause: cause, Detail: detail, Stderr: i.Stderr()}
}

func lastLine(text string) string {
	text = strings.TrimRight(text, "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// build runs the build command to its end. Its {scratch} goes when it is over.
func build(ctx context.Context, f File) error {
	limit := f.BuildTimeout.or(DefaultBuildTimeout)
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	scratch, err := newScratch()
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	argv := make([]string, len(f.Build))
	for n, word := range f.Build {
		argv[n] = strings.ReplaceAll(word, "{scratch}", scratch)
	}
	p, err := startProcess(argv, f.Dir, os.Environ(), nil, nil)
	if err != nil {
		return &LaunchError{Cause: ErrBuild, Detail: err.Error()}
	}
	exit, err := p.wait(bounded)
	p.kill(observe.TreeOf(p.identity, observe.Grouped()))
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("building the target: %w", ctx.Err())
	case err != nil:
		return &LaunchError{Cause: ErrBuild, Detail: fmt.Sprintf("%q did not end within %s", f.Build, limit), Stderr: p.complaint()}
	case exit.Known && exit.Code == 127:
		return &LaunchError{Cause: ErrUnsupported, Detail: fmt.Sprintf("build: %q", f.Build), Stderr: p.printed()}
	case !exit.Clean():
		detail := fmt.Sprintf("%q %s", f.Build, exit)
		said := p.complaint()
		if line := strings.TrimSpace(gist(said)); line != "" {
			detail += ": " + line
		}
		return &LaunchError{Cause: ErrBuild, Detail: detail, Stderr: said}
	}
	return nil
}
