package report

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// WriteFile lets write fill the file at path. A reader of path sees the old
// content or the whole new one, never a part: the content goes to a temporary
// file beside it, which takes its place only when every byte is written. What
// is no regular file, such as /dev/stdout or a pipe, is written directly.
// A full disk is an error like any other and leaves the old content.
func WriteFile(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return fill(file, write)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // replace what the link names, not the link
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	temporary := file.Name()
	if err := file.Chmod(0o644); err != nil {
		_ = file.Close()
		_ = os.Remove(temporary)
		return err
	}
	if err := fill(file, write); err != nil {
		_ = os.Remove(temporary)
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		_ = os.Remove(temporary)
		return err
	}
	return nil
}

// fill writes through a buffer and closes the file; the first error counts.
func fill(file *os.File, write func(io.Writer) error) error {
	buffered := bufio.NewWriter(file)
	err := write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
