#!/bin/sh
# Feeds changed messages to everything that reads messages; what breaks a promise lands in Tests/FuzzTests/Corpus.
#   CASES  how many (10 million)     SEED  which (the time of day)
set -eu
cd "$(dirname "$0")/.."
MILLRACE_FUZZ_CASES="${CASES:-10000000}"
MILLRACE_FUZZ_SEED="${SEED:-$(date +%s)}"
export MILLRACE_FUZZ_CASES MILLRACE_FUZZ_SEED
echo "fuzz: $MILLRACE_FUZZ_CASES cases, seed $MILLRACE_FUZZ_SEED"
exec swift test --skip-build --filter '^FuzzTests\.' "$@" </dev/null
