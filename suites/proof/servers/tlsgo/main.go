// Command tlsgo is an echo server of goroutines over TLS, by net and crypto/tls. Its
// certificate is made at its start.
//
//	tlsgo PORT [chain|in-loop]
//
// chain: eight more certificates follow its own, so that its first flight is of some
// kilobytes, and who is silent for three seconds is closed, in a handshake too.
//
// in-loop is its fault: the loop that accepts shakes hands too, so that everybody who
// comes waits for the slowest client.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"time"
)

func main() {
	mode := strings.Join(os.Args[min(2, len(os.Args)):], " ")
	if len(os.Args) < 2 || mode != "" && mode != "chain" && mode != "in-loop" {
		fmt.Fprintln(os.Stderr, "usage: tlsgo PORT [chain|in-loop]")
		os.Exit(2)
	}
	if err := serve("127.0.0.1:"+os.Args[1], mode); err != nil { //nolint:staticcheck // as serve says
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(address, mode string) error { //nolint:staticcheck // it returns where it cannot begin, and never else
	certificate, err := certify()
	if err != nil {
		return err
	}
	if mode == "chain" {
		for range chain {
			certificate.Certificate = append(certificate.Certificate, certificate.Certificate[0])
		}
	}
	listener, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil { // what a connection has, or a want of descriptors: both pass
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if mode == "in-loop" {
			if err := conn.(*tls.Conn).Handshake(); err != nil {
				_ = conn.Close()
				continue
			}
		}
		go func() {
			defer conn.Close()
			if mode == "chain" {
				conn = &impatient{conn}
			}
			_, _ = io.Copy(conn, conn)
		}()
	}
}

const (
	chain  = 8
	silent = 3 * time.Second
)

// impatient is a connection on which something has to come or go within three seconds.
type impatient struct{ net.Conn }

func (c *impatient) Read(b []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(silent))
	return c.Conn.Read(b)
}

func (c *impatient) Write(b []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(silent))
	return c.Conn.Write(b)
}

// certify makes a certificate for localhost that vouches for itself.
func certify() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
