#!/usr/bin/env bash
# An input of 4 GiB from a scientist to the server and to a volunteer, with both sides killed on the way; then rates of
# downloads beside nginx, in the same run. Needs three times the size of free disk, and removes all of it.
# Usage: scripts/bench-large.sh [MiB]     BENCH_DIR=/somewhere (default /tmp)
set -euo pipefail
cd "$(dirname "$0")/.."
mib=${1:-4096}
bin=${BIN:-$PWD/.build/release}
work=$(mktemp -d "${BENCH_DIR:-/tmp}/millrace-large.XXXXXX")
declare -A running=()

stop_all() {
    for pid in "${running[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${running[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM
say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
die() { echo "bench-large: $*" >&2; exit 70; }

free=$(df --output=avail -B1M "$work" | tail -n 1)
[ "$free" -gt $((mib * 7 / 2)) ] || die "needs $((mib * 7 / 2)) MiB in $work, $free are free"

# Highest resident memory of process $1 so far, in KiB.
peak() { awk '/VmHWM/ { print $2 }' "/proc/$1/status" 2>/dev/null || echo 0; }
# Follows process $1 until it ends: its highest memory goes into file $2.
follow() {
    local now
    while now=$(peak "$1"); [ "${now:-0}" -gt 0 ]; do
        echo "$now" >>"$2"
        sleep 0.1
    done
}
# The most that lay under folder $1, in bytes, into file $2, until this script ends it.
watch_disk() { while :; do du -s -B1 "$1" 2>/dev/null | cut -f 1 >>"$2" || true; sleep 0.2; done; }
top() { sort -n "$1" 2>/dev/null | tail -n 1; }
size() { stat -c %s $1 2>/dev/null | tail -n 1 || echo 0; }
# Waits until the file that pattern $1 names has $2 bytes.
until_size() { for _ in $(seq 60000); do [ "$(size "$1")" -ge "$2" ] 2>/dev/null && return 0; sleep 0.01; done; return 1; }
end() { kill "-$2" "${running[$1]}" 2>/dev/null || true; wait "${running[$1]}" 2>/dev/null || true; unset "running[$1]"; }

address=127.0.0.1:0
start_server() {
    rm -f "$work/server/address"
    "$bin/millrace-server" run --data "$work/server" --listen "$address" >>"$work/server.log" 2>&1 &
    running[server]=$!
    follow "${running[server]}" "$work/server.peak" &
    for _ in $(seq 200); do [ -s "$work/server/address" ] && break; sleep 0.1; done
    [ -s "$work/server/address" ] || { cat "$work/server.log" >&2; die "the server did not start"; }
    address=$(sed 's|http://||' "$work/server/address")
    export MILLRACE_SERVER="http://$address" MILLRACE_TOKEN_FILE="$work/server/admin.token"
}
start_submit() {
    "$bin/millrace" submit "$work/project" >>"$work/submit.log" 2>&1 &
    running[submit]=$!
    follow "${running[submit]}" "$work/submit.peak" &
}
start_client() {
    "$bin/millrace-client" run --always --cores 1 --data "$work/Ada" >>"$work/client.log" 2>&1 &
    running[client]=$!
    follow "${running[client]}" "$work/client.peak" &
}

say "Making a matrix of $mib MiB"
mkdir -p "$work/project/input"
rows=$mib columns=1048576
header="{'descr': '|u1', 'fortran_order': False, 'shape': ($rows, $columns), }"
printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$header" >"$work/project/input/matrix.npy"
head -c "${mib}M" /dev/urandom >>"$work/project/input/matrix.npy"
cat >"$work/project/project.yaml" <<YAML
name: large-matrix
title: A matrix of $mib MiB
description: For measurements.
science_area: computer science
licence: CC0-1.0
app: gram
parameters: {product: rows, centre: none, block_rows: 8}
inputs:
  - {name: matrix, file: input/matrix.npy, packing: raw}
split: {steps_per_unit: 1000}
replication: {quorum: 2, max_total: 4, max_errors: 4, deadline: 12 h}
resources: {memory: 1 GiB, disk: $((mib / 1024 + 2)) GiB, output: 8 MiB}
validation: {check_each: true, rule: check}
YAML
total=$(size "$work/project/input/matrix.npy")
mkdir -p "$work/server" "$work/Ada"
watch_disk "$work/server" "$work/server.disk" &
running[disk1]=$!
watch_disk "$work/Ada" "$work/client.disk" &
running[disk2]=$!

say "Upload: the submitter killed at a quarter, the server at the half"
start_server
begin=$(date +%s.%N)
start_submit
upload="$work/server/blobs/uploads/b*"
until_size "$upload" $((total / 4)) || die "no upload: $(cat "$work/submit.log")"
end submit KILL
kept=$(size "$upload")
start_submit
until_size "$upload" $((total / 2)) || die "the upload did not go on"
end server KILL
[ "$(size "$upload")" -ge "$kept" ] || die "the upload began anew"
start_server
if ! wait "${running[submit]}"; then
    start_submit
    wait "${running[submit]}" || die "submit: $(cat "$work/submit.log")"
fi
unset "running[submit]"
finish=$(date +%s.%N)
blob=$(find "$work/server/blobs" -size +1M -type f)
name=${blob##*/}
cmp "$blob" "$work/project/input/matrix.npy"
tail -n 5 "$work/submit.log" | head -n 1
awk -v b="$begin" -v e="$finish" -v n="$total" 'BEGIN {
    printf "hashed, checked by the app, sent, killed twice: %.1f s, %.0f MB/s in all\n", e - b, n / (e - b) / 1e6 }'

say "Download by a volunteer: the client killed at a quarter, the server at the half"
"$bin/millrace-client" attach "$MILLRACE_SERVER" --name Ada --data "$work/Ada" >/dev/null
begin=$(date +%s.%N)
start_client
project=$(echo "$work"/Ada/projects/*)
part="$project/blobs/*.part"
until_size "$part" $((total / 4)) || die "no download: $(cat "$work/client.log")"
end client KILL
kept=$(size "$part")
start_client
until_size "$part" $((total / 2)) || die "the download did not go on"
end server KILL
[ "$(size "$part")" -ge "$kept" ] || die "the download began anew"
start_server
for _ in $(seq 3000); do [ -e "$project/blobs/$name" ] && break; sleep 0.1; done
finish=$(date +%s.%N)
[ -e "$project/blobs/$name" ] || die "the download did not end: $(cat "$work/client.log")"
cmp "$project/blobs/$name" "$work/project/input/matrix.npy"
end client TERM
awk -v b="$begin" -v e="$finish" -v n="$total" 'BEGIN {
    printf "fetched, hashed, killed twice: %.1f s, %.0f MB/s in all, waits of the client included\n", e - b, n / (e - b) / 1e6 }'
rm -rf "$work/Ada"
end disk2 TERM

say "Rates of downloads, the same file from the page cache, median of 5"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null ||
    echo 18573)
running[nginx]=$(scripts/nginx-beside.sh "$work/nginx" "$work/server/blobs" "$address" "$port")
for _ in $(seq 50); do curl -s -o /dev/null "http://127.0.0.1:$port/healthz" && break; sleep 0.1; done
rate() { curl -s -o /dev/null -w '%{speed_download}\n' "$1"; }
own="http://$address/v1/blobs/$name" direct="http://127.0.0.1:$port/v1/blobs/$name"
rate "$own" >/dev/null
for _ in 1 2 3 4 5; do
    rate "$own" >>"$work/own"
    rate "$direct" >>"$work/direct"
done
median() { sort -n "$1" | sed -n 3p; }
scripts/nginx-check.sh "http://127.0.0.1:$port" "http://$address" "$name" "$blob"
awk -v o="$(median "$work/own")" -v d="$(median "$work/direct")" 'BEGIN {
    printf "millrace-server alone          %6.0f MB/s\n", o / 1e6
    printf "nginx from the blob folder     %6.0f MB/s\n", d / 1e6
    printf "millrace-server / nginx        %6.0f %%\n", 100 * o / d }'

say "Bounds"
awk -v n="$total" -v s="$(top "$work/server.peak")" -v c="$(top "$work/client.peak")" -v m="$(top "$work/submit.peak")" \
    -v sd="$(top "$work/server.disk")" -v cd="$(top "$work/client.disk")" 'BEGIN {
    printf "peak resident: server %.0f MiB, client %.0f MiB, submit %.0f MiB\n", s / 1024, c / 1024, m / 1024
    printf "disk at most: server %.2f, client %.2f copies of the input\n", sd / n, cd / n
    exit (s > 512 * 1024 || c > 256 * 1024 || m > 256 * 1024 || sd > 1.5 * n || cd > 1.5 * n) }' ||
    die "a bound was passed"
