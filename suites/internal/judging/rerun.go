package judging

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
)

// rerun is a command that judges one clause again when it is pasted.
func (r *Run) rerun(clause string) string {
	if r.options.Rerun != nil {
		return r.options.Rerun(clause, r.plan.seed)
	}
	return Rerun("reactorspec", r.target, clause, r.plan.seed, r.options)
}

// Rerun words the command that judges a clause on that target with that seed, as
// the options have it. program is how the command is called, already in a shell's words.
func Rerun(program string, t target.Target, clause string, seed uint64, o Options) string {
	return strings.Join(append(RerunWords(program, clause, seed, o), named(t, "--addr")...), " ")
}

// RerunWords are Rerun's words before those that name the target.
func RerunWords(program, clause string, seed uint64, o Options) []string {
	words := []string{program, "check", "--clause", clause, "--seed", fmt.Sprintf("%#x", seed)}
	if o.Soak {
		words = append(words, "--soak")
	}
	if o.Patience > 1 {
		words = append(words, "--patience", fmt.Sprint(o.Patience))
	}
	if o.Spec != "" {
		words = append(words, "--spec-version", o.Spec)
	}
	if o.Advice {
		words = append(words, "--advice")
	}
	if len(o.Promise) > 0 {
		words = append(words, "--promise", Quote(strings.Join(o.Promise, ",")))
	}
	return words
}

// replay is a command that plays a transcript on the target when it is pasted.
func (r *Run) replay(file string) string {
	if r.options.Replay != nil {
		return r.options.Replay(file)
	}
	return Replay("reactorspec", r.target, file)
}

// Replay words the command that plays a transcript's file on that target.
func Replay(program string, t target.Target, file string) string {
	return strings.Join(append([]string{program, "replay", Quote(file)}, named(t, "--against")...), " ")
}

// named is the part of a command line that names the target; addr is the flag
// of its address.
func named(t target.Target, addr string) []string {
	var words []string
	flag := func(name, value string) {
		if value != "" {
			words = append(words, name, Quote(value))
		}
	}
	file := t.File
	if file.Path != "" {
		flag("--target", file.Path)
	} else {
		flag("--dialect", cmp.Or(file.DialectFile, file.Dialect))
		words = append(words, httpWords(file.HTTP)...)
		flag("--class", string(file.Class))
		flag("--features", strings.ReplaceAll(join(file.Features), ", ", ","))
		if file.Limit != 0 {
			flag("--limit", file.Limit.String())
		}
		if file.IdleTimeout != 0 {
			flag("--idle-timeout", time.Duration(file.IdleTimeout).String())
		}
		if file.MaxClients != 0 {
			flag("--max-clients", fmt.Sprint(file.MaxClients))
		}
		if file.ReadyTimeout != 0 {
			flag("--ready-timeout", time.Duration(file.ReadyTimeout).String())
		}
		if file.Memory != 0 {
			flag("--memory", file.Memory.String())
		}
		if file.TLS != nil {
			words = append(words, "--tls")
			flag("--tls-ca", file.TLS.CA)
			flag("--tls-server-name", file.TLS.ServerName)
			flag("--tls-alpn", strings.Join(file.TLS.ALPN, ","))
			if file.TLS.Insecure {
				words = append(words, "--tls-insecure")
			}
		}
	}
	switch {
	case t.Addr != "":
		flag(addr, t.Addr)
		if t.Pid != 0 {
			flag("--pid", fmt.Sprint(t.Pid))
		}
	case file.Path == "":
		words = append(words, "--")
		for _, word := range file.Start {
			words = append(words, Quote(word))
		}
	}
	return words
}

// httpWords are the flags that say what the http dialect asks for.
func httpWords(o *dialect.HTTP) (words []string) {
	if o == nil {
		return nil
	}
	flag := func(name, value string) { words = append(words, "--http-"+name, Quote(value)) }
	if o.Path != "" {
		flag("path", o.Path)
	}
	if o.Method != "" {
		flag("method", o.Method)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		flag("header", name+": "+o.Headers[name])
	}
	if o.Status != 0 {
		flag("status", fmt.Sprint(o.Status))
	}
	if o.Echo != nil {
		words = append(words, fmt.Sprintf("--http-echo=%t", *o.Echo))
	}
	return words
}

// Quote makes one word of a POSIX shell of a string.
func Quote(word string) string {
	plain := word != ""
	for _, c := range word {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-", c) {
			plain = false
		}
	}
	if plain {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
