#!/bin/sh
# Lists the Swift files that we wrote: not the generated ones.
set -eu
cd "$(dirname "$0")/.."
find Sources Tests Benchmarks -name '*.swift' -not -path '*/Generated/*' -not -path '*/.build*'
echo Package.swift
