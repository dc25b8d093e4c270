#!/bin/sh
# Builds programs and tests in one configuration, so that nothing is compiled twice.
set -eu
cd "$(dirname "$0")/.."
swift build --build-tests "$@"
