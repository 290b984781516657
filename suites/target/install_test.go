package target

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestInstallAll compares what .ci/install-all installs with the packages that target
// files name: in `version`, and where a build says that one is not installed.
func TestInstallAll(t *testing.T) {
	list, err := exec.Command("bash", "../../.ci/install-all", "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Fields(string(list))
	paths, err := filepath.Glob("../../testdata/targets/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d target files, %v", len(paths), err)
	}
	for _, path := range paths {
		file, err := Load(path)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, name := range packagesNamed(file.Version, strings.Join(file.Build, " ")) {
			if !slices.Contains(listed, name) {
				t.Errorf("%s names the package %s, and .ci/install-all does not install it: add it to its list", path, name)
			}
		}
	}
}

func TestPackagesNamed(t *testing.T) {
	for _, c := range []struct {
		version, build string
		want           []string
	}{
		{version: "1.54.1, with 2 threads"},
		{version: "the Go that builds it"},
		{version: "Debian's libuv1", want: []string{"libuv1"}},
		{version: "Debian's nginx 1.22.1-9+deb12u11, over TLS", want: []string{"nginx"}},
		{version: "Debian's gophernicus 3.1.1-3+b1, started by xinetd 1:2.3.15.3-1+b1 for each", want: []string{"gophernicus", "xinetd"}},
		{version: "Debian's stunnel4 3:5.68-2, before Debian's redis-server", want: []string{"redis-server", "stunnel4"}},
		{version: "Debian's postgresql-15 15.18-0+deb12u1", want: []string{"postgresql"}},
		{build: "x || { echo lua5.1 or lua-luv is not installed >&2; exit 127; }", want: []string{"lua-luv", "lua5.1"}},
		{build: "x || { echo libev-dev is not installed >&2; exit 127; }", want: []string{"libev-dev"}},
	} {
		if got := packagesNamed(c.version, c.build); !slices.Equal(got, c.want) {
			t.Errorf("%q, %q: %q, not %q", c.version, c.build, got, c.want)
		}
	}
}

var (
	debians   = regexp.MustCompile(`Debian's ([a-z0-9][a-z0-9.+-]*)`)
	versioned = regexp.MustCompile(`\b([a-z][a-z0-9.+-]+) \d\S*[-+.:]\S*`) // a name before a version
	lacking   = regexp.MustCompile(`echo (.+?) is not installed`)
	numbered  = regexp.MustCompile(`-\d+$`)
)

// packagesNamed lists the packages of Debian that a target's version and build name, each
// once, in order. Of one whose name ends in its version, the name without it: the package
// without it depends on whichever version the system has.
func packagesNamed(version, build string) []string {
	var names []string
	for _, found := range debians.FindAllStringSubmatch(version, -1) {
		names = append(names, found[1])
	}
	if len(names) > 0 {
		for _, found := range versioned.FindAllStringSubmatch(version, -1) {
			names = append(names, found[1])
		}
	}
	for _, found := range lacking.FindAllStringSubmatch(build, -1) {
		names = append(names, strings.Split(found[1], " or ")...)
	}
	for i, name := range names {
		names[i] = numbered.ReplaceAllString(name, "")
	}
	slices.Sort(names)
	return slices.Compact(names)
}
