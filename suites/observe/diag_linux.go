package observe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// The layout of linux/inet_diag.h, in bytes.
const (
	inetRequest = 56 // struct inet_diag_req_v2
	inetMessage = 72 // struct inet_diag_msg
)

// The states of linux/tcp_states.h of which no socket belongs to a process: it has no inode.
const nobodys = 1<<3 | 1<<6 | 1<<12 // TCP_SYN_RECV, TCP_TIME_WAIT, TCP_NEW_SYN_RECV

// states are the sets of them that are asked for.
func (which selection) states() uint32 {
	if which == listenersOnly {
		return 1 << listenState
	}
	return (uint32(1)<<len(tcpStates) - 1) &^ (nobodys | 1)
}

// diagnosed reads the TCP sockets of one network namespace, if it is the caller's, by
// sock_diag(7). After a churn the tables of /proc/net have tens of thousands of rows of
// sockets in TIME_WAIT, which are nobody's: to write and to parse them takes a tenth of a
// second, and this a few milliseconds. errElsewhere where it is another namespace; other errors
// where the kernel does not know how.
func diagnosed(space string, which selection) ([]Socket, error) {
	runtime.LockOSThread() // a namespace is a thread's
	defer runtime.UnlockOSThread()
	if own, err := os.Readlink("/proc/thread-self/ns/net"); err != nil || own != space {
		return nil, errElsewhere
	}
	var list []Socket
	families := []uint8{unix.AF_INET, unix.AF_INET6}
	if !inUse6() {
		families = families[:1]
	}
	for _, family := range families {
		err := diagnose(inetSockets(family, which.states()), func(m []byte) {
			if s, ok := parseInet(m); ok {
				list = append(list, s)
			}
		})
		if err != nil && (family == unix.AF_INET || !errors.Is(err, unix.ENOENT)) { // a kernel without IPv6
			return nil, err
		}
	}
	return list, nil
}

// inUse6 reports whether there may be TCP sockets of IPv6: the kernel walks through all of
// its sockets for each family, and this says so at once.
func inUse6() bool {
	text, err := os.ReadFile("/proc/thread-self/net/sockstat6")
	return err != nil || !bytes.HasPrefix(text, []byte("TCP6: inuse 0\n"))
}

func inetSockets(family uint8, states uint32) []byte {
	r := make([]byte, inetRequest)
	r[0], r[1] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(r[4:], states)
	return r
}

// parseInet reads a socket's message. A listener's wqueue is its backlog, which /proc/net
// does not tell.
func parseInet(m []byte) (Socket, bool) {
	if len(m) < inetMessage || int(m[1]) >= len(tcpStates) {
		return Socket{}, false
	}
	s := Socket{Network: "tcp", State: tcpStates[m[1]], FD: -1, Inode: uint64(binary.NativeEndian.Uint32(m[68:])),
		RxQueue: uint64(binary.NativeEndian.Uint32(m[56:])), TxQueue: uint64(binary.NativeEndian.Uint32(m[60:]))}
	size := 4
	if m[0] == unix.AF_INET6 {
		s.Network, size = "tcp6", 16
	}
	if s.State == stateListen {
		s.TxQueue = 0
	}
	local, _ := netip.AddrFromSlice(m[8 : 8+size])
	remote, _ := netip.AddrFromSlice(m[24 : 24+size])
	s.Local = netip.AddrPortFrom(local, binary.BigEndian.Uint16(m[4:])).String()
	s.Remote = netip.AddrPortFrom(remote, binary.BigEndian.Uint16(m[6:])).String()
	return s, true
}

// diagnose asks the kernel for sockets, and hands each message to f, which must not keep it.
func diagnose(request []byte, f func(message []byte)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	header := make([]byte, unix.NLMSG_HDRLEN)
	binary.NativeEndian.PutUint32(header, uint32(len(header)+len(request)))
	binary.NativeEndian.PutUint16(header[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(header[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	if err := unix.Sendto(fd, append(header, request...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	for buffer := make([]byte, 64<<10); ; {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		for rest := buffer[:n]; len(rest) >= unix.NLMSG_HDRLEN; {
			size := int(binary.NativeEndian.Uint32(rest))
			if size < unix.NLMSG_HDRLEN || size > len(rest) {
				return errors.New("sock_diag(7): a message is cut short")
			}
			body := rest[unix.NLMSG_HDRLEN:size]
			switch kind := binary.NativeEndian.Uint16(rest[4:]); {
			case kind == unix.NLMSG_DONE:
				return nil
			case kind == unix.NLMSG_ERROR && len(body) >= 4:
				return os.NewSyscallError("sock_diag", unix.Errno(-int32(binary.NativeEndian.Uint32(body))))
			case kind == unix.SOCK_DIAG_BY_FAMILY:
				f(body)
			}
			rest = rest[min((size+3)&^3, len(rest)):]
		}
	}
}
