#!/bin/sh
# Runs every test on what scripts/build.sh built.
set -eu
cd "$(dirname "$0")/.."
scripts/s3-server.sh
if ! scripts/wasmtime.sh; then
    [ "${MILLRACE_REQUIRE_WASM:-}" != 1 ] || exit 69
    echo "test: the tests of WebAssembly modules do not run" >&2
    set -- --skip WebAssemblyTests "$@"
fi
# Foundation's Process reads a little beyond a buffer when many files are open: with one arena and some room behind it
# there is always memory.
export MALLOC_ARENA_MAX=1 MALLOC_TOP_PAD_=16777216
# A trap in one test ends them all: it says where.
export SWIFT_BACKTRACE=enable=yes,color=no,interactive=no,threads=crashed,registers=none,images=none
# Test targets and programs were built by scripts/build.sh with the same flags.
exec swift test --skip-build "$@"
