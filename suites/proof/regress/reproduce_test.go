package regress

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/reactorspec/reactorspec/suites/proof"
	"github.com/reactorspec/reactorspec/suites/target"
)

// mostLines is how long a reproduction may be (design §4): short enough to be
// read before it is believed.
const mostLines = 60

// adapters are the libraries behind an adapter of ours, which a failure is
// charged to only with a reproduction outside it.
var adapters = []string{"gnet", "netpoll", "nbio", "evio", "gaio"}

var (
	namesReproduction = regexp.MustCompile(`testdata/targets/(\w+)/reproduce/(\w+)`)
	namesClause       = regexp.MustCompile(`as for ([A-Z]+-\d+)`)
	saysWhyNone       = regexp.MustCompile(`no reproduction: .+`)
)

// charge names the reproduction that an expected failure rests on: its own, or
// that of the clause whose failure it shares. It is "" for one that says why it
// needs none.
func charge(name string, expected []target.Expected, entry target.Expected) (string, error) {
	if found := namesReproduction.FindStringSubmatch(entry.Reason); found != nil {
		if found[1] != name {
			return "", fmt.Errorf("%s rests on a reproduction of %s", entry.Clause, found[1])
		}
		return found[2], nil
	}
	if saysWhyNone.MatchString(entry.Reason) {
		return "", nil
	}
	if found := namesClause.FindStringSubmatch(entry.Reason); found != nil && found[1] != entry.Clause {
		for _, other := range expected {
			if other.Clause == found[1] && namesReproduction.MatchString(other.Reason) {
				return charge(name, expected, other)
			}
		}
		return "", fmt.Errorf("%s is charged as %s is, which names no reproduction", entry.Clause, found[1])
	}
	return "", fmt.Errorf("%s names no reproduction, no clause that does (as for …), and no reason for none (no reproduction: …)", entry.Clause)
}

// TestCharges shows that every failure charged to a library has its
// reproduction, and that no reproduction is left that nothing rests on.
func TestCharges(t *testing.T) {
	root, err := proof.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range adapters {
		t.Run(name, func(t *testing.T) {
			file, err := target.Load(filepath.Join(root, "testdata", "targets", name+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			used := map[string]bool{}
			for _, entry := range file.Expected {
				reproduction, err := charge(name, file.Expected, entry)
				if err != nil {
					t.Error(err)
				} else if reproduction != "" {
					used[reproduction] = true
				}
			}
			sources, err := filepath.Glob(filepath.Join(root, "testdata", "targets", name, "reproduce", "*", "main.go"))
			if err != nil {
				t.Fatal(err)
			}
			var there []string
			for _, source := range sources {
				there = append(there, filepath.Base(filepath.Dir(source)))
				text, err := os.ReadFile(source)
				if err != nil {
					t.Fatal(err)
				}
				if lines := bytes.Count(text, []byte("\n")); lines > mostLines {
					t.Errorf("%s has %d lines, more than %d", source, lines, mostLines)
				}
			}
			if named := slices.Sorted(maps.Keys(used)); !slices.Equal(named, there) {
				t.Errorf("the expected failures rest on %v, and there are %v", named, there)
			}
		})
	}
}

// TestReproductionsBuild builds them within their adapters' modules.
func TestReproductionsBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("builds five event loops; left out by -short")
	}
	root, err := proof.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range adapters {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "go", "build", "-o", t.TempDir()+string(filepath.Separator), "./reproduce/...")
			cmd.Dir = filepath.Join(root, "testdata", "targets", name)
			cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly -buildvcs=false")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestChargeRefuses shows that a failure without evidence is no expected one.
func TestChargeRefuses(t *testing.T) {
	expected := []target.Expected{
		{Clause: "ACC-4", Reason: "ends; testdata/targets/evio/reproduce/emfile"},
		{Clause: "ACC-5", Reason: "as for ACC-4"},
		{Clause: "ACC-6", Reason: "no reproduction: nothing of the library is involved"},
		{Clause: "CONN-1", Reason: "everybody knows"},
		{Clause: "CONN-2", Reason: "as for CONN-1"},
		{Clause: "CONN-3", Reason: "testdata/targets/gnet/reproduce/emfile"},
		{Clause: "CONN-4", Reason: "as for CONN-4"},
	}
	want := map[string]string{"ACC-4": "emfile", "ACC-5": "emfile", "ACC-6": ""}
	for _, entry := range expected {
		got, err := charge("evio", expected, entry)
		reproduction, fine := want[entry.Clause]
		if fine != (err == nil) || got != reproduction {
			t.Errorf("%s: got %q, %v", entry.Clause, got, err)
		}
	}
}
