package session

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A server that is out of descriptors shakes hands when it has some again. Until then its
// client is connected, as over plain TCP: what it says waits, and what it reads times out.
func TestSecuredOutlastsAHandshakeThatWaits(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	let := make(chan struct{})
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		<-let
		served := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
		_, _ = io.Copy(served, served)
		_ = served.Close()
	}()
	socket, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := secure(socket, &tls.Config{InsecureSkipVerify: true}, 30*time.Second, new(atomic.Int32))
	defer c.Close()
	soon := func() time.Time { return time.Now().Add(20 * time.Millisecond) }

	if n, err := c.Write([]byte("early ")); n != 6 || err != nil {
		t.Errorf("a little, early: %d, %v", n, err)
	}
	_ = c.SetReadDeadline(soon())
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nobody has answered yet: %v", err)
	}
	_ = c.SetWriteDeadline(soon())
	if n, err := c.Write(make([]byte, 1<<20)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("more than waits: %d, %v", n, err)
	}
	waiting := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 1))
		waiting <- err
	}()
	_ = c.SetReadDeadline(time.Now().Add(-time.Second))
	if err := <-waiting; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read that waits for the handshake when its deadline is moved: %v", err)
	}
	close(let)
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if n, err := c.Write([]byte("late")); n != 4 || err != nil {
		t.Errorf("behind the handshake: %d, %v", n, err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Error(err)
	}
	var got strings.Builder
	if _, err := io.Copy(&got, onlyReader{c}); err != nil || got.String() != "early late" {
		t.Errorf("%q, %v", got.String(), err)
	}
}
