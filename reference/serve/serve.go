//go:build linux

// Package serve is the reference as a command, and on other systems than Linux, where
// the reference cannot be built, the message that says so. It stands beside the
// reference because every file of that is Linux's.
package serve

import "github.com/reactorspec/reactorspec/reference"

// Command is reference.Command.
var Command = reference.Command
