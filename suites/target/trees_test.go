package target

import (
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// A master passes the word on: SIGTERM is its own affair, though a worker listens.
func TestSignalsGoToTheMaster(t *testing.T) {
	i := launch(t, actFile("master"))
	if i.Pid() != i.Tree().Root().Pid {
		t.Fatal("a worker is taken for the server")
	}
	echoes(t, i)
	if err := i.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if exit, err := i.Wait(ctx); err != nil || !exit.Clean() {
		t.Errorf("exit %v, %v", exit, err)
	}
	if left := i.Leftover(); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

func TestKillMeansTheTree(t *testing.T) {
	i := launch(t, actFile("master"))
	before, err := i.Tree().Processes()
	if err != nil || len(before) < 2 {
		t.Fatalf("processes %v, %v", before, err)
	}
	if err := i.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, p := range before {
		if p.Check() == nil {
			t.Errorf("process %d runs still", p.Pid)
		}
	}
	if err := i.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	echoes(t, i)
}

// What we started ourselves is no stray, and what the target's tree holds neither; an
// orphan of unknown origin is.
func TestStrays(t *testing.T) {
	i := launch(t, actFile("master"))
	if strays := i.Strays(); len(strays) > 0 {
		t.Errorf("strays %v", strays)
	}
	unknown := exec.Command("sleep", "300")
	if err := unknown.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = unknown.Process.Kill()
		_ = unknown.Wait()
	}()
	if strays := i.Strays(); len(strays) != 1 || strays[0].Pid != unknown.Process.Pid {
		t.Errorf("strays %v, want %d alone", strays, unknown.Process.Pid)
	}
}

// A process that left parent, session and environment behind is the target's all
// the same where a cgroup can be made, and no group outlives its target.
func TestContained(t *testing.T) {
	group, err := observe.NewCgroup("reactorspec-test")
	if err != nil {
		t.Skip("no cgroup can be made here: ", err)
	}
	if err := group.Remove(); err != nil {
		t.Fatal(err)
	}
	i := launch(t, actFile("lost-daemon"))
	echoes(t, i)
	sleeper := func() (found bool) {
		live, err := i.Tree().Processes()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range live {
			name, _ := p.Name()
			found = found || name == "sleep"
		}
		return found
	}
	for end := time.Now().Add(10 * time.Second); !sleeper(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the sleeper is not seen")
		}
	}
	dir := i.latest.Load().proc.cgroup.Dir()
	i.Stop()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

// A binary with file capabilities does not show its descriptors to the very user who
// started it. It is judged by what is to be seen.
func TestFileCapabilities(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file capabilities")
	}
	dir, err := os.MkdirTemp("", "capable-") // not TempDir: its parents are closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(dir, 0o755))
	text, err := os.ReadFile("/proc/self/exe")
	must(err)
	plain, capable := filepath.Join(dir, "plain"), filepath.Join(dir, "capable")
	must(os.WriteFile(plain, text, 0o755))
	must(os.WriteFile(capable, text, 0o755))
	if err := unix.Setxattr(capable, "security.capability", bindsLowPorts(), 0); err != nil {
		t.Skip("this file system keeps no capabilities: ", err)
	}
	cmd := exec.Command(plain)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), actEnv+"=launcher", "EXECUTABLE="+capable, "HOME="+dir, "TMPDIR=/tmp")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, says := range []string{"descriptors: process ", "permission denied", "processor: <nil>", "exited with 0 <nil>"} {
		if !strings.Contains(string(out), says) {
			t.Errorf("it does not say %q:\n%s", says, out)
		}
	}
}

// bindsLowPorts is CAP_NET_BIND_SERVICE, permitted and effective, as the attribute
// of a file: struct vfs_cap_data of linux/capability.h, revision 2.
func bindsLowPorts() []byte {
	const revision, effective, bind = 0x02000000, 1, 1 << unix.CAP_NET_BIND_SERVICE
	var b []byte
	for _, word := range []uint32{revision | effective, bind, 0, 0, 0} {
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	return b
}
