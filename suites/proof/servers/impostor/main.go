// Command impostor looks like a server and is none: `impostor MODE PORT`.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// modes are what is done with each connection.
var modes = map[string]func(net.Conn){
	"slam":            func(net.Conn) {},
	"silent":          func(c net.Conn) { io.Copy(io.Discard, c) },
	"echo-then-close": echoThenClose,
	"unsupported":     unsupported,
	"random-delay":    randomDelay,
	"core-spinner":    func(c net.Conn) { io.Copy(c, c) },
}

func main() {
	if len(os.Args) != 3 || modes[os.Args[1]] == nil {
		log.Fatal("usage: impostor MODE PORT")
	}
	mode := os.Args[1]
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	if mode == "core-spinner" {
		spin()
	}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Print(err)
			time.Sleep(time.Millisecond)
			continue
		}
		go func() {
			defer c.Close()
			modes[mode](c)
		}()
	}
}

// spin keeps every core busy, beside as many threads for the echo.
func spin() {
	cores := runtime.NumCPU()
	runtime.GOMAXPROCS(2 * cores)
	for range cores {
		go func() {
			for { //nolint:staticcheck // SA5002: spinning is the fault
			}
		}()
	}
}

// echoThenClose takes what comes first for all there is.
func echoThenClose(c net.Conn) {
	buf := make([]byte, 64<<10)
	if n, err := c.Read(buf); err == nil {
		c.Write(buf[:n])
	}
}

// unsupported signs on to every conversation, echoes, and refuses every verb of
// the probe, those that have to be there too.
func unsupported(c net.Conn) {
	in := bufio.NewReader(c)
	word, err := in.ReadString('\n')
	if err != nil {
		return
	}
	fmt.Fprintf(c, "OK 1\n")
	if strings.TrimSpace(word) != "PROBE" {
		io.Copy(c, in)
		return
	}
	var held []byte
	piece := make([]byte, 64<<10)
	for {
		n, err := in.Read(piece)
		if err != nil {
			return
		}
		held = append(held, piece[:n]...)
		for {
			body, used, err := probe.TakeFrame(held)
			if err != nil {
				return
			}
			if used == 0 {
				break
			}
			request, err := probe.ParseRequest(body)
			if err != nil {
				return
			}
			c.Write(probe.AppendReply(nil, probe.Reply{ID: request.ID, Status: probe.Unsupported}))
			held = held[used:]
		}
	}
}

// maxDelay is long for a machine, and short enough for the limits of a client.
const maxDelay = 900 * time.Millisecond

// randomDelay answers when it likes: two replies of three late, and how late is chance.
func randomDelay(c net.Conn) {
	buf := make([]byte, 64<<10)
	for replies := 0; ; replies++ {
		n, err := c.Read(buf)
		if replies%3 > 0 {
			time.Sleep(maxDelay*2/3 + rand.N(maxDelay/3))
		}
		if _, werr := c.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}
