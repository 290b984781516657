package judging

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// ungreeted is a target that accepts connections but does not serve them; untrusted
// where it is we who do not take its certificate.
type ungreeted struct {
	message   string
	untrusted bool
}

func (e *ungreeted) Error() string { return e.message }

// greet has the first words with a target: one exchange in its dialect, and in
// the probe dialect a random unknown verb, which proves that it can say
// unsupported, and HELLO, whose nonce proves that it is the one that was started.
// What it says of itself is added to known.
func (g *targetGround) greet(ctx context.Context, in *instance, setup session.Setup, known *facts) error {
	file := g.target.File
	if _, err := in.TLSConfig(); err != nil {
		return err
	}
	if d, ok := file.Speaks.(*dialect.Described); ok && d.Weakness() != "" {
		g.journal.note("the %s dialect: %s", d.Name(), d.Weakness())
	}
	if dialect.Wordless(g.dialect) && in.Tree() == nil {
		return errors.New("the tcp dialect has no words: who is served is seen in the server's processes; give --pid, or let reactorspec start it")
	}
	if file.Greeting > 0 {
		return nil // a greeting that does not come whole is CONN-21's business; the file says the rest
	}
	a, refused := g.serving(ctx, in, setup)
	if a.Failure != nil || a.HarnessError != "" || a.Inconclusive != "" || a.Hung {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		why, change := a.HarnessError+a.Inconclusive, "check --dialect and --tls, and that it is this server"
		d, described := file.Speaks.(*dialect.Described)
		switch {
		case a.Hung:
			why = "its reply did not come to an end within " + a.Took.Round(time.Second).String()
			if described && d.LastFrame() != "" {
				change = "nothing that came was " + d.LastFrame() + ": see whether it is right"
			}
		case a.Failure != nil:
			why = strings.TrimPrefix(a.Failure.Reason, "a fresh connection is not served: ")
			if !strings.Contains(why, a.Failure.Got) {
				why += " (want " + a.Failure.Want + "; got " + a.Failure.Got + ")"
			}
			if a.Failure.Hint != "" {
				change = a.Failure.Hint
			}
		}
		if died := in.dying(); died != "" {
			why = died
		} else if hint := session.ContactHint(ctx, in.Instance, g.dialect); hint != "" {
			change = hint
		} else if asked := dialect.Asked(g.dialect); asked != "" && !strings.Contains(change, "it was sent") {
			change = "it was sent " + asked + "; " + change
		}
		return &ungreeted{
			fmt.Sprintf("the target accepts connections at %s but does not serve the first request in the %s dialect: %s; %s", in.Addr(), file.Dialect, why, change),
			a.Failure != nil && a.Failure.Untrusted,
		}
	}
	if d, ok := file.Speaks.(*dialect.Described); ok && d.Weakness() != "" && !d.Skips() {
		// Its greeting would pass for the reply, and each reply for the one after it.
		if said, first := session.SaidFirst(ctx, in.Instance, d, setup.Budget.Silence); first {
			return &ungreeted{message: fmt.Sprintf("the target accepts connections at %s, and %s", in.Addr(), session.SpeaksFirst(d, said))}
		}
	}
	if _, described := file.Speaks.(*dialect.Described); file.Speaks != nil && !described {
		if weak := session.Undiscerning(ctx, in.Instance, g.dialect); weak != "" {
			g.journal.note("the %s dialect: %s", g.dialect.Name(), weak)
		}
	}
	if refused != "" {
		g.journal.note("the target accepts connections before it serves them, and was asked again: %s", refused)
	}
	var manners session.Manners
	if asked := g.aside(ctx, in, setup, func(s *session.Session) { manners = s.Manners() }); asked.HarnessError != "" {
		return errors.New(asked.HarnessError)
	}
	g.dialect = dialect.Within(g.dialect, manners.Bounds)
	for _, note := range manners.Notes {
		g.journal.note("%s", note)
	}
	if file.Dialect != "probe" {
		return nil
	}
	var unknown probe.Reply
	verb := "X" + rand.Text()[:12]
	asked := g.aside(ctx, in, setup, func(s *session.Session) {
		p := s.Probe()
		unknown = p.Call(verb)
		if reply := p.Call("HELLO"); reply.Status == probe.OK {
			in.hello = session.Fields(reply)
		}
		p.Conn().Close()
	})
	switch {
	case asked.Failure != nil:
		known.distrust = "the target's PROBE conversation does not answer: " + asked.Failure.Reason
	case asked.HarnessError != "":
		return errors.New(asked.HarnessError)
	case unknown.Status != probe.Unsupported:
		known.distrust = fmt.Sprintf("the target answers %s to %s, a verb that does not exist, so what it says about its features proves nothing", unknown.Status, verb)
	}
	if known.distrust != "" {
		g.journal.note("%s; clauses that need features are untested", known.distrust)
	}
	if in.hello == nil {
		return nil
	}
	if nonce := in.hello["nonce"]; in.Owned() && nonce != "" && nonce != "-" && nonce != in.Nonce {
		return &ungreeted{message: fmt.Sprintf("another server answers at %s: its nonce is %s, not the one given to the target; stop it", in.Addr(), report.Clean(nonce))}
	}
	known.adopt(in.hello, g.journal.note)
	return nil
}

// look looks at a target whose class nobody said, and notes which one it looks like.
// It is judged by the clauses that bind every class all the same, and not by a guess.
func (g *targetGround) look(ctx context.Context, in *instance, setup session.Setup) (looks session.Looks) {
	g.aside(ctx, in, setup, func(s *session.Session) { looks = s.Looks() })
	switch {
	case looks.Class != "":
		g.journal.note("its class is not given, so only what binds every class is judged; it looks like %s (%s): with --class %s, or class: in the target file, the rest is judged too", looks.Class, looks.Seen, looks.Class)
	case looks.Seen != "":
		g.journal.note("its class is not given, so only what binds every class is judged; --class gives it. From outside it cannot be told: %s", looks.Seen)
	}
	return looks
}

// adopt adds what HELLO says where the target file is silent; the file wins, and
// disagreement is noted.
func (k *facts) adopt(hello map[string]string, note func(format string, args ...any)) {
	file := k.info
	class := spec.Class(hello["class"])
	switch {
	case file.Class == "" && slices.Contains(spec.Classes(), class):
		k.info.Class = class
	case file.Class != "" && class != "" && file.Class != class:
		note("the target file says class %s, HELLO says %s: the file wins", file.Class, report.Clean(string(class)))
	}
	var offered []spec.Feature
	for _, word := range strings.Split(hello["features"], ",") {
		if feature := spec.Feature(word); slices.Contains(spec.Features(), feature) && !slices.Contains(offered, feature) {
			offered = append(offered, feature)
		}
	}
	if file.Features == nil {
		k.info.Features = offered
	} else if left, right := difference(file.Features, offered), difference(offered, file.Features); len(left)+len(right) > 0 {
		note("the target file and HELLO disagree about features (only the file: %s; only HELLO: %s): the file wins", orNone(left), orNone(right))
	}
	amount, err := strconv.ParseInt(hello["limit"], 10, 64)
	switch limit := target.Bytes(amount); {
	case err != nil || limit < 0:
	case file.Limit == 0:
		k.info.Limit = limit
	case limit != file.Limit:
		note("the target file says limit %d, HELLO says %d: the file wins", file.Limit, limit)
	}
	nanoseconds, err := strconv.ParseInt(hello["idle-timeout"], 10, 64)
	switch idle := target.Duration(nanoseconds); {
	case err != nil || idle <= 0: // a server need not say it
	case file.IdleTimeout == 0:
		k.info.IdleTimeout = idle
	case idle != file.IdleTimeout:
		note("the target file says idle_timeout %v, HELLO says %v: the file wins", time.Duration(file.IdleTimeout), time.Duration(idle))
	}
}

func difference(a, b []spec.Feature) []spec.Feature {
	var only []spec.Feature
	for _, feature := range a {
		if !slices.Contains(b, feature) {
			only = append(only, feature)
		}
	}
	return only
}

func orNone(features []spec.Feature) string {
	if len(features) == 0 {
		return "none"
	}
	return join(features)
}

// aside has a few words with an instance outside any clause, up to three times
// where a stalled machine made it late.
func (g *targetGround) aside(ctx context.Context, in *instance, setup session.Setup, words func(s *session.Session)) session.Attempt {
	check := session.Check{Run: words}
	setup.Clause = spec.Clause{ID: "greeting"}
	for n := 1; ; n++ {
		a := check.Attempt(ctx, g.on(in, setup))
		late := a.Failure != nil && a.Failure.Kind == session.Late && !a.Steady()
		if !late || n == maxAttempts || ctx.Err() != nil {
			return a
		}
	}
}
