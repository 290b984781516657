package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// httpFlags are what the http dialect asks for, as given.
type httpFlags struct {
	path, method string
	headers      []string
	status       int
	echo         bool
}

// httpNames are the flags' names.
var httpNames = []string{"http-path", "http-method", "http-header", "http-status", "http-echo"}

func (f *httpFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.path, "http-path", "", "the `path` that http asks for, such as /healthz; /echo?<payload> if not given")
	flags.StringVar(&f.method, "http-method", "", "the `method` of each request; GET if not given")
	flags.StringArrayVar(&f.headers, "http-header", nil, "a `header` of each request, such as 'Accept: text/plain'; repeated for more")
	flags.IntVar(&f.status, "http-status", 0, "the status of each reply; 200 if not given")
	flags.BoolVar(&f.echo, "http-echo", false, "whether the body of a reply is the payload that was sent; if not given, true without --http-path")
}

// read returns what the flags say; nil if none was given.
func (f *httpFlags) read(cmd *cobra.Command) (*dialect.HTTP, error) {
	if !slices.ContainsFunc(httpNames, cmd.Flags().Changed) {
		return nil, nil
	}
	o := &dialect.HTTP{Path: f.path, Method: f.method, Status: f.status}
	if cmd.Flags().Changed("http-echo") {
		o.Echo = &f.echo
	}
	for _, line := range f.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("--http-header %q has no colon: write 'Name: value'", line)
		}
		if o.Headers == nil {
			o.Headers = map[string]string{}
		}
		if _, twice := o.Headers[name]; twice {
			return nil, fmt.Errorf("--http-header %s is given twice: join the values by a comma", name)
		}
		o.Headers[name] = strings.TrimSpace(value)
	}
	if _, err := dialect.NewHTTP(*o); err != nil {
		field, what, _ := strings.Cut(err.Error(), ":")
		return nil, fmt.Errorf("--http-%s:%s", strings.Replace(field, "headers", "header", 1), what)
	}
	return o, nil
}
