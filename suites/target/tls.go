package target

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// TLS is how a target is spoken to over TLS, below its dialect.
type TLS struct {
	// CA is a file of certificates, PEM, one of which vouches for the server's; the
	// system's are asked where it is empty. It is relative to the target file, and
	// may begin with {scratch}.
	CA string `yaml:"ca"`
	// ServerName is the name that the certificate has to be for, and that is sent as SNI;
	// the address's host where it is empty.
	ServerName string `yaml:"server_name"`
	// Insecure takes any certificate.
	Insecure bool `yaml:"insecure"`
	// ALPN are the protocols that are offered, in the order of preference.
	ALPN []string `yaml:"alpn"`
}

// TLSConfig is what the instance is spoken to with; nil where that is plain TCP.
func (i *Instance) TLSConfig() (*tls.Config, error) {
	t := i.file.TLS
	if t == nil {
		return nil, nil
	}
	config := &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: t.Insecure, NextProtos: t.ALPN}
	if config.ServerName == "" {
		config.ServerName = "localhost"
		if at, ok := i.addr.(*net.TCPAddr); ok {
			config.ServerName = at.IP.String()
		}
	}
	if t.CA == "" {
		return config, nil
	}
	path := i.fill(t.CA)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(i.file.Path), path)
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, &LaunchError{Cause: ErrTLS, Detail: "ca: " + err.Error()}
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, &LaunchError{Cause: ErrTLS, Detail: fmt.Sprintf("ca: %s holds no certificate in PEM", path)}
	}
	return config, nil
}

// check finds what cannot be meant.
func (t *TLS) check() error {
	if t != nil && t.Insecure && t.CA != "" {
		return errors.New("tls: both ca and insecure: insecure takes any certificate, so ca would be ignored")
	}
	return nil
}
