package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Standalone is the reference as a program by itself; it links faster than the
// whole command, and there is one link for each fault.
const Standalone = "./reference/standalone"

// Apply returns the edited files of the row by their path from the root. It
// fails where an edit does not match exactly once, so that a row can not rot
// unseen when the reference changes.
func (f Fault) Apply(root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for i, e := range f.edits() {
		text, ok := files[e.File]
		if !ok {
			var err error
			if text, err = os.ReadFile(filepath.Join(root, e.File)); err != nil {
				return nil, fmt.Errorf("fault %s: edit %d: %w", f.Name, i+1, err)
			}
		}
		if n := bytes.Count(text, []byte(e.Old)); n != 1 {
			return nil, fmt.Errorf("fault %s: edit %d: its old text occurs %d times in %s, want once: mend the row", f.Name, i+1, n, e.File)
		}
		files[e.File] = bytes.Replace(text, []byte(e.Old), []byte(e.New), 1)
	}
	return files, nil
}

// Build makes the row's server below dir and returns the command that runs it.
func (f Fault) Build(ctx context.Context, root, dir string) ([]string, error) {
	if f.Server != "" {
		return f.buildServer(ctx, root, dir)
	}
	files, err := f.Apply(root)
	if err != nil {
		return nil, err
	}
	overlay, err := Overlay(root, dir, f.Name, files)
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, f.Name+".server")
	if err := run(ctx, root, "go", "build", "-overlay", overlay, "-o", binary, Standalone); err != nil {
		return nil, fmt.Errorf("fault %s: %w", f.Name, err)
	}
	return append([]string{binary, "--listen", "127.0.0.1:{port}"}, f.Args...), nil
}

// Overlay stores the texts, given by their path from the root, below dir and
// returns the file for the go command's -overlay that puts them in place.
func Overlay(root, dir, name string, texts map[string][]byte) (string, error) {
	replace := map[string]string{}
	for path, text := range texts {
		to := filepath.Join(dir, name, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(root, path)] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, name+".overlay.json")
	return file, os.WriteFile(file, overlay, 0o644)
}

// buildServer builds, or finds, a small server that is no edit of the reference.
func (f Fault) buildServer(ctx context.Context, root, dir string) ([]string, error) {
	source := filepath.Join(root, "suites", "proof", "servers", f.Server)
	binary := filepath.Join(dir, f.Name+".server")
	switch {
	case exists(filepath.Join(source, "main.go")):
		if err := run(ctx, root, "go", "build", "-o", binary, "./suites/proof/servers/"+f.Server); err != nil {
			return nil, fmt.Errorf("fault %s: %w", f.Name, err)
		}
	case exists(filepath.Join(source, "main.c")):
		compile := append([]string{"cc", "-O2", "-Wall", "-pthread", "-o", binary, "main.c"}, libraries[f.Server].flags...)
		if err := run(ctx, source, compile...); err != nil {
			return nil, fmt.Errorf("fault %s: %w", f.Name, err)
		}
	case exists(filepath.Join(source, "main.py")):
		return append([]string{"python3", filepath.Join(source, "main.py")}, f.Args...), nil
	case exists(filepath.Join(source, "main.js")):
		return append([]string{"node", filepath.Join(source, "main.js")}, f.Args...), nil
	case exists(filepath.Join(source, "main.sh")):
		return append([]string{"sh", filepath.Join(source, "main.sh")}, f.Args...), nil
	default:
		return nil, fmt.Errorf("fault %s: %s holds none of main.go, main.c, main.py, main.js and main.sh", f.Name, source)
	}
	return append([]string{binary}, f.Args...), nil
}

// library is what a server in C is linked with, beyond the C library.
type library struct {
	header string
	flags  []string
}

// libraries are those of the servers that need one.
var libraries = map[string]library{
	"tlsepoll":  {"<openssl/ssl.h>", []string{"-lssl", "-lcrypto"}},
	"sanitized": {"<sanitizer/asan_interface.h>", []string{"-fsanitize=address"}},
}

// Lacks names the header that the row's server needs and that is not installed; empty
// where nothing is missing.
func (f Fault) Lacks() string {
	needs, ok := libraries[f.Server]
	if !ok {
		return ""
	}
	compiler := exec.Command("cc", append([]string{"-x", "c", "-", "-o", os.DevNull}, needs.flags...)...)
	compiler.Stdin = strings.NewReader("#include " + needs.header + "\nint main(void) { return 0; }\n")
	if compiler.Run() != nil {
		return needs.header
	}
	return ""
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// run runs a build command and turns what it printed into the error.
func run(ctx context.Context, dir string, command ...string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// Commit is the short name of the commit that the checkout at root stands on.
func Commit(root string) string {
	out, err := exec.Command("git", "-C", root, "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// Uncommitted reports whether the checkout at root differs from its commit in
// more than the files, given from the root, that a run itself writes.
func Uncommitted(root string, written ...string) bool {
	status := []string{"-C", root, "status", "--porcelain", "--", "."}
	for _, file := range written {
		status = append(status, ":(exclude)"+file)
	}
	out, err := exec.Command("git", status...).Output()
	return err != nil || len(out) > 0
}

// Root finds the module's root from the working directory upwards.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte("module github.com/reactorspec/reactorspec\n")) {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod of reactorspec in this directory or above it: run inside the checkout")
		}
		dir = up
	}
}
