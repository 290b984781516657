// Package fuzz holds native Go fuzz targets for everything here that reads what
// others wrote, for timers, and for the four classes of server side by side.
// Where input is drawn, a target shares its property with a test: rapid draws
// and shrinks it there, the fuzzer mutates the same draws here.
//
// fuzz/run runs them all in turn; .clusterfuzzlite builds them for fuzzing at scale.
package fuzz
