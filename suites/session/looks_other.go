//go:build !linux

package session

import "github.com/reactorspec/reactorspec/suites/observe"

// The numbers of system calls are Linux's, and so is /proc, where they are read.
func alone(observe.Syscall) bool { return false }
func polls(observe.Syscall) bool { return false }
