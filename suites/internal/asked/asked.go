// Package asked reads which server `go test ./suites -args …` and
// `go test ./suites/specs -args …` are to judge, and by what. Only their tests import it.
package asked

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/target"
)

// The flags behind -args.
var (
	targetFlag   = flag.String("target", "", "target `file` to judge")
	addrFlag     = flag.String("addr", "", "address of a running server to judge: tcp://host:port or unix:///path")
	pidFlag      = flag.Int("pid", 0, "its process")
	dialectFlag  = flag.String("dialect", "probe", "how to talk to the server at -addr")
	classFlag    = flag.String("class", "", "what the server at -addr is")
	featuresFlag = flag.String("features", "", "what the server at -addr offers, comma-separated")
	limitFlag    = amount("limit", "the server at -addr's declared limit L of unread output, in `bytes`, such as 1MiB")
	clauseFlag   = flag.String("clause", "", "judge only these clauses, comma-separated")
	familyFlag   = flag.String("family", "", "judge only these families, comma-separated")
	levelFlag    = flag.String("level", "", "judge only MUST or only SHOULD clauses")
	promiseFlag  = flag.String("promise", "", "let these clauses bind it too, comma-separated, or all")
	adviceFlag   = flag.Bool("advice", false, "with -addr, look also at what it neither promised nor was released from")
	noAdviceFlag = flag.Bool("no-advice", false, "leave out what it neither promised nor was released from")
	seedFlag     = flag.String("seed", "", "fix payloads, and shuffle the order of checks, by this `number`")
)

// amount is a flag of so many bytes, in the spelling of target files.
func amount(name, usage string) *target.Bytes {
	var b target.Bytes
	flag.Func(name, usage, func(word string) (err error) {
		b, err = target.ParseBytes(word)
		return err
	})
	return &b
}

// Read parses the command line. Where a server is named it leaves the tests of the
// package out, but for the one of that name, unless -run says otherwise; and it finds a
// target file from the directory in which `go test` was typed: the test itself runs in
// that of the package.
func Read(test string) {
	flag.Parse()
	if !Server() {
		return
	}
	if run := flag.Lookup("test.run"); run.Value.String() == "" {
		_ = run.Value.Set("^" + test + "$")
	}
	if *targetFlag == "" || exists(*targetFlag) || filepath.IsAbs(*targetFlag) {
		return
	}
	for _, above := range []string{"..", filepath.Join("..", "..")} {
		if name := filepath.Join(above, *targetFlag); exists(name) {
			*targetFlag = name
			return
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// Server reports whether the flags name one.
func Server() bool { return *targetFlag != "" || *addrFlag != "" }

// Target is the server that the flags name; the zero value if they name none.
func Target() (target.Target, error) {
	judged := target.Target{Addr: *addrFlag, Pid: *pidFlag}
	switch {
	case *targetFlag != "" && *addrFlag != "":
		return judged, errors.New("both -target and -addr: name one target")
	case *targetFlag != "":
		file, err := target.Load(*targetFlag)
		judged.File = file
		return judged, err
	case *addrFlag != "":
		judged.File = target.File{Name: *addrFlag, Dialect: *dialectFlag, Class: spec.Class(*classFlag), Limit: *limitFlag}
		for _, feature := range list(*featuresFlag) {
			judged.File.Features = append(judged.File.Features, spec.Feature(feature))
		}
	}
	return judged, nil
}

// Options are what the flags say of how to judge.
func Options() (func(*judging.Options), error) {
	seed := uint64(0)
	if *seedFlag != "" {
		var err error
		if seed, err = judging.ParseSeed(*seedFlag); err != nil {
			return nil, fmt.Errorf("-seed: %w", err)
		}
	}
	return func(o *judging.Options) {
		o.Clauses, o.Families = append(o.Clauses, list(*clauseFlag)...), append(o.Families, list(*familyFlag)...)
		for _, level := range list(*levelFlag) {
			o.Levels = append(o.Levels, spec.Level(strings.ToUpper(level)))
		}
		o.Promise = append(o.Promise, list(*promiseFlag)...)
		o.Advice, o.NoAdvice = *adviceFlag, *noAdviceFlag
		o.Seed = seed
	}, nil
}

func list(words string) []string {
	if words == "" {
		return nil
	}
	return strings.Split(words, ",")
}
