// Command paces is a server of one loop that answers at a pace of its own, in the
// dialects echo, resp, memcache, http, smtp and dns, and in described ones by the line.
// By itself it is correct; the rows of the proof say which of its words are faults.
//
//	paces PORT DIALECT [word=n]…
//
//	ticks=ms     looks at its connections at each tick of a clock with this period
//	hands=ms     looks for new connections at each tick of a clock with this period
//	waits=ms     each reply waits so long
//	works=us     each reply takes so long of a processor
//	starts=us    the first reply on a connection takes so long of a processor
//	knows=ms     a connection's greeting waits so long (lines)
//	stalls=n     one reply in n, by chance, keeps the loop for 400 ms
//	rests=ms     every 300th reply keeps the loop for so long
//	once=ms      the 500th reply keeps the loop for so long
//	ends=us      the end of a connection takes so long of the loop's time
//	parts        a reply goes out in two parts, with Nagle's algorithm on
//	rate=n       bytes a second that each connection gets back
//	wrong=n      the reply to a payload of n bytes is wrong in its last one
//	takes=n      a connection takes n requests, and is ended; in smtp that is said to the next one
//	about=n      likewise, after n to 2n requests, by chance
//	hasty=ms     who takes longer over a request is let go; in smtp with a word
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	word    = map[string]int{}
	loop    sync.Mutex   // whoever has it is the loop
	ends    sync.RWMutex // read by each connection that ends
	replies int          // of the loop
	began   = time.Now()
)

func main() {
	for _, arg := range os.Args[3:] {
		name, value, _ := strings.Cut(arg, "=")
		n, err := strconv.Atoi(value)
		if value == "" {
			n, err = 1, nil
		}
		if err != nil {
			log.Fatal(arg)
		}
		word[name] = n
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			time.Sleep(100 * time.Millisecond) // out of descriptors: rest, and look again
			continue
		}
		go serve(c.(*net.TCPConn), os.Args[2])
	}
}

func ms(name string) time.Duration { return time.Duration(word[name]) * time.Millisecond }
func us(name string) time.Duration { return time.Duration(word[name]) * time.Microsecond }

// tick waits for the next tick of a clock; one of 0 is always there.
func tick(every time.Duration) {
	if every > 0 {
		time.Sleep(every - time.Since(began)%every)
	}
}

func busy(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

func serve(c *net.TCPConn, dialect string) {
	defer c.Close()
	tick(ms("hands"))
	_ = c.SetNoDelay(word["parts"] == 0)
	r := bufio.NewReaderSize(c, 64<<10)
	if dialect == "lines" {
		time.Sleep(ms("knows"))
		if _, err := io.WriteString(c, "ready\r\n"); err != nil {
			return
		}
	}
	if dialect == "smtp" {
		if _, err := io.WriteString(c, "220 paces\r\n"); err != nil {
			return
		}
		if _, err := r.ReadString('\n'); err != nil || !reply(c, []byte("250 paces\r\n")) {
			return
		}
	}
	raw := make([]byte, 256<<10)
	most := takes()
	for n := 1; ; n++ {
		if ms("hasty") > 0 {
			if _, err := r.Peek(1); err != nil {
				break
			}
			_ = c.SetReadDeadline(time.Now().Add(ms("hasty")))
		}
		var head, payload, tail []byte
		var err error
		if dialect == "echo" {
			var n int
			n, err = c.Read(raw)
			payload = raw[:n]
		} else {
			head, payload, tail, err = read(r, dialect)
		}
		if late, ok := err.(net.Error); ok && late.Timeout() {
			leave(c, dialect, "421 4.4.2 you took too long\r\n")
			break
		}
		if err != nil && len(payload) == 0 {
			break
		}
		if n > most {
			leave(c, dialect, "421 too many commands\r\n")
			break
		}
		_ = c.SetReadDeadline(time.Time{})
		if n, asked := word["wrong"]; asked && len(payload) == n && dialect != "http" {
			payload = bytes.Clone(payload)
			payload[n-1] ^= 1
		}
		pace(n == 1)
		if !reply(c, bytes.Join([][]byte{head, payload, tail}, nil)) {
			break
		}
		if n == most && dialect != "smtp" {
			break
		}
	}
	ends.RLock()
	defer ends.RUnlock()
	loop.Lock()
	busy(us("ends"))
	loop.Unlock()
}

// takes is how many requests the next connection takes.
func takes() int {
	if n := word["about"]; n > 0 {
		return n + rand.IntN(n)
	}
	if n := word["takes"]; n > 0 {
		return n
	}
	return math.MaxInt
}

// leave ends a connection, with a word where the dialect has one for it, in two steps, so
// that no reset overtakes it.
func leave(c *net.TCPConn, dialect, why string) {
	if dialect == "smtp" {
		_, _ = io.WriteString(c, why)
	}
	_ = c.CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.Copy(io.Discard, c)
}

// pace is what a reply waits for, and what it takes of the loop's time.
func pace(first bool) {
	tick(ms("ticks"))
	time.Sleep(ms("waits"))
	if first {
		busy(us("starts"))
	}
	if word["ends"] > 0 {
		ends.Lock()   // those that came first are done first
		ends.Unlock() //nolint:staticcheck // it is the wait that is wanted
	}
	loop.Lock()
	defer loop.Unlock()
	replies++
	busy(us("works"))
	if n := word["stalls"]; n > 0 && rand.IntN(n) == 0 {
		time.Sleep(400 * time.Millisecond)
	}
	if replies%300 == 0 {
		time.Sleep(ms("rests"))
	}
	if replies == 500 {
		time.Sleep(ms("once"))
	}
}

func reply(c *net.TCPConn, b []byte) bool {
	size := len(b)
	switch {
	case word["rate"] > 0:
		size = max(word["rate"]/50, 1)
	case word["parts"] > 0:
		size = (len(b) + 1) / 2
	}
	for len(b) > 0 {
		n, err := c.Write(b[:min(size, len(b))])
		if err != nil {
			return false
		}
		if b = b[n:]; word["rate"] > 0 {
			time.Sleep(time.Second / 50)
		}
	}
	return true
}

// read takes one request, and says what goes before and behind the payload in its reply.
func read(r *bufio.Reader, dialect string) (head, payload, tail []byte, err error) {
	line := func() string {
		text, bad := r.ReadString('\n')
		if err == nil {
			err = bad
		}
		return strings.TrimRight(text, "\r\n")
	}
	block := func(length string) []byte {
		n, bad := strconv.Atoi(length)
		if err == nil {
			err = bad
		}
		if err != nil || n < 0 || n > 80<<20 {
			return nil
		}
		b := make([]byte, n+2)
		_, err = io.ReadFull(r, b)
		return b[:n]
	}
	switch dialect {
	case "lines":
		return []byte("you said "), []byte(line()), []byte("\r\n"), err
	case "smtp": // NOOP
		if line(); err != nil {
			return nil, nil, nil, err
		}
		return nil, []byte("250 nothing was done\r\n"), nil, nil
	case "dns": // length, message
		head = make([]byte, 2)
		if _, err = io.ReadFull(r, head); err == nil {
			payload = make([]byte, binary.BigEndian.Uint16(head))
			_, err = io.ReadFull(r, payload)
		}
		if err != nil {
			return nil, nil, nil, err
		}
		return head, payload, nil, nil
	case "resp": // *2 $4 ECHO $n payload
		for range 3 {
			line()
		}
		length := strings.TrimPrefix(line(), "$")
		payload = block(length)
		return []byte("$" + length + "\r\n"), payload, []byte("\r\n"), err
	case "memcache": // set key 0 0 n, payload, get key
		set := strings.Fields(line())
		if err != nil || len(set) < 5 {
			return nil, nil, nil, io.EOF
		}
		payload = block(set[4])
		line()
		return fmt.Appendf(nil, "STORED\r\nVALUE %s 0 %s\r\n", set[1], set[4]), payload, []byte("\r\nEND\r\n"), err
	}
	asked := line() // GET /echo?payload HTTP/1.1
	if !strings.HasPrefix(asked, "GET ") {
		return nil, nil, nil, io.EOF // it may have a body
	}
	for err == nil && line() != "" {
	}
	_, query, _ := strings.Cut(asked, "?")
	query, _, _ = strings.Cut(query, " ")
	payload = []byte(query)
	if n, wrong := word["wrong"]; wrong && len(payload) == 2*n { // in hexadecimal
		if b, bad := hex.DecodeString(query); bad == nil {
			b[n-1] ^= 1
			payload = []byte(hex.EncodeToString(b))
		}
	}
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(payload)), payload, nil, err
}
