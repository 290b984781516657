package dialect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/reactorspec/reactorspec/spec"
)

// shipped are the dialects that a page of the spec describes. One that cannot be
// read is a bug of the build.
var shipped = sync.OnceValue(func() []Dialect {
	var list []Dialect
	for _, page := range spec.Dialects() {
		if page.Description == "" {
			continue
		}
		file := "spec/dialects/" + page.Name + ".md"
		// The block's lines get the numbers that they have in the page.
		text := strings.Repeat("\n", page.DescriptionLine-1) + page.Description
		d, err := ReadDescribed([]byte(text), file)
		if err != nil {
			panic("a dialect that ships cannot be read: " + err.Error())
		}
		d.name = page.Name
		list = append(list, d)
	}
	return list
})

// Names lists the dialects, for usage texts: those that are code, then those that
// pages of the spec describe.
func Names() []string {
	var names []string
	for _, d := range slices.Concat(all, shipped()) {
		names = append(names, d.Name())
	}
	return names
}

// Greeted are the dialects whose server speaks first, and may begin as this one does.
func Greeted(said []byte) []string {
	var names []string
	for _, shipped := range shipped() {
		d := shipped.(*Described)
		if len(d.opening) == 0 || d.opening[0].read == nil {
			continue
		}
		good := 0 // frames: of a greeting that has several, not all may have come
		err := d.ListenOpening(0, bufio.NewReader(bytes.NewReader(said)), func(h Heard) {
			if h.Problem == "" {
				good++
			}
		})
		if !errors.As(err, new(*ReplyError)) && good > 0 {
			names = append(names, d.name)
		}
	}
	return names
}

// Lookup returns the dialect of that name; the error lists the names there are.
func Lookup(name string) (Dialect, error) {
	list := slices.Concat(all, shipped())
	if i := slices.IndexFunc(list, func(d Dialect) bool { return d.Name() == name }); i >= 0 {
		return list[i], nil
	}
	return nil, fmt.Errorf("unknown dialect %q: %s, or the path of a dialect file", name, Choices(name))
}

// Choices says which dialects there are to whoever gave a name that is none of theirs,
// and which of them it looks like.
func Choices(misspelt string) string {
	list := "use one of " + strings.Join(Names(), ", ")
	if near := nearest(Names(), misspelt); near != "" {
		return "did you mean " + near + "? Else " + list
	}
	return list
}

// Capabilities are what a dialect says that its protocol can do, in the words of
// spec/dialects/common.md: each promises clauses.
func Capabilities(d Dialect) []string {
	var list []string
	described, isData := d.(*Described)
	if d.MaxPayload() > 0 && (!isData || described.Carries()) {
		list = append(list, "payload")
	}
	if d.Pipelines() {
		list = append(list, "pipelines")
	}
	if h, ok := d.(interface{ HalfCloses() bool }); ok && h.HalfCloses() {
		list = append(list, "half_close")
	}
	return list
}
