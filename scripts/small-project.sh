#!/bin/sh
# Writes a project of three units: a slice of the pulsar search. A step is some 50 ms of a core.
# Usage: small-project.sh FOLDER [STEPS-OF-A-UNIT]
set -eu
cd "$(dirname "$0")/.."
steps=${2:-40}
mkdir -p "$1/input"
cp projects/gamma-pulsar/input/photons.csv "$1/input/"
# So close together that all are one ratio to the data: they only give a unit work.
ratios=$(seq -s ', ' -f '-%.0f.0e-20' 1 $((steps - 1)))
cat >"$1/project.yaml" <<YAML
name: small-slice
title: A slice of the pulsar search
description: The band of PSR J0030+0451 only.
science_area: astronomy
licence: CC0-1.0
app: gamma-pulsar
parameters: {frequency_min_hz: 192, frequency_max_hz: 216, f1_over_f: [0, $ratios]}
inputs: [{name: photons, file: input/photons.csv, packing: table}]
split: {steps_per_unit: $steps}
replication: {quorum: 1, initial: 1, max_total: 8, max_errors: 6, deadline: 1 h}
resources: {memory: 512 MiB, disk: 64 MiB, output: 1 MiB}
validation: {check_each: true}
YAML
