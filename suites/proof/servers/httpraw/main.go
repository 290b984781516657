// Command httpraw is an HTTP/1.1 server written by hand, so that it can be wrong
// in ways that no library is: httpraw PORT MODE.
//
// Modes without a fault: keeps (connections persist), closes (each ends behind
// its reply, which says so), sometimes (one reply in five says so), small (a
// request of more than 4,096 bytes is answered 431), page (the same page
// whatever is asked), hasty and curt (a client that takes longer than 2 ms over a
// request is cut off, with 408 or without a word), crowded (beside more than a
// hundred others a connection that has been idle for 20 ms is closed), idles (so
// is, beside any number, one that has been idle for 700 ms), sheds (as closes, and who
// comes behind a hundred others within 100 ms is answered 503).
//
// Modes with one: silent (each connection ends behind its reply, which says
// keep-alive), cut (as closes, and the end of a long reply is lost), mixed (as
// closes, and replies that are made at the same moment change places), odd (as
// page, and every twentieth reply is shorter than its Content-Length).
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	longReply = 1000 // bytes, from which on cut loses the end
	lost      = 100  // bytes
	oddReply  = 20   // one in so many
	endsAt    = 5    // one reply in so many
	buffer    = 4096 // bytes of a request, in mode small
	haste     = 2 * time.Millisecond
	crowd     = 100 // connections, in mode crowded
	idle      = 20 * time.Millisecond
	idleLong  = 700 * time.Millisecond // in mode idles
	spell     = 100 * time.Millisecond // in which a crowd comes, in mode sheds
	page      = "<!doctype html><title>it works</title>\n"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("httpraw PORT MODE")
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	s := &server{mode: os.Args[2]}
	for {
		conn, err := listener.Accept()
		if err != nil {
			time.Sleep(100 * time.Millisecond) // out of descriptors: rest, and look again
			continue
		}
		go s.serve(conn)
	}
}

type server struct {
	mode    string
	replies atomic.Int64
	open    atomic.Int64
	came    atomic.Int64 // within the spell
	mu      sync.Mutex
	waiting *exchange // mode mixed: who waits for another to change with
}

// exchange is two replies that change places.
type exchange struct {
	mine, theirs []byte
	met          chan struct{}
}

func (s *server) serve(conn net.Conn) {
	defer conn.Close()
	s.open.Add(1)
	defer s.open.Add(-1)
	in := bufio.NewReaderSize(conn, buffer)
	sheds := s.mode == "sheds" && s.came.Add(1) > crowd
	time.AfterFunc(spell, func() { s.came.Add(-1) })
	for {
		if s.mode == "small" {
			if tooLong(in) {
				fmt.Fprint(conn, "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
				linger(conn)
				return
			}
		}
		if s.mode == "hasty" || s.mode == "curt" {
			if _, err := in.Peek(1); err != nil {
				return
			}
			conn.SetReadDeadline(time.Now().Add(haste))
		}
		request, err := http.ReadRequest(in)
		if s.mode == "hasty" && errors.Is(err, os.ErrDeadlineExceeded) {
			fmt.Fprint(conn, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			linger(conn)
			return
		}
		conn.SetReadDeadline(time.Time{})
		if err != nil {
			return
		}
		if request.Header.Get("Expect") != "" {
			fmt.Fprint(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		if sheds {
			fmt.Fprint(conn, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			linger(conn)
			return
		}
		if !s.answer(conn, []byte(request.URL.RawQuery)) {
			linger(conn)
			return
		}
		if s.mode == "crowded" && s.open.Load() > crowd {
			conn.SetReadDeadline(time.Now().Add(idle))
		}
		if s.mode == "idles" {
			conn.SetReadDeadline(time.Now().Add(idleLong))
		}
	}
}

// tooLong waits for a request and reports whether it is more than the buffer holds.
func tooLong(in *bufio.Reader) bool {
	for n := 1; ; n++ {
		head, err := in.Peek(n)
		if err != nil {
			return err == bufio.ErrBufferFull
		}
		if n >= 4 && string(head[n-4:]) == "\r\n\r\n" {
			return false
		}
	}
}

// linger closes in two steps, so that a reply is not lost to a reset behind it
// (RFC 9112 section 9.6).
func linger(conn net.Conn) {
	conn.(*net.TCPConn).CloseWrite()
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, conn)
}

// answer replies, and reports whether the connection goes on.
func (s *server) answer(conn net.Conn, body []byte) bool {
	n := s.replies.Add(1)
	says, goesOn := "keep-alive", true
	switch s.mode {
	case "silent":
		goesOn = false
	case "closes", "cut", "mixed", "sheds":
		says, goesOn = "close", false
	case "sometimes":
		if n%endsAt == 0 {
			says, goesOn = "close", false
		}
	case "page", "odd":
		body = []byte(page)
	}
	length := len(body)
	switch {
	case s.mode == "cut" && length > longReply:
		body = body[:length-lost]
	case s.mode == "odd" && n%oddReply == 0:
		body, goesOn = body[:length-1], false
	case s.mode == "mixed":
		body = s.changed(body)
		length = len(body)
	}
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: %s\r\nContent-Length: %d\r\n\r\n%s", says, length, body)
	return goesOn
}

// together is how long a reply waits for another to change places with.
const together = 2 * time.Millisecond

func (s *server) changed(body []byte) []byte {
	s.mu.Lock()
	if other := s.waiting; other != nil {
		s.waiting, other.theirs = nil, body
		close(other.met)
		s.mu.Unlock()
		return other.mine
	}
	e := &exchange{mine: body, met: make(chan struct{})}
	s.waiting = e
	s.mu.Unlock()
	timer := time.NewTimer(together)
	defer timer.Stop()
	select {
	case <-e.met:
	case <-timer.C:
		s.mu.Lock()
		if s.waiting == e {
			s.waiting = nil
		}
		s.mu.Unlock()
		if e.theirs == nil {
			return body
		}
	}
	return e.theirs
}
