package markdown

import (
	"flag"

	_ "pgregory.net/rapid" // its flags are set here, before the command line is read
)

// Ten seconds make a failing case small enough to read, where rapid's thirty for
// each of several properties could outlast the test's timeout. The case is kept
// below testdata/rapid, where the failure says how to run it again; git ignores it.
func init() {
	for name, value := range map[string]string{"rapid.shrinktime": "10s", "rapid.nofailfile": "false"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}
