#!/usr/bin/env bash
# How fast the volunteer's client yields, whether bounds on processor time hold, and what it costs while it does nothing,
# beside BOINC's client. Nothing here is a test. About ten minutes; use a quiet machine.
# YIELDS=60 and PARTS=yield,cpu,idle,boinc,start choose less or more.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
bench=""
# The program stops what it started when it is told to end.
trap '[ -z "$bench" ] || { kill -INT "$bench" 2>/dev/null; wait "$bench"; }; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

need() { command -v "$1" >/dev/null 2>&1 || scripts/apt-install.sh "$2"; }
need python3 python3
need Xvfb xvfb
need xdotool xdotool

# BOINC's client from Debian's packages, unpacked beside everything else: installing them would start it at every boot.
boinc=()
if (cd "$work" && apt-get download boinc-client libboinc7) >"$work/boinc-download.log" 2>&1; then
    for package in "$work"/*.deb; do dpkg -x "$package" "$work/boinc-root"; done
    libraries=$(find "$work/boinc-root" -name 'libboinc*.so*' -printf '%h:' | sed 's/:$//')
    if LD_LIBRARY_PATH=$libraries ldd "$work/boinc-root/usr/bin/boinc" | grep 'not found'; then
        echo "bench-client: BOINC's client lacks these libraries; its row is empty"
    else
        boinc=(--boinc "$work/boinc-root/usr/bin/boinc" --boinc-libraries "$libraries")
    fi
else
    echo "bench-client: BOINC's client cannot be downloaded; its row is left out:"
    tail -n 2 "$work/boinc-download.log"
fi

export PYTHONDONTWRITEBYTECODE=1
mkdir "$work/stage"
python3 Benchmarks/client_bench.py --programs .build/release --project projects/gamma-pulsar --folder "$work/stage" \
    --yields "${YIELDS:-60}" --parts "${PARTS:-yield,cpu,idle,boinc,start}" ${boinc[@]+"${boinc[@]}"} &
bench=$!
wait "$bench" && outcome=0 || outcome=$?
bench=""
if [ "$outcome" -eq 0 ] && [[ ",${PARTS:-start}," == *,start,* ]]; then
    mkdir "$work/starts"
    python3 Benchmarks/start_bench.py --programs .build/release --folder "$work/starts" \
        --photons projects/gamma-pulsar/input/photons.csv &
    bench=$!
    wait "$bench" && outcome=0 || outcome=$?
    bench=""
fi
if [ "$outcome" -ne 0 ]; then tail -n 5 "$work"/sta*/*.log >&2 || true; fi
exit "$outcome"
