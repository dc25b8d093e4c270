#!/bin/sh
# Kills server and clients a hundred times during 2,037 work units, and compares books and answers with an undisturbed
# run; then the same on a PostgreSQL server that is killed as well. SEED=N repeats a run, KILLS=N sets how many,
# DATABASE=sqlite or DATABASE=postgres runs one of both.
set -eu
cd "$(dirname "$0")/.."
export MILLRACE_CHAOS="${KILLS:-100}"
[ -z "${SEED:-}" ] || export MILLRACE_CHAOS_SEED="$SEED"
[ -z "${DATABASE:-}" ] || export MILLRACE_CHAOS_DATABASE="$DATABASE"
# The tests were built by scripts/build.sh with the same flags.
exec swift test --skip-build "$@" --filter ChaosTests.long
