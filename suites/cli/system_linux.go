package cli

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// child is how a process of ours is started that ends when we do.
func child() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// readable reports whether a file is open to read and to write.
func readable(file *os.File) bool {
	flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR
}
