package fuzz

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/reference"
)

// The four classes differ in how they serve, and in nothing that their clients
// see but the verbs that they offer: the same script of conversations brings the
// same replies and ends the same way.

// member is one server that takes part in a comparison.
type member struct {
	name     string
	addr     net.Addr
	features []string
	// inTurn is set for a class that serves one client at a time: conversations
	// that are open side by side elsewhere follow each other there.
	inTurn bool
}

func (m member) offers(a ask) bool {
	feature := a.feature()
	return feature == "" || slices.Contains(m.features, feature)
}

// fleet is running servers, each compared with every other: two that offer a verb
// tell more of each other than one that does not.
type fleet []member

// launch starts one server of each class.
func launch(t testing.TB, classes ...string) fleet {
	var f fleet
	for _, class := range classes {
		s, err := reference.New(reference.Options{Class: class, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		addr, err := s.Start("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f = append(f, member{name: class, addr: addr, features: s.Features(), inTurn: class == reference.Iterative})
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), exchange)
			defer cancel()
			if err := s.Stop(ctx); err != nil {
				t.Errorf("%s: %v", class, err)
			}
		})
	}
	return f
}

// agree plays a drawn script on every server and compares.
func (f fleet) agree(t *rapid.T) {
	for i, r := range rapid.SliceOfN(rounds, 1, 3).Draw(t, "script") {
		if difference := f.differ(r); difference != "" {
			t.Fatalf("round %d: %s", i+1, difference)
		}
	}
}

// differ plays one round on every server and says what differs, "" if nothing does.
func (f fleet) differ(r round) string {
	var all [][]ending
	for _, m := range f {
		endings, err := m.play(r)
		if err != nil {
			return fmt.Sprintf("class %s: %v", m.name, err)
		}
		for i, c := range r.Talks {
			if c.Abrupt {
				continue
			}
			if fault := endings[i].fault(m, c); fault != "" {
				return fmt.Sprintf("conversation %d: class %s %s", i+1, m.name, fault)
			}
			for o, other := range all {
				if !other[i].like(endings[i], c, f[o], m) {
					return fmt.Sprintf("conversation %d: class %s sends %s, class %s sends %s", i+1, f[o].name, other[i], m.name, endings[i])
				}
			}
		}
		all = append(all, endings)
	}
	return ""
}

// play has the conversations of a round and waits for their ends.
func (m member) play(r round) (endings []ending, err error) {
	if m.inTurn && len(r.Talks) > 1 {
		for i := range r.Talks {
			alone, err := m.play(round{Talks: r.Talks[i : i+1]})
			if err != nil {
				return nil, err
			}
			endings = append(endings, alone...)
		}
		return endings, nil
	}
	var talks []*talk
	defer func() {
		for _, t := range talks {
			t.close()
		}
	}()
	for _, c := range r.Talks {
		t, err := open(m, c)
		if err != nil {
			return nil, err
		}
		talks = append(talks, t)
	}
	for _, i := range r.Turns {
		if _, err := talks[i].step(); err != nil {
			return nil, fmt.Errorf("conversation %d: %w", i+1, err)
		}
	}
	for i, t := range talks {
		for more := true; more; {
			if more, err = t.step(); err != nil {
				return nil, fmt.Errorf("conversation %d: %w", i+1, err)
			}
		}
		<-t.done
		endings = append(endings, ending{bytes: numberless(t.got), reset: t.err != nil})
	}
	return endings, nil
}

func TestClassesAgree(t *testing.T) { rapid.Check(t, launch(t, reference.Classes...).agree) }
func FuzzClasses(f *testing.F)      { drawn(f, launch(f, reference.Classes...).agree) }
