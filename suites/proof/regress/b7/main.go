// Command b7 posts tasks through the engine's Async: nbio, one loop.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/lesismal/nbio"
	"reactorspec.test/conversation"
)

const (
	maxSignOn = 256
	maxFrame  = 65536
)

// client is one connection: its conversation, to which POST is added here.
type client struct {
	conversation *conversation.Conn
	held         []byte // of an unfinished line or frame
	signedOn     bool
	probe        bool
}

func (c *client) feed(engine *nbio.Engine, in []byte, write func([]byte)) (done bool) {
	c.held = append(c.held, in...)
	if !c.signedOn {
		end := bytes.IndexByte(c.held, '\n')
		if end < 0 && len(c.held) < maxSignOn {
			return false
		}
		c.signedOn = true
		if c.probe = end >= 0 && strings.TrimSuffix(string(c.held[:end]), "\r") == "PROBE"; c.probe {
			done = c.conversation.Feed(c.take(end+1), write)
		}
	}
	if !c.probe {
		return c.conversation.Feed(c.take(len(c.held)), write)
	}
	for len(c.held) >= 4 && !done {
		n := int(binary.BigEndian.Uint32(c.held))
		if n == 0 || n > maxFrame {
			return c.conversation.Feed(c.take(len(c.held)), write)
		}
		if len(c.held) < 4+n {
			break
		}
		frame := c.take(4 + n)
		words := strings.Fields(string(frame[4:]))
		if len(words) != 4 || words[1] != "POST" {
			done = c.conversation.Feed(frame, write)
		} else if n, err := strconv.Atoi(words[3]); err != nil || n < 1 {
			write(reply(words[0] + " error"))
		} else {
			post(engine, words[0], n, write)
		}
	}
	return done
}

func (c *client) take(n int) []byte {
	p := append([]byte(nil), c.held[:n]...)
	c.held = c.held[n:]
	return p
}

// post answers once all n tasks ran. They wait for each other and for the
// poster, so that the whole burst is queued at once.
func post(engine *nbio.Engine, id string, n int, write func([]byte)) {
	var mu sync.Mutex
	mu.Lock()
	defer mu.Unlock()
	ran, misordered := 0, 0
	for i := range n {
		engine.Async(func() {
			mu.Lock()
			defer mu.Unlock()
			if i != ran {
				misordered++
			}
			if ran++; ran == n {
				write(reply(fmt.Sprintf("%s ok ran=%d loop=0 tid=%d misordered=%d", id, ran, syscall.Gettid(), misordered)))
			}
		})
	}
}

func reply(body string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func main() {
	engine := nbio.NewEngine(nbio.Config{Network: "tcp", Addrs: []string{"127.0.0.1:" + os.Getenv("PORT")}, NPoller: 1})
	engine.OnOpen(func(c *nbio.Conn) {
		c.SetSession(&client{conversation: conversation.New(conversation.Options{Class: "reactor"})})
	})
	engine.OnData(func(c *nbio.Conn, in []byte) {
		if c.Session().(*client).feed(engine, in, func(p []byte) { c.Write(p) }) {
			c.Close()
		}
	})
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	select {}
}
