#!/bin/sh
# Runs every test on what scripts/build.sh built; with --filter only those that are named.
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
case " $* " in *" --filter "*) exec swift test --skip-build "$@" ;; esac

# In parts, one after the other: a test that only computes would hold those up that talk to sockets or wait for another
# program, and with all of them at once the last of these would wait for minutes.
outside='StorageTests|ConformanceTests|ServerHTTPTests|ConsoleTests'
failed=""
part() {
    name=$1
    shift
    echo "test: $name"
    swift test --skip-build "$@" || failed="$failed${failed:+, }$name"
}
part "what only computes" --skip "^($outside|ClientSystemTests|EndToEndTests)\\." "$@"
part "stores and sockets" --filter "^($outside)\\." "$@"
part "the client's system" --filter '^ClientSystemTests\.' "$@"
part "the real programs" --filter '^EndToEndTests\.' "$@"
if [ -n "$failed" ]; then
    echo "test: failed in: $failed (look for lines that begin with ✘)" >&2
    exit 1
fi
echo "test: all parts passed"
