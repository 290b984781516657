package play

import (
	"math"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everything plays the kept transcripts, then draws for a while.
func everything(search Search) func(s *session.Session) {
	return func(s *session.Session) {
		shape := ShapeFor(s)
		if s.Dialect.Name() == "probe" {
			shape.Frames, shape.Verbs = true, transcript.Verbs()
		}
		search.Kept(s)
		search.Run(s, shape)
	}
}

// Correct servers are never blamed, whatever is drawn.
func TestCorrectServers(t *testing.T) {
	search := Search{Time: time.Second}
	if testing.Short() {
		search.Time /= 5
	}
	for name, c := range map[string]struct {
		dialect string
		info    target.File
		serve   handler
	}{
		"blocking echo":   {"echo", target.File{}, goodEcho},
		"queued echo":     {"echo", target.File{}, queued},
		"one client":      {"echo", target.File{Class: "iterative"}, goodEcho},
		"probe":           {"probe", target.File{Features: []spec.Feature{"contain"}}, prober(false)},
		"probe of timers": {"probe", target.File{Features: []spec.Feature{"timer", "contain"}}, prober(false)},
	} {
		t.Run(name, func(t *testing.T) {
			a := judged(t, c.dialect, c.info, c.serve, everything(search))
			if a.Failure != nil || a.HarnessError != "" || a.Inconclusive != "" || a.Hung {
				t.Fatalf("%+v %s %s\n%s", a.Failure, a.HarnessError, a.Inconclusive, strings.Join(a.Notes, "\n"))
			}
		})
	}
}

// Broken servers are found, and the failing sequence becomes a short one that
// is written down and fails again.
func TestBrokenServers(t *testing.T) {
	for name, c := range map[string]struct {
		dialect string
		serve   handler
		race    bool // whether it shows is a matter of who is first
		most    int  // steps of the shortest form; 0: the form is a race too
		says    string
	}{
		"drops what waits at FIN":          {"echo", hasty(math.MaxInt), true, 4, "closed the connection | reset the connection | refuses"},
		"a reset resets a neighbour":       {"echo", neighbourly(true, func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() }), true, 0, "reset the connection | closed the connection | refuses"},
		"an end closes a neighbour":        {"echo", neighbourly(false, func(c *net.TCPConn) { _ = c.Close() }), true, 0, "closed the connection | reset the connection | refuses"},
		"a byte is lost among three":       {"echo", together, false, 8, "not the one"},
		"timers outlive their connections": {"probe", prober(true), true, 0, "a reply came | none were due | is another | not the one | no reply | bad frame | not a reply"},
	} {
		t.Run(name, func(t *testing.T) {
			search := Search{Time: 10 * time.Second, Shrink: 5 * time.Second, Await: 100 * time.Millisecond, Replays: 3, Dir: t.TempDir()}
			info := target.File{Features: []spec.Feature{"timer", "contain"}}
			a := judged(t, c.dialect, info, c.serve, everything(search))
			if a.Failure == nil {
				t.Fatalf("not found: %s", strings.Join(a.Notes, "\n"))
			}
			if !slices.ContainsFunc(strings.Split(c.says, " | "), func(says string) bool { return strings.Contains(a.Failure.Reason, says) }) {
				t.Errorf("the reason is %q, without any of %s", a.Failure.Reason, c.says)
			}
			files, err := filepath.Glob(filepath.Join(search.Dir, "*.txt"))
			if err != nil || len(files) != 1 {
				t.Fatalf("files %v, %v", files, err)
			}
			notes := strings.Join(a.Notes, "\n")
			if !strings.Contains(notes, "again "+files[0]) || !strings.Contains(a.Failure.Why, files[0]) {
				t.Errorf("the failure does not say how to play it again: %s; %s", a.Failure.Why, notes)
			}
			found, err := transcript.Load(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if c.most > 0 && len(found.Steps) > c.most {
				t.Errorf("%d steps, want at most %d: %v\n%s", len(found.Steps), c.most, found.Steps, notes)
			}
			replays := 1
			if c.race {
				replays = 20
			}
			again := judged(t, c.dialect, info, c.serve, func(s *session.Session) {
				for range replays {
					Play(s, found)
				}
			})
			if again.Failure == nil {
				t.Errorf("what was written down does not fail again: %v", found.Steps)
			}
		})
	}
}

// What a dialect does not promise is no failure: redis may drop what is due at FIN.
func TestLegalEnds(t *testing.T) {
	steps := func(text string) transcript.Transcript {
		read, err := transcript.Parse("x", []byte("reactorspec transcript 1\nclause CONN-22\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	left := steps("1 open frames\n1 call FAIL 3\n1 push all\n1 end\n")
	contains := target.File{Features: []spec.Feature{"contain"}}
	if a := judged(t, "probe", contains, prober(false), func(s *session.Session) { Play(s, left) }); a.Failure != nil {
		t.Errorf("a connection whose handler panicked is to be closed: %s", a.Failure.Reason)
	}
	if a := judged(t, "probe", contains, numb, func(s *session.Session) { Play(s, left) }); a.Failure == nil || !strings.Contains(a.Failure.Reason, "panic in its handler") {
		t.Errorf("a connection whose handler panicked stays open, and nobody missed its end: %+v", a.Failure)
	}
	pending := steps("1 open\n1 send 200000 8\n1 fin\n1 end\n")
	drops := hasty(1000) // the FIN of pending may be late, where this test waits for a CPU
	if a := judged(t, "echo", target.File{}, drops, func(s *session.Session) { Play(s, pending) }); a.Failure == nil {
		t.Error("echo promises what is due at FIN, and nobody missed it")
	}
	if a := judged(t, "echo", target.File{Limit: 100_000}, drops, func(s *session.Session) { Play(s, pending) }); a.Failure != nil {
		t.Errorf("a connection beyond the declared limit may be closed: %s", a.Failure.Reason)
	}
	if a := judged(t, "echo", target.File{Features: []spec.Feature{"idle-timeout"}}, drops, func(s *session.Session) { Play(s, pending) }); a.Failure != nil {
		t.Errorf("an idle connection may be closed: %s", a.Failure.Reason)
	}
}

// A sequence that does not fail again is kept as it was found.
func TestAnOriginalThatDoesNotFailAgainIsKept(t *testing.T) {
	once := func(v *server, c *net.TCPConn, number int) {
		if number == 2 {
			return // closes one connection, and no other ever
		}
		goodEcho(v, c, number)
	}
	original := transcript.Transcript{Clause: "CONN-22", Seed: 5, Steps: []transcript.Step{
		{Conn: 1, Op: transcript.Open}, {Conn: 2, Op: transcript.Open}, {Conn: 1, Op: transcript.Send, Size: 10, Count: 1}, {Conn: 2, Op: transcript.Send, Size: 10, Count: 1}}}
	search := Search{Time: time.Second, Shrink: time.Second, Await: 100 * time.Millisecond, Replays: 3, Dir: t.TempDir()}
	a := judged(t, "echo", target.File{}, once, func(s *session.Session) { search.Play(s, original) })
	if a.Failure == nil || !strings.Contains(strings.Join(a.Notes, "\n"), "as it was found") {
		t.Fatalf("%+v, %v", a.Failure, a.Notes)
	}
	files, _ := filepath.Glob(filepath.Join(search.Dir, "*.txt"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	kept, err := transcript.Load(files[0])
	if err != nil || !reflect.DeepEqual(kept.Steps, original.Steps) {
		t.Errorf("%v, %v", kept.Steps, err)
	}
}

// The shrinker finds the steps that matter, and the least numbers.
func TestShrinker(t *testing.T) {
	original := transcript.Transcript{Seed: 1}
	original.Steps = ShapeForTest().Steps().Example(7)
	original.Steps = append(original.Steps, transcript.Step{Conn: 3, Op: transcript.Send, Size: 5000, Count: 7}, transcript.Step{Conn: 2, Op: transcript.Reset})
	tries := 0
	h := &shrinker{best: original, more: func() bool { return tries < 2000 }, fails: func(candidate transcript.Transcript) bool {
		tries++
		large := slices.ContainsFunc(candidate.Steps, func(s transcript.Step) bool { return s.Conn == 3 && s.Op == transcript.Send && s.Size >= 90 })
		return large && slices.ContainsFunc(candidate.Steps, func(s transcript.Step) bool { return s.Op == transcript.Reset })
	}}
	h.run()
	if len(h.best.Steps) != 2 || h.best.Steps[0].Size+h.best.Steps[1].Size != 100 {
		t.Errorf("after %d tries of %d steps: %v", tries, len(original.Steps), h.best.Steps)
	}
}

// ShapeForTest draws everything.
func ShapeForTest() Shape {
	return Shape{Conns: 6, Bytes: true, Frames: true, Most: 1000, Unread: 10_000, Resets: true, Verbs: transcript.Verbs()}
}

// What is drawn can be written and read, and uses all operations.
func TestDrawnSequences(t *testing.T) {
	seen := map[transcript.Op]bool{}
	steps := ShapeForTest().Steps()
	for seed := range 200 {
		want := transcript.Transcript{Clause: "PROBE-13", Seed: uint64(seed), Steps: steps.Example(seed)}
		if len(want.Steps) == 0 {
			continue
		}
		for _, s := range want.Steps {
			seen[s.Op] = true
		}
		if want.Together() > 6 {
			t.Errorf("%d connections together", want.Together())
		}
		got, err := transcript.Parse("x", want.Append(nil))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %v\n%s", seed, err, want.Append(nil))
		}
		if !reflect.DeepEqual(want.Steps, steps.Example(seed)) {
			t.Fatal("the same seed draws another sequence")
		}
	}
	if len(seen) != 13 {
		t.Errorf("%d operations of 13 were drawn: %v", len(seen), seen)
	}
}

// The kept transcripts are all there, and say what they are about.
func TestCorpus(t *testing.T) {
	total := 0
	for _, clause := range []string{"CONN-22", "PROBE-13"} {
		names, kept := Corpus(clause)
		if _, known := spec.Lookup(clause); !known || len(kept) == 0 {
			t.Errorf("%s has %d transcripts", clause, len(kept))
		}
		for i, k := range kept {
			if len(k.Notes) == 0 {
				t.Errorf("%s does not say what it is about", names[i])
			}
		}
		total += len(kept)
	}
	if files, _ := filepath.Glob("../../../testdata/transcripts/*.txt"); len(files) != total {
		t.Errorf("%d files, of which the checks know %d", len(files), total)
	}
	if _, err := os.Stat("../../../testdata/transcripts/README.md"); err != nil {
		t.Error(err)
	}
}
