#!/usr/bin/env bash
# The whole way in one go: a server, three volunteers and one that cheats, projects submitted, watched, validated,
# their answers and the reports shown. First a pulsar search, where two volunteers must agree; then digits, where a
# check proves each single result. With a PROJECT-FOLDER only that one.
# Usage: scripts/demo.sh [PROJECT-FOLDER] [DATA-FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

project=${1:-projects/gamma-pulsar}
proven=projects/digit-neighbours
[ -n "${1:-}" ] && proven=
data=${2:-demo-data}
bin=$PWD/.build/release
pids=()

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

# How many results the units took, from the report of validation, as JSON in file $1.
proven_summary() {
    local units results proven refuted credit
    # A grep that finds nothing is no failure: the forger may have come too late for this project.
    count() { { grep -o "$1" "$2" || true; } | wc -l; }
    units=$(count '"unit":' "$1")
    results=$(count '"task":' "$1")
    proven=$(count 'proven by its check' "$1")
    refuted=$(count '"state":"invalid"' "$1")
    credit=$({ grep -o '"state":"invalid"[^}]*' "$1" || true; } |
        sed -n 's/.*"microcobblestones":\([0-9]*\).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }')
    echo "$units units took $results results: $proven proven by the check, each from a single result;" \
        "$refuted refuted by it, credit for those: $credit"
}

# Seconds of CPU inside kernels so far, as the clients counted them.
kernel_seconds() {
    local name seconds sum=0
    for name in Ada Grace Edsger Mallory; do
        # From the file itself: what is measured should not be the measuring.
        seconds=$(sed -n 's/.*"kernelCPUSeconds" *: *\([0-9.]*\).*/\1/p' "$data/$name/status.json" | head -n 1)
        sum=$(awk -v a="$sum" -v b="${seconds:-0}" 'BEGIN { print a + b }')
    done
    echo "$sum"
}

# Seconds of CPU of everything that this script has started: what has ended, by the shell's own count in file $1, and
# what runs, with the children it has had and has.
all_seconds() {
    local pid ticks=0
    for pid in ${pids[@]+"${pids[@]}"}; do
        for pid in $pid $(cat /proc/"$pid"/task/*/children 2>/dev/null || true); do
            ticks=$((ticks + $(awk '{ print $14 + $15 + $16 + $17 }' "/proc/$pid/stat" 2>/dev/null || echo 0)))
        done
    done
    tail -n 1 "$1" | awk -v ticks="$ticks" -v hz="$(getconf CLK_TCK)" '{
        split($1, u, "[ms]"); split($2, s, "[ms]"); print u[1] * 60 + u[2] + s[1] * 60 + s[2] + ticks / hz }'
}

# $1: what; $2: seconds in kernels; $3: seconds in all.
overhead() {
    awk -v what="$1" -v kernel="$2" -v total="$3" 'BEGIN {
        printf "%s: CPU in kernels %.1f s, everything else %.1f s", what, kernel, total - kernel
        if (kernel > 0) printf " (%.2f %%)", 100 * (total - kernel) / kernel
        print "" }'
}

# Ends only what this script started: clients first, so that their workers save and leave, then the server.
stop_all() {
    local pid
    for pid in ${pids[@]+"${pids[@]}"}; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" 2>/dev/null || true; done
    pids=()
}
trap stop_all EXIT
trap 'exit 130' INT TERM

if [ -e "$data" ]; then
    # Only a folder that an earlier demo made may be replaced.
    [ -e "$data/this-is-a-demo" ] || { echo "demo: $data exists and is not a demo's; name another folder" >&2; exit 73; }
    rm -rf "$data"
fi
mkdir -p "$data"
touch "$data/this-is-a-demo"
data=$(cd "$data" && pwd)

say "Starting the project server"
"$bin/millrace-server" run --data "$data/server" --listen 127.0.0.1:0 --site "Millrace demo" \
    >"$data/server.log" 2>&1 &
pids+=($!)
for _ in $(seq 100); do
    [ -s "$data/server/address" ] && break
    kill -0 "${pids[0]}" 2>/dev/null || { cat "$data/server.log" >&2; exit 70; }
    sleep 0.1
done
MILLRACE_SERVER=$(cat "$data/server/address")
export MILLRACE_SERVER MILLRACE_TOKEN_FILE="$data/server/admin.token"
echo "pages: $MILLRACE_SERVER/  $MILLRACE_SERVER/validation  $MILLRACE_SERVER/credit"

say "Submitting $project"
"$bin/millrace" lint "$project"
"$bin/millrace" submit "$project"

say "Starting four volunteers; Mallory alters every result she sends"
for name in Ada Grace Edsger Mallory; do
    worker=$bin/millrace-worker
    [ "$name" = Mallory ] && worker=$bin/forging-worker
    "$bin/millrace-client" attach "$MILLRACE_SERVER" --name "$name" --data "$data/$name"
    MILLRACE_WORKER=$worker "$bin/millrace-client" run --always --cores 1 --data "$data/$name" \
        >"$data/$name.log" 2>&1 &
    pids+=($!)
done

say "Computing (at the lowest priority; each volunteer uses one core)"
outcome=0
"$bin/millrace" status 1 --watch || outcome=$?

say "The answer"
"$bin/millrace" results 1 --out "$data/results"
say "Validation: where results disagreed"
"$bin/millrace" report validation --batch 1 --disagreed

# `times` counts this shell's children; in a command substitution it would be the subshell's, which has none.
times >"$data/times"
first_kernel=$(kernel_seconds)
first_all=$(all_seconds "$data/times")

if [ -n "$proven" ]; then
    say "Submitting $proven: one result is enough when its check proves it"
    "$bin/millrace" lint "$proven"
    "$bin/millrace" submit "$proven"
    say "The second project: proven by its check, not computed twice"
    second=0
    "$bin/millrace" status 2 --watch || second=$?
    [ "$outcome" -ne 0 ] || outcome=$second
    "$bin/millrace" results 2 --out "$data/results-2"
    say "Its validation: what the check refuted"
    "$bin/millrace" report validation --batch 2 --disagreed
    "$bin/millrace" report validation --batch 2 --json >"$data/validation-2.json"
    proven_summary "$data/validation-2.json"
fi
say "Credit"
"$bin/millrace" report credit

server_kib=$(awk '/VmRSS/ { print $2 }' "/proc/${pids[0]}/status")
stop_all
trap - EXIT
all_kernel=$(kernel_seconds)

times >"$data/times"
say "Where things are"
ls "$data"/results*/* | sed 's/^/  /'
overhead "$project" "$first_kernel" "$first_all"
[ -z "$proven" ] || overhead "both projects" "$all_kernel" "$(all_seconds "$data/times")"
awk -v kib="$server_kib" 'BEGIN { printf "server resident %.0f MiB\n", kib / 1024 }'
exit "$outcome"
