//go:build linux

// Package serve is the reference as a command. On systems other than Linux, where the
// reference cannot be built, the command says so. The package stands beside the
// reference because every file of package reference is for Linux.
package serve

import "github.com/reactorspec/reactorspec/reference"

// Command is reference.Command.
var Command = reference.Command
