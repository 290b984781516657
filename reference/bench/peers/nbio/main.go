// Echo on nbio: one poller, the callback on the poller's goroutine.
package main

import (
	"log"
	"os"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/logging"

	_ "github.com/reactorspec/reactorspec/reference/bench/peers/heap"
)

func main() {
	logging.SetLevel(logging.LevelError)
	e := nbio.NewEngine(nbio.Config{Network: "tcp", Addrs: []string{"127.0.0.1:" + os.Args[1]}, NPoller: 1, MaxWriteBufferSize: 6 << 20})
	e.OnData(func(c *nbio.Conn, data []byte) {
		if _, err := c.Write(data); err != nil {
			c.Close()
		}
	})
	if err := e.Start(); err != nil {
		log.Fatal(err)
	}
	select {}
}
