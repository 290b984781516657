#!/bin/bash -eu
# Builds every fuzz target of package fuzz for ClusterFuzzLite and OSS-Fuzz,
# and packs its committed seeds beside it.
cd "$SRC/reactorspec"
go get github.com/AdamKorcz/go-118-fuzz-build/testing
grep -ho '^func Fuzz[A-Za-z0-9]*' fuzz/*_test.go | sed 's/^func //' | while read -r target; do
  compile_native_go_fuzzer github.com/reactorspec/reactorspec/fuzz "$target" "$target"
  seeds=fuzz/testdata/fuzz/$target
  if [ -d "$seeds" ]; then zip -qj "$OUT/${target}_seed_corpus.zip" "$seeds"/*; fi
done
