//go:build !linux

package target

import (
	"os"
	"syscall"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// No target is started elsewhere: visible says so before any of these is called.

func keepToOurselves() {}

func inGroup(*observe.Cgroup, *identity) *syscall.SysProcAttr { return nil }

func inSession() *syscall.SysProcAttr { return nil }

func ownerOf(os.FileInfo) *identity { return nil }

func killGroup(int) {}

func reap(observe.Process) (Exit, bool) { return Exit{}, false }

func becomeSubreaper() {}

func exitOf(state *os.ProcessState) Exit { return Exit{Known: true, Code: state.ExitCode()} }

func signalName(s syscall.Signal) string { return s.String() }

func refuseReuse(uintptr) error { return nil }

func narrowPipe(*os.File) (int, error) { return 0, nil }

func unreadIn(*os.File) int { return 0 }
