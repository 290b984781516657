package play

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Of a clause's transcripts the newest are kept, and nothing else is touched.
func TestTranscriptsDoNotPileUp(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	write := func(name string, age time.Duration) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for i := range kept + 5 {
		name := fmt.Sprintf("reactorspec-conn-22-%d.txt", i)
		write(name, time.Duration(i)*time.Minute)
		if i < kept {
			want = append(want, name)
		}
	}
	for _, other := range []string{"reactorspec-probe-13-1.txt", "mine.txt"} {
		write(other, time.Hour)
		want = append(want, other)
	}
	Prune(dir, "reactorspec-conn-22-*.txt", kept)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
}
