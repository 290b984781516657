package target

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A server runs under the user that its file names, with a scratch directory that is the
// user's; so does a second one beside it.
func TestStartsUnderItsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can start a server under another user")
	}
	nobody, err := identify("nobody")
	if err != nil {
		t.Skip(err)
	}
	binary := everybodys(t)
	numbers := strconv.Itoa(int(nobody.uid)) + ":" + strconv.Itoa(int(nobody.gid))
	for _, word := range []string{"nobody", strconv.Itoa(int(nobody.uid)), numbers, "4242:4343"} {
		t.Run(word, func(t *testing.T) {
			want, err := identify(word)
			if err != nil {
				t.Fatal(err)
			}
			f := actFile("echo")
			f.User, f.Dir = word, "/"
			f.Start = Command{"/bin/sh", "-c", `env >{scratch}/env && exec ` + binary + ` {port}`}
			i := launch(t, f)
			echoes(t, i)
			free, err := i.FreeAddr()
			if err != nil {
				t.Fatal(err)
			}
			second, err := i.Second(free)
			if err != nil {
				t.Fatal(err)
			}
			defer second.Stop()
			for _, in := range []*Instance{i, second} {
				info, err := os.Stat(in.scratch)
				if err != nil || ownerOf(info).uid != want.uid || ownerOf(info).gid != want.gid || info.Mode().Perm() != 0o700 {
					t.Errorf("the scratch directory: %v, %v", info, err)
				}
			}
			status, err := os.ReadFile("/proc/" + strconv.Itoa(i.Pid()) + "/status")
			if err != nil {
				t.Fatal(err)
			}
			if got := ids(string(status), "Uid:"); !slices.Equal(got, same(want.uid)) {
				t.Errorf("uids %v", got)
			}
			if got := ids(string(status), "Gid:"); !slices.Equal(got, same(want.gid)) {
				t.Errorf("gids %v", got)
			}
			if got := ids(string(status), "Groups:"); slices.Contains(got, 0) || len(got) != len(want.groups) {
				t.Errorf("groups %v, want %v", got, want.groups)
			}
			if env, err := os.ReadFile(filepath.Join(i.scratch, "env")); err != nil || !strings.Contains("\n"+string(env), "\nHOME="+want.home+"\n") {
				t.Errorf("HOME is not %s: %v", want.home, err)
			}
			if err := i.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			echoes(t, i)
		})
	}
}

// everybodys is a copy of this test binary that everybody may run.
func everybodys(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "reactorspec-everybodys-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	own, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = errors.Join(os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, "server"), own, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "server")
}

// ids are the numbers of a line of /proc/<pid>/status.
func ids(status, name string) (list []uint32) {
	_, rest, _ := strings.Cut(status, "\n"+name)
	line, _, _ := strings.Cut(rest, "\n")
	for _, word := range strings.Fields(line) {
		n, _ := strconv.ParseUint(word, 10, 32)
		list = append(list, uint32(n))
	}
	return list
}

// same are the real, effective, saved and file system's id of a process that has one.
func same(id uint32) []uint32 { return []uint32{id, id, id, id} }

// What keeps a server from being started under its user is said in one line.
func TestUsersThatCannotBe(t *testing.T) {
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	other := strconv.Itoa(os.Geteuid() + 4242)
	for name, c := range map[string]struct {
		do   func() error
		says string
	}{
		"no such user":    {func() error { _, err := (File{User: "no-such-user-here"}).as(0, 0); return err }, "no user no-such-user-here"},
		"not root":        {func() error { _, err := (File{User: other}).as(1000, 1000); return err }, "only root can start a server so"},
		"another group":   {func() error { _, err := (File{User: "1000:7"}).as(1000, 1000); return err }, "only root can start a server so"},
		"scratch is shut": {func() error { return (&identity{name: "x", uid: 4242}).chown(filepath.Join(closed, "scratch")) }, "set TMPDIR"},
		"dir is shut":     {func() error { return (&identity{name: "x", uid: 4242}).enters(closed) }, "may not enter"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.do()
			var launch *LaunchError
			if !errors.As(err, &launch) || !errors.Is(err, ErrUser) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v: want %q", err, c.says)
			}
		})
	}
	for _, f := range []File{{}, {User: "1000"}, {User: "1000:1000"}} {
		if as, err := f.as(1000, 1000); as != nil || err != nil {
			t.Errorf("user %q under uid 1000: %+v, %v", f.User, as, err)
		}
	}
}

// A program that the user may not run is named with the user.
func TestProgramsShutToTheUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can start a server under another user")
	}
	program := everybodys(t)
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := (&Target{File: File{Name: "x", Dialect: "echo", User: "4242", Dir: "/", Start: Command{program, "{port}"}}}).Launch(t.Context())
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "started as 4242") {
		t.Errorf("%v", err)
	}
}

// Whom a directory lets in.
func TestBarred(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	base := everybodys(t)
	dir := filepath.Dir(base)
	if err := os.Chown(dir, 4242, 4343); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode fs.FileMode
		id   identity
		in   bool
	}{
		{0o700, identity{uid: 4242}, true},
		{0o077, identity{uid: 4242}, false},
		{0o710, identity{uid: 1, gid: 4343}, true},
		{0o710, identity{uid: 1, gid: 1, groups: []uint32{4343}}, true},
		{0o701, identity{uid: 1, gid: 4343}, false},
		{0o701, identity{uid: 1, gid: 1}, true},
		{0o770, identity{uid: 1, gid: 1}, false},
	} {
		if err := os.Chmod(dir, c.mode); err != nil {
			t.Fatal(err)
		}
		if barred := c.id.barred(dir); (barred == "") != c.in {
			t.Errorf("%v lets %+v in: %v (%s)", c.mode, c.id, barred == "", barred)
		}
	}
}
