package judging

import (
	"slices"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/target"
)

// TestWhatHelloAdds: it fills in what the target file leaves open; where they
// disagree, the file wins and the run says so.
func TestWhatHelloAdds(t *testing.T) {
	hello := map[string]string{"class": "reactor", "features": "post,timer,flying", "limit": "4096", "idle-timeout": "5000000000"}
	for name, c := range map[string]struct {
		file  target.File
		class spec.Class
		feats []spec.Feature
		limit int64
		idle  time.Duration
		notes int
	}{
		"silent file":   {target.File{}, spec.Reactor, []spec.Feature{"post", "timer"}, 4096, 5 * time.Second, 0},
		"same":          {target.File{Class: "reactor", Features: []spec.Feature{"timer", "post"}, Limit: 4096, IdleTimeout: target.Duration(5 * time.Second)}, spec.Reactor, []spec.Feature{"timer", "post"}, 4096, 5 * time.Second, 0},
		"disagreeing":   {target.File{Class: "iterative", Features: []spec.Feature{"where"}, Limit: 1, IdleTimeout: 1}, spec.Iterative, []spec.Feature{"where"}, 1, 1, 4},
		"none declared": {target.File{Features: []spec.Feature{}}, spec.Reactor, []spec.Feature{}, 4096, 5 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			known, notes := facts{info: c.file}, 0
			known.adopt(hello, func(string, ...any) { notes++ })
			if info := known.info; info.Class != c.class || !slices.Equal(info.Features, c.feats) || info.Limit != target.Bytes(c.limit) || time.Duration(info.IdleTimeout) != c.idle {
				t.Errorf("known %+v", info)
			}
			if notes != c.notes {
				t.Errorf("%d notes, want %d", notes, c.notes)
			}
		})
	}
}
