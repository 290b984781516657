package reference

import (
	"errors"
	"testing"
	"time"
)

// HELLO tells of what the server has and is set to, and of nothing else.
func TestHello(t *testing.T) {
	t.Setenv("REACTORSPEC_NONCE", "")
	const base, looped = "where,stats,drain,login,sink,source", ",post,shared,hooks,timer,timer-any-thread,offload,contain,limit,watch"
	for _, x := range []struct {
		o    Options
		want string
	}{
		{Options{Class: Iterative}, "class=iterative loops=0 features=" + base + " limit=0 idle-timeout=0 wakeup=none poller=none nonce=-"},
		{Options{Class: ThreadPerConnection, IdleTimeout: time.Second, Nonce: "n1"},
			"class=thread-per-connection loops=0 features=" + base + ",idle-timeout limit=0 idle-timeout=1000000000 wakeup=none poller=none nonce=n1"},
		{Options{Class: Reactor, Limit: 1000, Wakeup: "pipe", Poller: "select"},
			"class=reactor loops=1 features=" + base + looped + " limit=1000 idle-timeout=0 wakeup=pipe poller=select nonce=-"},
		{Options{Loops: 3, IdleTimeout: 1, Limit: 7, NewWaker: func() (Waker, error) { return nil, errors.ErrUnsupported }},
			"class=multi-reactor loops=3 features=" + base + looped + ",idle-timeout limit=7 idle-timeout=1 wakeup=own poller=epoll nonce=-"},
	} {
		s, err := New(x.o)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(s.hello()); got != x.want {
			t.Errorf("HELLO is answered\n%s, want\n%s", got, x.want)
		}
	}
}
