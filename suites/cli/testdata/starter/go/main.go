// An adapter: a server on Go's net package that speaks the target contract of reactorspec.
//
// The contract is one page, https://github.com/reactorspec/reactorspec/blob/main/spec/target.md.
// Put your own event loop in the place of net, and keep the conversations. A verb
// that your loop offers (POST, TIMER, OFFLOAD and so on) goes into answer, and its
// feature into features.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// There is no WHERE: a goroutine has no thread of its own.
	features = "sink,source,limit,drain"
	// limit is what the kernel's buffers hold of a connection's output, in bytes: a
	// Write waits for its client, and nothing is read from the client meanwhile.
	limit     = 64 << 10
	maxLine   = 256   // bytes of a sign-on line
	maxFrame  = 65536 // bytes of a frame's body
	maxSource = 1 << 40
	period    = 251                    // byte i of SOURCE is i mod 251
	piece     = 251 << 8               // bytes of SOURCE written at a time, whole periods
	buffer    = 32 << 10               // bytes of ECHO and SINK read at a time
	pause     = 100 * time.Millisecond // after an accept that failed, for want of descriptors
	drainTime = 4 * time.Second        // the contract allows 5 s
	linger    = time.Second            // for what a client has sent already
)

var pattern = func() []byte {
	b := make([]byte, piece)
	for i := range b {
		b[i] = byte(i % period)
	}
	return b
}()

// server knows its connections, to end them.
type server struct {
	mu       sync.Mutex
	open     map[net.Conn]bool
	stopping bool
	serving  sync.WaitGroup
	accepted uint64
}

func main() {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	l, err := net.Listen("tcp4", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	s := &server{open: map[net.Conn]bool{}}
	go s.accept(l)
	<-terminate
	l.Close()
	s.drain()
}

func (s *server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Print(err)
			time.Sleep(pause)
			continue
		}
		s.mu.Lock()
		if s.stopping {
			c.Close()
		} else {
			s.accepted++
			number := s.accepted
			s.open[c] = true
			s.serving.Add(1)
			go s.serve(c, number)
		}
		s.mu.Unlock()
	}
}

func (s *server) serve(c net.Conn, number uint64) {
	defer s.serving.Done()
	defer func() {
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
		leave(c.(*net.TCPConn))
	}()
	in := bufio.NewReader(c)
	line, err := signOn(in)
	if err != nil {
		return
	}
	ok := func() { fmt.Fprintf(c, "OK %d\n", number) }
	switch command, argument, _ := strings.Cut(line, " "); {
	case line == "ECHO":
		ok()
		echo(c, in)
	case line == "SINK":
		ok()
		fmt.Fprintf(c, "SUNK %d\n", sink(in))
	case line == "PROBE":
		ok()
		frames(c, in, number)
	case command == "SOURCE":
		if n, err := strconv.ParseUint(argument, 10, 64); err == nil && n <= maxSource {
			ok()
			source(c, n)
		}
	}
}

// leave closes in two steps: a close over input that nobody has read makes the kernel
// reset the connection, and drop the output that is still on its way.
func leave(c *net.TCPConn) {
	_ = c.CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(linger))
	_, _ = io.Copy(io.Discard, c)
	c.Close()
}

// drain ends all reading, and leaves those who still do not read behind.
func (s *server) drain() {
	s.mu.Lock()
	s.stopping = true
	for c := range s.open {
		_ = c.SetReadDeadline(time.Now())
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.serving.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(drainTime):
	}
}

// signOn reads the first line, without its end.
func signOn(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		b, err := in.ReadByte()
		switch {
		case err != nil:
			return "", err
		case b == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case len(line) == maxLine:
			return "", errors.New("the sign-on line is too long")
		}
		line = append(line, b)
	}
}

func echo(out io.Writer, in io.Reader) {
	b := make([]byte, buffer)
	for {
		n, err := in.Read(b)
		if n > 0 {
			if _, err := out.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func sink(in io.Reader) (total int) {
	b := make([]byte, buffer)
	for {
		n, err := in.Read(b)
		total += n
		if err != nil {
			return total
		}
	}
}

func source(out io.Writer, n uint64) {
	for n > 0 {
		written, err := out.Write(pattern[:min(n, piece)])
		if err != nil {
			return
		}
		n -= uint64(written)
	}
}

// frames answers requests until the input ends or cannot be trusted. Replies are
// sent together as long as more requests are here already.
func frames(c io.Writer, in *bufio.Reader, number uint64) {
	out := bufio.NewWriter(c)
	defer out.Flush()
	head := make([]byte, 4)
	for {
		if in.Buffered() < len(head) && out.Flush() != nil {
			return
		}
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		length := binary.BigEndian.Uint32(head)
		if length < 1 || length > maxFrame {
			return
		}
		if in.Buffered() < int(length) && out.Flush() != nil {
			return
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		id, request, _ := bytes.Cut(body, []byte(" "))
		if _, err := strconv.ParseUint(string(id), 10, 32); err != nil {
			return
		}
		reply := append(append(id[:len(id):len(id)], ' '), answer(request)...)
		out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(reply))))
		if _, err := out.Write(reply); err != nil {
			return
		}
	}
}

func answer(request []byte) []byte {
	verb, _, _ := bytes.Cut(request, []byte(" "))
	switch string(verb) {
	case "PING":
		return append([]byte("ok"), request[len(verb):]...)
	case "HELLO":
		nonce := os.Getenv("REACTORSPEC_NONCE")
		if nonce == "" {
			nonce = "-"
		}
		return fmt.Appendf(nil, "ok class=multi-reactor loops=1 features=%s limit=%d wakeup=- poller=epoll nonce=%s", features, limit, nonce)
	}
	return []byte("unsupported")
}
