#!/bin/sh
# Runs every test on what scripts/build.sh built.
set -eu
cd "$(dirname "$0")/.."
scripts/s3-server.sh
# Test targets and programs were built by scripts/build.sh with the same flags.
exec swift test --skip-build "$@"
