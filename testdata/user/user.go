// Package user stands for somebody who judges a server in their own tests. The go.mod
// beside it is what such a module gains by it: TestWhatAUserGains counts.
package user

import (
	"testing"

	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Conformance is what the test of such a server consists of.
func Conformance(t *testing.T, file target.File) {
	suites.Verify(t, target.Target{File: file})
}
