package main

import "github.com/reactorspec/reactorspec/reference"

// serve is the reference, which `serve` runs and `check` judges when nothing else is named.
var serve = reference.Command
