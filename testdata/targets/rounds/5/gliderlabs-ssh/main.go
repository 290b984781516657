// The README's example of github.com/gliderlabs/ssh; the port comes from the command line.
package main

import (
	"io"
	"log"
	"os"

	"github.com/gliderlabs/ssh"
)

func main() {
	ssh.Handle(func(s ssh.Session) {
		io.WriteString(s, "Hello world\n")
	})

	log.Fatal(ssh.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
