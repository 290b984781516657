//go:build !linux

package clauses

import (
	"errors"

	"github.com/reactorspec/reactorspec/suites/session"
)

// sendUrgent is Linux's alone here; what needs it says so.
func sendUrgent(*session.Conn) error { return errors.ErrUnsupported }

// Other systems delay acknowledgements by themselves, and offer no way to ask for it.
func delayAcks(*session.Conn) {}

func promptAcks(*session.Conn) {}
