package target

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// FreeAddr finds an address of the target's network that nobody listens at. The file
// of a unix socket is in the target's {scratch}.
func (i *Instance) FreeAddr() (net.Addr, error) {
	if u, ok := i.addr.(*net.UnixAddr); ok {
		return &net.UnixAddr{Net: "unix", Name: u.Name + "-" + rand.Text()[:4]}, nil
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, nil
}

// Second starts the target's command once more, beside the instance that runs, with
// another address or the same one. It has a process tree and a {scratch} of its own.
// Nobody waits until it serves, since it may be right that it never does: Wait tells
// its end, and Listens whether it serves. The caller calls Stop on it.
func (i *Instance) Second(at net.Addr) (*Instance, error) {
	scratch, err := newScratchOf(i.as)
	if err != nil {
		return nil, err
	}
	second := instance(i.file, at)
	second.owned, second.scratch, second.as, second.Nonce, second.guest = true, scratch, i.as, rand.Text(), true
	if _, err := second.begin(); err != nil {
		_ = os.RemoveAll(scratch)
		return nil, err
	}
	return second, nil
}

// Listens reports whether a process of the target's tree holds a socket that listens at its
// address, whoever else does too.
func (i *Instance) Listens() (bool, error) {
	listening, err := i.Tree().Listeners()
	if err != nil {
		return false, err
	}
	at, err := observe.ListenersAt(i.addr)
	if err != nil {
		return false, err
	}
	for _, its := range listening {
		for _, there := range at {
			if its.Inode == there.Inode {
				return true, nil
			}
		}
	}
	return false, nil
}

// RestartOver is Restart after an outage: the file of a unix socket, which a server that
// is killed cannot remove, is left where it is.
func (i *Instance) RestartOver(ctx context.Context) error {
	if err := i.Kill(); err != nil {
		return err
	}
	return i.start(ctx)
}

// RestartBare is Restart with the descriptors 0, 1 and 2 closed, as a careless parent
// leaves them: a shell closes them and becomes the target.
func (i *Instance) RestartBare(ctx context.Context) error {
	if !i.owned {
		return fmt.Errorf("a target that was already running is not ours to restart")
	}
	i.kill()
	i.bare = true
	defer func() { i.bare = false }()
	return i.start(ctx)
}

// closing is the command that runs argv with the descriptors 0, 1 and 2 closed.
func closing(argv []string) []string {
	return append([]string{"/bin/sh", "-c", `exec "$@" <&- >&- 2>&-`, "reactorspec-bare"}, argv...)
}
