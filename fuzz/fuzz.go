// Package fuzz holds native Go fuzz targets for everything here that reads what
// others wrote, for timers, and for the four classes of server side by side.
// Each target shares its property with a test: rapid draws and shrinks there, and
// here the fuzzer mutates the numbers that the same draws are made of.
//
// fuzz/run runs them all in turn; .clusterfuzzlite builds them for fuzzing at scale.
package fuzz
