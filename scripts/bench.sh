#!/usr/bin/env bash
# Speed, size and memory, as ratios within one run; nothing here is a test. About ten minutes; use a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.build/release
photons=projects/gamma-pulsar/input/photons.csv
work=$(mktemp -d)
demo=""
# The demo stops what it started when it is told to end.
trap '[ -z "$demo" ] || { kill -TERM "$demo" 2>/dev/null; wait "$demo"; }; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
need() { command -v "$1" >/dev/null 2>&1 || scripts/apt-install.sh "$2"; }
need zstd zstd
need python3 python3
python3 -c 'import ensurepip' 2>/dev/null || need python3-venv-is-missing python3-venv

say "Kernel: one transform with spreading and scan, share inside FFTW"
swift build -c release --package-path Benchmarks --scratch-path .build-benchmarks >"$work/build.log" 2>&1 ||
    { tail -n 20 "$work/build.log" >&2; exit 70; }
.build-benchmarks/release/kernel-bench "$photons"

say "The same search by SciPy and NumPy, one thread"
if [ ! -x .build-venv/bin/python ]; then
    python3 -m venv .build-venv
    .build-venv/bin/pip install --quiet numpy scipy
fi
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 .build-venv/bin/python Benchmarks/peers/gamma_search.py "$photons"

say "On the wire: what a host downloads for its first work unit"
MILLRACE_WORKER=$bin/millrace-worker "$bin/millrace" dry-run projects/gamma-pulsar --json >"$work/dry-run.json"
field() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$work/dry-run.json"; }
unit=$(field container_bytes) inputs=$(field input_bytes)
raw=$(stat -c %s "$photons")
plain=$(zstd -3 -c "$photons" | wc -c)
awk -v u="$unit" -v i="$inputs" -v r="$raw" -v p="$plain" 'BEGIN {
    printf "work unit %d + inputs %d = %d bytes: %.2f of the raw table (%d), %.2f of zstd -3 (%d)\n",
        u, i, u + i, (u + i) / r, r, (u + i) / p, p }'

say "Memory and overhead over the whole demo"
scripts/demo.sh projects/gamma-pulsar "$work/demo" >"$work/demo.log" 2>&1 &
demo=$!
sleep 45
for pid in $(pgrep -f "$work/demo/Ada" || true); do
    awk -v name="$(tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's|[^ ]*/||; s| .*||')" '/^(Rss|Pss|Anonymous):/ {
        printf "%s%s %.1f MiB", sep, tolower($1), $2 / 1024; sep = ", " } END { print "  (" name ")" }' \
        "/proc/$pid/smaps_rollup" 2>/dev/null || true
done
wait "$demo"
demo=""
tail -n 1 "$work/demo.log"
