#!/bin/bash -eu
# Builds the fuzz targets of every package for ClusterFuzzLite and OSS-Fuzz, and
# packs the committed seeds and documents beside them.
#
# compile_native_go_fuzzer_v2 builds a target outside `go test`: it shows the
# compiler all in-package _test.go files under other names and puts a testing.F of
# its own over package testing's (the older compile_native_go_fuzzer renames only
# the target's file, and knows no real *testing.T, which rapid.MakeFuzz wants).
# So helpers in other _test.go files are found, and three things are left to do:
#
# - A package's external tests (package x_test) are not part of it: they go.
# - The main file is written where the command runs, and only a directory below
#   reference may import reference/internal/poll: it runs in the package's own.
# - A toolchain in the module cache cannot be overlaid: it is copied.
#
# FuzzClasses is left out: the command calls a target anew for each input, and it
# starts four servers. `make fuzz` runs it.
#
# There was neither a container to run this in nor the command itself. What was run is the
# go build that the command comes down to, in the target's directory,
#
#	go build -buildmode c-archive -tags gofuzz_libfuzzer,libfuzzer,gofuzz -trimpath \
#		-gcflags all=-d=libfuzzer -gcflags syscall=-d=libfuzzer=0 -gcflags runtime/cgo=-d=libfuzzer=0 \
#		-overlay renamed.json -o $target.a main.123.go
#
# with an overlay that renames the _test.go files and a main.123.go that calls the
# target: for all that were there on 2026-11-25, and for FuzzServer on 2026-11-26. That one
# was also linked with the libFuzzer of clang 14, without a sanitizer, and run, with a
# testing.F made for it: 11,868 inputs in 21 s, no failure, one server for all of them.
# FuzzAnswers, FuzzDialectFile, FuzzLoop and FuzzFromBytes were not built so. The workflows
# cflite_pr.yml and cflite_batch.yml were not run.
cd "$SRC/reactorspec"

if [[ "$(go env GOROOT)" == "$(go env GOMODCACHE)"* ]]; then
  toolchain=$(mktemp -d)
  cp -r "$(go env GOROOT)/." "$toolchain"
  chmod -R u+w "$toolchain"
  export GOROOT=$toolchain PATH=$toolchain/bin:$PATH GOTOOLCHAIN=local
fi

.clusterfuzzlite/targets | while read -r dir target; do
  grep -l '^package [a-z]*_test$' "$dir"/*_test.go | xargs -r rm
  (cd "$dir" && compile_native_go_fuzzer_v2 "github.com/reactorspec/reactorspec/$dir" "$target" "$target") </dev/null
  # The command only says so when it finds no such function.
  [ -e "$OUT/$target" ] || { echo "$dir $target was not built" >&2; exit 1; }
  [ -d "$dir/testdata/fuzz/$target" ] || continue # its seeds are in its code
  seeds=$(mktemp -d)
  go run .clusterfuzzlite/seeds.go "$dir/testdata/fuzz/$target" "$seeds"
  (cd "$seeds" && zip -qr "$OUT/${target}_seed_corpus.zip" .)
done

# What the targets edit; they look here when the project's tree is not around them.
for documents in spec testdata/targets testdata/transcripts testdata/corpora; do
  mkdir -p "$OUT/documents/$documents"
  cp -r "$documents"/. "$OUT/documents/$documents"
done
