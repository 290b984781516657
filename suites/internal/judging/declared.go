package judging

import (
	"slices"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/target"
)

// declared are the features that a target is known to offer, with those that its
// file declares by a figure: whoever says a limit, or after how long it lets go of a
// silent connection, has said that it has one; and so has who is spoken to over TLS.
func declared(features []spec.Feature, file target.File) []spec.Feature {
	features = slices.Clone(features)
	add := func(feature spec.Feature, says bool) {
		if says && !slices.Contains(features, feature) {
			features = append(features, feature)
		}
	}
	add("limit", file.Limit > 0)
	add("idle-timeout", file.IdleTimeout > 0)
	add("tls", file.TLS != nil)
	return features
}
