package main

import (
	"context"
	"log"
	"net"
	"os"
	"syscall"

	"github.com/panjf2000/gnet/v2"
)

// metronome is a connection whose other end is ours: while it beats, it is
// readable in each turn of its loop, and so counts the turns, which gnet does not.
type metronome struct {
	peer    int
	turns   int  // the loop's
	beating bool // the loop's
}

var beat = []byte{0}

func (m *metronome) onTraffic() {
	if m.beating {
		m.turns++
		syscall.Write(m.peer, beat)
	}
}

// turns counts the turns of a loop.
func (s *server) turns(loop int, begun func(end func() int)) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		log.Fatal(os.NewSyscallError("socketpair", err))
	}
	file := os.NewFile(uintptr(pair[0]), "metronome")
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		log.Fatal(err)
	}
	m := &metronome{peer: pair[1], beating: true}
	enrolled, err := s.loop(loop).Enroll(gnet.NewContext(context.Background(), m), conn)
	if err != nil {
		log.Fatal(err)
	}
	go func() { // the loop enrols it, and cannot wait for itself
		if result := <-enrolled; result.Err != nil {
			log.Fatal(result.Err)
		}
		syscall.Write(m.peer, beat)
		begun(func() int {
			m.beating = false
			syscall.Close(m.peer)
			return m.turns
		})
	}()
}
