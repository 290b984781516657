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

// What is unread, and whether the server has ended the connection behind it, is not told.
func finished(*session.Conn) bool { return false }

func unreadInput(*session.Conn) (bytes int, told bool) { return 0, false }
