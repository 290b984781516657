package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestCrossCompilesWhatIsReleased: CI compiles for each platform that a release has, so
// that no tag finds out first.
func TestCrossCompilesWhatIsReleased(t *testing.T) {
	text, err := os.ReadFile(".goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var release struct {
		Builds []struct{ Goos, Goarch, Ignore []any }
	}
	if err := yaml.Unmarshal(text, &release); err != nil {
		t.Fatal(err)
	}
	var released []string
	for _, build := range release.Builds {
		for _, system := range build.Goos {
			for _, machine := range build.Goarch {
				released = append(released, system.(string)+"/"+machine.(string))
			}
		}
		if len(build.Ignore) > 0 {
			t.Error("ignore: in .goreleaser.yaml is not read here: teach this test what it leaves out")
		}
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^PLATFORMS \?= (.*)$`).FindSubmatch(makefile)
	if list == nil || !strings.Contains(string(makefile), "for platform in $(PLATFORMS);") {
		t.Fatal("the Makefile compiles no PLATFORMS")
	}
	compiled := strings.Fields(string(list[1]))
	slices.Sort(released)
	slices.Sort(compiled)
	if len(released) == 0 || !slices.Equal(released, compiled) {
		t.Errorf("a release has %q, make cross compiles %q", released, compiled)
	}
	if ci, err := os.ReadFile(".github/workflows/ci.yml"); err != nil || !strings.Contains(string(ci), "run: make cross\n") {
		t.Errorf("CI does not run make cross: %v", err)
	}
}
