// Command g10 is the target contract on gnet, with every 20th accept answered
// ECONNABORTED. Linux does not say so over loopback: a seccomp(2) filter hands
// each accept to a thread of this process, which lets it pass or fails it.
package main

import (
	"log"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
	"reactorspec.test/conversation"
)

type server struct{ gnet.BuiltinEventEngine }

func (*server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(conversation.New(conversation.Options{Class: "multi-reactor"}))
	return nil, gnet.None
}

func (*server) OnTraffic(c gnet.Conn) gnet.Action {
	in, _ := c.Next(-1)
	if c.Context().(*conversation.Conn).Feed(in, func(p []byte) { c.Write(p) }) {
		return gnet.Close
	}
	return gnet.None
}

// Of linux/seccomp.h and linux/audit.h.
const (
	setModeFilter  = 1
	filterFlags    = 1<<0 | 1<<3 | 1<<4 // TSYNC, NEW_LISTENER, TSYNC_ESRCH
	retUserNotify  = 0x7fc00000
	retAllow       = 0x7fff0000
	notifyReceive  = 0xc0502100
	notifySend     = 0xc0182101
	notifyContinue = 1
)

// supervise returns the descriptor that every accept of this process asks.
func supervise() (uintptr, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 2, K: unix.SYS_ACCEPT},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: unix.SYS_ACCEPT4},
		{Code: unix.BPF_RET | unix.BPF_K, K: retAllow},
		{Code: unix.BPF_RET | unix.BPF_K, K: retUserNotify},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, os.NewSyscallError("prctl", err)
	}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, filterFlags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return 0, os.NewSyscallError("seccomp", errno)
	}
	return fd, nil
}

// answer fails every 20th accept and lets the others pass.
func answer(fd uintptr) {
	for n := 1; ; {
		var asked struct {
			id   uint64
			rest [9]uint64
		}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, notifyReceive, uintptr(unsafe.Pointer(&asked))); errno == unix.EINTR || errno == unix.ENOENT {
			continue // a signal, here or of the thread that asked, which asks again
		} else if errno != 0 {
			log.Fatal(os.NewSyscallError("ioctl", errno))
		}
		reply := struct {
			id           uint64
			value        int64
			failure      int32
			continuation uint32
		}{id: asked.id, continuation: notifyContinue}
		if n%20 == 0 {
			reply.failure, reply.continuation = -int32(syscall.ECONNABORTED), 0
		}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, notifySend, uintptr(unsafe.Pointer(&reply))); errno != 0 {
			continue // that thread has gone back to ask again
		}
		n++
	}
}

func main() {
	fd, err := supervise()
	if err != nil {
		log.Fatal(err)
	}
	go answer(fd)
	log.Fatal(gnet.Run(&server{}, "tcp://127.0.0.1:"+os.Getenv("PORT"), gnet.WithMulticore(true)))
}
