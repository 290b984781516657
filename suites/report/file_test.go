package report

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWriteFile(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "report.json")
	content := func(text string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		}
	}
	expect := func(want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		entries, _ := os.ReadDir(directory)
		if err != nil || string(got) != want || len(entries) != 1 {
			t.Errorf("the file holds %q, %v, beside %d others; want %q alone", got, err, len(entries)-1, want)
		}
	}
	if err := WriteFile(path, content("one")); err != nil {
		t.Fatal(err)
	}
	expect("one")
	failed := errors.New("no")
	if err := WriteFile(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
		return failed
	}); !errors.Is(err, failed) {
		t.Errorf("the error is %v", err)
	}
	expect("one")
	if err := WriteFile(path, content("two")); err != nil {
		t.Fatal(err)
	}
	expect("two")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(link, content("three")); err != nil {
		t.Fatal(err)
	}
	expect("three")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is replaced: %v, %v", info, err)
	}
	if err := WriteFile(filepath.Join(directory, "missing", "x"), content("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing directory is %v", err)
	}
	if err := WriteFile(directory, content("x")); err == nil {
		t.Error("a directory is written")
	}
	if err := WriteFile("/dev/full", content("x")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk is %v", err)
	}
	if info, err := os.Stat("/dev/full"); err != nil || info.Mode().IsRegular() {
		t.Errorf("the device is replaced: %v", err)
	}
}
