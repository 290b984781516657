package observe

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Socket is one socket of the machine, and of the tree where Pid is set.
type Socket struct {
	Network string // tcp, tcp6, unix
	Inode   uint64
	State   string // LISTEN, ESTABLISHED, CLOSE_WAIT, … ; LISTEN or empty for unix
	Local   string // host:port or path
	Remote  string
	// TxQueue and RxQueue are bytes not yet acknowledged and not yet read; of a
	// TCP listener RxQueue is the number of connections that wait for accept.
	TxQueue, RxQueue uint64
	Pid, FD          int // who holds it; 0 and -1 when it is none of the tree
}

const stateListen = "LISTEN"

// The states of linux/tcp_states.h by number.
var tcpStates = []string{"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", stateListen, "CLOSING", "NEW_SYN_RECV"}

// Sockets lists the TCP and unix stream sockets that the tree holds; one entry
// for each descriptor. With ErrDenied it lists those of the other processes.
func (t *Tree) Sockets() ([]Socket, error) {
	return t.sockets(allSockets)
}

// Listeners lists the listening sockets that the tree holds.
func (t *Tree) Listeners() ([]Socket, error) {
	return t.sockets(listenersOnly)
}

func (t *Tree) sockets(which selection) ([]Socket, error) {
	var found []Socket
	var denied error
	tables := map[string]map[uint64]Socket{} // by network namespace
	err := t.each(func(p Process) error {
		its, err := ask(p, func(tid int) (its []Socket, err error) {
			space, err := os.Readlink(below(tid, "ns/net"))
			if err != nil {
				return nil, err
			}
			if tables[space] == nil {
				if tables[space], err = tableOf(space, below(tid, "net"), which); err != nil {
					return nil, err
				}
			}
			err = eachFD(tid, func(fd int, link string) error {
				kind, inode := parseLink(link)
				if s, ok := tables[space][inode]; ok && kind == "socket" {
					s.Pid, s.FD = p.Pid, fd
					s.Remote = plain(s.Remote)
					its = append(its, s)
				}
				return nil
			})
			return its, err
		})
		if errors.Is(err, ErrDenied) {
			denied = fmt.Errorf("process %d: %w", p.Pid, err)
			return nil
		}
		found = append(found, its...)
		return err
	})
	if err == nil {
		err = denied
	}
	return found, err
}

// plain is an address as its other end knows it: the sockets of a dual-stack
// listener name an IPv4 peer as ::ffff:a.b.c.d.
func plain(address string) string {
	if rest, mapped := strings.CutPrefix(address, "[::ffff:"); mapped && strings.Contains(rest, ".") {
		return strings.Replace(rest, "]", "", 1)
	}
	return address
}

// Owns reports whether a process of the tree holds the socket that listens at
// addr. ErrForeign when somebody else's socket does, whether or not the tree
// has one there too; false without an error when nobody listens.
func (t *Tree) Owns(addr net.Addr) (bool, error) {
	listening, err := listenersAt("/proc/net", addr)
	if err != nil || len(listening) == 0 {
		return false, err
	}
	mine, denied := t.Listeners()
	over := errors.Is(denied, ErrGone) || errors.Is(denied, ErrReused)
	switch {
	case over: // an orphan may be left
		denied = nil
	case denied != nil && !errors.Is(denied, ErrDenied):
		return false, denied
	}
	held := map[uint64]bool{}
	for _, s := range mine {
		held[s.Inode] = true
	}
	owns := false
	for _, s := range listening {
		if held[s.Inode] {
			owns = true
			continue
		}
		if denied != nil {
			return false, denied
		}
		holder, name := holderOf(s.Inode)
		switch {
		case t.adopt(holder):
			owns = true
		case holder.Pid == 0 && (over || !listens(s.Inode, addr)):
			// Its holder ended while it was looked at: the tree's, as like as not.
		default:
			return false, fmt.Errorf("%s is served by %s: %w", addr, name, ErrForeign)
		}
	}
	return owns, nil
}

// listens reports whether that very socket still listens at addr.
func listens(inode uint64, addr net.Addr) bool {
	list, err := listenersAt("/proc/net", addr)
	return err != nil || slices.ContainsFunc(list, func(s Socket) bool { return s.Inode == inode })
}

// ErrForeign is reported when the socket at an address is not the tree's.
var ErrForeign = errors.New("a process that does not belong to the target")

// Listening reports whether anybody of this network namespace listens at addr.
func Listening(addr net.Addr) (bool, error) {
	list, err := ListenersAt(addr)
	return len(list) > 0, err
}

// ListenersAt lists the sockets that listen at addr, whoever holds them.
func ListenersAt(addr net.Addr) ([]Socket, error) { return listenersAt("/proc/net", addr) }

// listenersAt finds the sockets that a client dialling addr would reach.
func listenersAt(dir string, addr net.Addr) ([]Socket, error) {
	table, err := socketTable(dir, listenersOnly)
	if err != nil {
		return nil, err
	}
	var list, exact []Socket
	for _, s := range table {
		if !reaches(s, addr) {
			continue
		}
		list = append(list, s)
		if s.Local == addr.String() {
			exact = append(exact, s)
		}
	}
	if len(exact) > 0 { // the kernel prefers the exact address over a wildcard
		return exact, nil
	}
	return list, nil
}

func reaches(s Socket, addr net.Addr) bool {
	switch a := addr.(type) {
	case *net.UnixAddr:
		return s.Network == "unix" && s.Local == a.Name
	case *net.TCPAddr:
		local, err := netip.ParseAddrPort(s.Local)
		if err != nil || int(local.Port()) != a.Port {
			return false
		}
		want, _ := netip.AddrFromSlice(a.IP)
		want, host := want.Unmap(), local.Addr().Unmap()
		return host == want || host.IsUnspecified() && (host.Is6() || want.Is4())
	}
	return false
}

// holderOf finds the process that holds a socket, and words for it.
func holderOf(inode uint64) (Process, string) {
	list, _ := pids()
	for _, pid := range list {
		s, err := readStat(pid)
		if err != nil {
			continue
		}
		p := Process{pid, s.start}
		holds, _ := ask(p, func(tid int) (holds bool, err error) {
			err = eachFD(tid, func(_ int, link string) error {
				kind, n := parseLink(link)
				holds = holds || kind == "socket" && n == inode
				return nil
			})
			return holds, err
		})
		if holds {
			return p, fmt.Sprintf("pid %d (%s)", pid, s.name)
		}
	}
	return Process{}, "an unknown process"
}

// selection says which rows of the tables of /proc/net are asked for.
type selection bool

const (
	allSockets    selection = false
	listenersOnly selection = true
)

// errElsewhere is that what is asked for is in another network namespace.
var errElsewhere = errors.New("another network namespace")

// tableOf reads the selected sockets of a network namespace, by inode. dir is the net directory
// of a process that is in it.
func tableOf(space, dir string, which selection) (map[uint64]Socket, error) {
	list, err := diagnosed(space, which)
	if err != nil { // another namespace, or a kernel without sock_diag
		return socketTable(dir, which)
	}
	table, err := readTables(dir, which, "unix")
	if err != nil {
		return nil, err // whoever is asked next has to read it whole
	}
	for _, s := range list {
		table[s.Inode] = s
	}
	return table, nil
}

// socketTable reads the selected rows of tcp, tcp6 and unix below dir, by inode.
func socketTable(dir string, which selection) (map[uint64]Socket, error) {
	return readTables(dir, which, "tcp", "tcp6", "unix")
}

func readTables(dir string, which selection, networks ...string) (map[uint64]Socket, error) {
	table := map[uint64]Socket{}
	for _, network := range networks {
		f, err := os.Open(dir + "/" + network)
		if errors.Is(err, os.ErrNotExist) && network == "tcp6" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, kind(err)
		}
		err = eachSocket(f, network, func(s Socket) bool {
			listens := s.State == stateListen
			if which == allSockets || listens {
				table[s.Inode] = s
			}
			// The kernel lists a TCP table's listeners first (Documentation/networking/
			// proc_net_tcp.rst), and the rest is long after a churn.
			return which == allSockets || listens || network == "unix"
		})
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", dir, network, err)
		}
	}
	return table, nil
}

// eachSocket parses one table of /proc/net until f has enough. Rows that are not
// of the known form are left out: the kernel may write such while a table changes.
func eachSocket(r io.Reader, network string, f func(Socket) (more bool)) error {
	parse := parseTCP
	if network == "unix" {
		parse = parseUnix
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if s, ok := parse(lines.Bytes()); ok {
			s.Network, s.FD = network, -1
			if !f(s) {
				return nil
			}
		}
	}
	return lines.Err()
}

// parseTCP reads a row "sl local rem st tx:rx tr:when retr uid timeout inode …".
func parseTCP(line []byte) (Socket, bool) {
	words := bytes.Fields(line)
	if len(words) < 10 {
		return Socket{}, false
	}
	state, err := strconv.ParseUint(string(words[3]), 16, 8)
	if err != nil || int(state) >= len(tcpStates) {
		return Socket{}, false
	}
	s := Socket{State: tcpStates[state]}
	var ok bool
	if s.Local, ok = hexAddr(words[1]); !ok {
		return Socket{}, false
	}
	if s.Remote, ok = hexAddr(words[2]); !ok {
		return Socket{}, false
	}
	tx, rx, _ := bytes.Cut(words[4], []byte(":"))
	s.TxQueue, _ = strconv.ParseUint(string(tx), 16, 64)
	s.RxQueue, _ = strconv.ParseUint(string(rx), 16, 64)
	s.Inode, err = strconv.ParseUint(string(words[9]), 10, 64)
	return s, err == nil
}

// hexAddr decodes "0100007F:1F90", whose address is 32-bit words in host order.
func hexAddr(b []byte) (string, bool) {
	host, port, ok := bytes.Cut(b, []byte(":"))
	raw, err := hex.DecodeString(string(host))
	if !ok || err != nil || len(raw)%4 != 0 {
		return "", false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	ip, ok := netip.AddrFromSlice(raw)
	p, err := strconv.ParseUint(string(port), 16, 16)
	return netip.AddrPortFrom(ip, uint16(p)).String(), ok && err == nil
}

// parseUnix reads a row "num refs protocol flags type st inode path". The flag
// 0x10000 is __SO_ACCEPTCON: the socket listens.
func parseUnix(line []byte) (Socket, bool) {
	words := bytes.Fields(line)
	if len(words) < 7 {
		return Socket{}, false
	}
	flags, err := strconv.ParseUint(string(words[3]), 16, 32)
	if err != nil {
		return Socket{}, false
	}
	var s Socket
	if s.Inode, err = strconv.ParseUint(string(words[6]), 10, 64); err != nil {
		return Socket{}, false
	}
	if flags&0x10000 != 0 {
		s.State = stateListen
	}
	if len(words) > 7 {
		s.Local = string(bytes.Join(words[7:], []byte(" ")))
	}
	return s, true
}
