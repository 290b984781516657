package specs_test

import (
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/reactorspec/reactorspec/suites/specs"
	"github.com/reactorspec/reactorspec/suites/target"
)

// The clauses join a Ginkgo suite of your own, and --label-filter chooses among them.
// Ginkgo runs one suite a process, so this one is only compiled; TestTarget runs one like it.
func ExampleSpecs() {
	_ = func(t *testing.T) { // TestConformance, in your own tests
		gomega.RegisterFailHandler(ginkgo.Fail)
		specs.Specs(target.Target{Addr: "tcp://127.0.0.1:7000", File: target.File{Name: "mine", Dialect: "echo"}})
		ginkgo.RunSpecs(t, "mine")
	}
}
