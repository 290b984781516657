package poll

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// TestPollersAgree drives the level-triggered pollers side by side through random
// registrations and traffic, and compares what they report with what must be ready.
func TestPollersAgree(t *testing.T) { rapid.Check(t, pollersAgree) }

func FuzzPollersAgree(f *testing.F) {
	f.Add(make([]byte, 4<<10)) // the least of every draw; more below testdata/fuzz
	f.Fuzz(rapid.MakeFuzz(pollersAgree))
}

func pollersAgree(t *rapid.T) {
	const n = 5
	type end struct {
		fd, peer   int
		unread     int
		registered bool
		token      uint64
		interest   Events
	}
	var ends [n]end
	for i := range ends {
		a, b, err := SocketPair()
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(a)
		defer unix.Close(b)
		ends[i] = end{fd: a, peer: b}
	}
	var pollers []Poller
	for _, kind := range []string{"epoll", "poll", "select"} {
		p, err := New(kind)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		pollers = append(pollers, p)
	}
	all := func(what string, f func(p Poller) error, want bool) {
		for _, p := range pollers {
			if err := f(p); (err == nil) != want {
				t.Fatalf("%s: %s reported %v", p.Name(), what, err)
			}
		}
	}
	interests := rapid.SampledFrom([]Events{0, Readable, Writable, Readable | Writable})
	pick := func(t *rapid.T) *end { return &ends[rapid.IntRange(0, n-1).Draw(t, "end")] }
	t.Repeat(map[string]func(*rapid.T){
		"add": func(t *rapid.T) {
			e, interest, token := pick(t), interests.Draw(t, "interest"), rapid.Uint64().Draw(t, "token")
			all("Add", func(p Poller) error { return p.Add(e.fd, token, interest) }, !e.registered)
			if !e.registered {
				e.registered, e.token, e.interest = true, token, interest
			}
		},
		"modify": func(t *rapid.T) {
			e, interest, token := pick(t), interests.Draw(t, "interest"), rapid.Uint64().Draw(t, "token")
			all("Modify", func(p Poller) error { return p.Modify(e.fd, token, interest) }, e.registered)
			if e.registered {
				e.token, e.interest = token, interest
			}
		},
		"remove": func(t *rapid.T) {
			e := pick(t)
			all("Remove", func(p Poller) error { return p.Remove(e.fd) }, e.registered)
			e.registered = false
		},
		"write": func(t *rapid.T) {
			e := pick(t)
			Write(e.peer, []byte("x"))
			e.unread++
		},
		"read": func(t *rapid.T) {
			e := pick(t)
			var b [4]byte
			m, _ := Read(e.fd, b[:])
			e.unread -= m
		},
		"": func(t *rapid.T) {
			var want []Event
			for _, e := range ends {
				ev := Writable
				if e.unread > 0 {
					ev |= Readable
				}
				if ev &= e.interest; e.registered && ev != 0 {
					want = append(want, Event{e.token, ev})
				}
			}
			slices.SortFunc(want, byToken)
			for _, p := range pollers {
				var events [n]Event
				m, err := p.Wait(events[:], 0)
				if err != nil {
					t.Fatal(err)
				}
				got := events[:m]
				slices.SortFunc(got, byToken)
				if !slices.Equal(got, want) {
					t.Fatalf("%s reports %v, want %v", p.Name(), got, want)
				}
			}
		},
	})
}

func byToken(a, b Event) int {
	switch {
	case a.Token < b.Token:
		return -1
	case a.Token > b.Token:
		return 1
	}
	return int(a.Events) - int(b.Events)
}
