package cli

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/reactorspec/reactorspec/suites/target"
)

// tlsFlags are how a target is spoken to over TLS, as given.
type tlsFlags struct {
	on       bool
	ca, name string
	insecure bool
	alpn     []string
}

// tlsNames are the flags that only make sense without a target file.
var tlsNames = []string{"tls", "tls-ca", "tls-server-name", "tls-insecure", "tls-alpn"}

func (t *tlsFlags) bind(flags *pflag.FlagSet) {
	flags.BoolVar(&t.on, "tls", false, "speak the dialect over TLS")
	flags.StringVar(&t.ca, "tls-ca", "", "PEM `file` of certificates that vouch for the server's; the system's if not given")
	flags.StringVar(&t.name, "tls-server-name", "", "the `name` that the server's certificate is for; the address's if not given")
	flags.BoolVar(&t.insecure, "tls-insecure", false, "take any certificate")
	flags.StringSliceVar(&t.alpn, "tls-alpn", nil, "protocols to offer, comma-separated")
}

// transport is nil for plain TCP.
func (t *tlsFlags) transport() (*target.TLS, error) {
	others := t.ca != "" || t.name != "" || t.insecure || len(t.alpn) > 0
	switch {
	case !t.on && others:
		return nil, errors.New("a flag of TLS without --tls: add it")
	case !t.on:
		return nil, nil
	case t.insecure && t.ca != "":
		return nil, errors.New("both --tls-ca and --tls-insecure: --tls-insecure takes any certificate, so --tls-ca would be ignored")
	}
	return &target.TLS{CA: t.ca, ServerName: t.name, Insecure: t.insecure, ALPN: t.alpn}, nil
}
