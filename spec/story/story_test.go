package story

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var write = flag.Bool("write", false, "write the pictures; `go generate ./spec` does")

// The committed pictures are those that are drawn, they are XML, and the page shows each.
func TestThePicturesAreCurrent(t *testing.T) {
	page, err := os.ReadFile("../story.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn := Drawings()
	for name, svg := range drawn {
		if *write {
			if err := os.WriteFile(name+".svg", []byte(svg), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		committed, err := os.ReadFile(name + ".svg")
		if err != nil || string(committed) != svg {
			t.Errorf("spec/story/%s.svg is stale (%v): go generate ./spec", name, err)
		}
		for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
		if !strings.Contains(string(page), "](story/"+name+".svg)") {
			t.Errorf("spec/story.md does not show %s.svg", name)
		}
	}
	files, err := filepath.Glob("*.svg")
	if err != nil || len(files) != len(drawn) {
		t.Errorf("%d files and %d drawings (%v)", len(files), len(drawn), err)
	}
}

// Text can be read on each ground, by day and by night (WCAG AA: 4.5); lines are seen (3).
func TestContrast(t *testing.T) {
	colours := make(map[string][2]string)
	for _, c := range Colours {
		colours[c.Name] = [2]string{c.Day, c.Night}
	}
	for _, pair := range []struct {
		over, ground string
		least        float64
	}{
		{"text", "ground", 4.5}, {"text", "panel", 4.5}, {"text", "loop", 4.5}, {"quiet", "ground", 4.5}, {"good", "ground", 4.5}, {"bad", "ground", 4.5},
		{"line", "ground", 3},
	} {
		for i, when := range []string{"day", "night"} {
			if got := contrast(t, colours[pair.over][i], colours[pair.ground][i]); got < pair.least {
				t.Errorf("%s on %s by %s: %.2f, below %.1f", pair.over, pair.ground, when, got, pair.least)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	high, low := luminance(t, a), luminance(t, b)
	if high < low {
		high, low = low, high
	}
	return (high + 0.05) / (low + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var rgb [3]int
	if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatalf("%s: %v", colour, err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(rgb[i]) / 255
		if c <= 0.03928 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
