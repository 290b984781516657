//go:build !linux

package cli

import (
	"os"
	"syscall"
)

func child() *syscall.SysProcAttr { return nil }

func readable(*os.File) bool { return false }
