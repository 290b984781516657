// Command hoard answers requests into a queue in memory, which another thread writes out,
// and reads on for as long as the queue holds no more than its bound.
//
//	hoard PORT memcache|http BOUND
//
// BOUND is in bytes; 0 is none, which is the fault.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// queue is what waits to be written to one connection.
type queue struct {
	mu     sync.Mutex
	change sync.Cond
	waits  [][]byte
	size   int
	bound  int
	ended  bool // nothing is added any more, or can be written
}

// add waits until there is room; false when the connection has ended.
func (q *queue) add(b []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.bound > 0 && q.size > q.bound && !q.ended {
		q.change.Wait()
	}
	q.waits, q.size = append(q.waits, b), q.size+len(b)
	q.change.Broadcast()
	return !q.ended
}

func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.change.Broadcast()
}

// write writes out what is added until the end.
func (q *queue) write(c net.Conn) {
	defer c.Close()
	for {
		q.mu.Lock()
		for len(q.waits) == 0 && !q.ended {
			q.change.Wait()
		}
		if len(q.waits) == 0 {
			q.mu.Unlock()
			return
		}
		next := q.waits[0]
		q.waits, q.size = q.waits[1:], q.size-len(next)
		q.change.Broadcast()
		q.mu.Unlock()
		if _, err := c.Write(next); err != nil {
			q.end()
			return
		}
	}
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: hoard PORT memcache|http BOUND")
	}
	bound, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	answer, known := map[string]func(*bufio.Reader, *queue) error{"memcache": memcache(), "http": get}[os.Args[2]]
	if !known {
		log.Fatalf("there is no %s here", os.Args[2])
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := listener.Accept()
		if err != nil {
			log.Print(err)
			time.Sleep(50 * time.Millisecond) // without descriptors: others may leave meanwhile
			continue
		}
		q := &queue{bound: bound}
		q.change.L = &q.mu
		go q.write(c)
		go func() {
			in := bufio.NewReaderSize(c, 64<<10)
			for answer(in, q) == nil {
			}
			q.end()
		}()
	}
}

// get answers a GET of /echo?payload with the payload.
func get(in *bufio.Reader, q *queue) error {
	line, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	for {
		header, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.TrimSpace(header) == "" {
			break
		}
	}
	if !strings.HasPrefix(line, "GET ") {
		return io.EOF // it may have a body
	}
	_, payload, _ := strings.Cut(line, "?")
	payload, _, _ = strings.Cut(payload, " ")
	if !q.add(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(payload), payload)) {
		return io.EOF
	}
	return nil
}

// memcache answers set and get.
func memcache() func(in *bufio.Reader, q *queue) error {
	var mu sync.Mutex
	items := map[string][]byte{}
	return func(in *bufio.Reader, q *queue) error {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		words := strings.Fields(line)
		var reply []byte
		switch {
		case len(words) == 5 && words[0] == "set":
			n, err := strconv.Atoi(words[4])
			if err != nil {
				return err
			}
			item := make([]byte, n+2)
			if _, err := io.ReadFull(in, item); err != nil {
				return err
			}
			mu.Lock()
			items[words[1]] = item
			mu.Unlock()
			reply = []byte("STORED\r\n")
		case len(words) == 2 && words[0] == "get":
			mu.Lock()
			item, stored := items[words[1]]
			mu.Unlock()
			if stored {
				reply = fmt.Appendf(reply, "VALUE %s 0 %d\r\n%s", words[1], len(item)-2, item)
			}
			reply = append(reply, "END\r\n"...)
		default:
			reply = []byte("ERROR\r\n")
		}
		if !q.add(reply) {
			return io.EOF
		}
		return nil
	}
}
