#!/usr/bin/env bash
# The table of the server: calls, tasks, units, latencies, and peers in the same run. Nothing here is a test.
# About ten minutes; use a quiet machine. JSON=FILE writes the table there, too.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.build/peers
log=$(mktemp)
postgres=""
finish() {
    # Its standard input ends, and with that the server and its directory.
    [ -z "$postgres" ] || { exec 9>&-; wait "$postgres" || true; }
    rm -rf "$log" "${pipes:-}"
}
trap finish EXIT

arguments=()
# Only the program, which is started on a port and in a folder of its own.
nginx=$(scripts/nginx-program.sh) || echo "bench-server: there is no nginx; its row is empty"
[ -z "$nginx" ] || arguments+=(--nginx "$nginx")

if ! "$venv/bin/python" -c 'import ray, distributed' 2>/dev/null; then
    python3 -c 'import ensurepip' 2>/dev/null || scripts/apt-install.sh python3-venv || true
    {
        python3 -m venv "$venv" && "$venv/bin/pip" install --quiet -r Benchmarks/peers/requirements.txt
    } >"$log" 2>&1 || {
        echo "bench-server: Ray and Dask cannot be installed from PyPI; their rows are empty:"
        tail -n 2 "$log"
    }
fi
"$venv/bin/python" -c 'import ray, distributed' 2>/dev/null && arguments+=(--python "$venv/bin/python")
# A PostgreSQL server of its own, as the tests have one; scripts/setup.sh has installed the program.
pipes=$(mktemp -d) place=$(mktemp -d /tmp/millrace-pg-XXXXXX)
mkfifo "$pipes/in" "$pipes/out"
sh Tests/Equipment/PostgresServer/postgres.sh "$place" <"$pipes/in" >"$pipes/out" &
postgres=$!
exec 9>"$pipes/in"
if read -r said <"$pipes/out" && [ "$said" = ready ]; then
    arguments+=(--database "postgres://millrace@${place//\//%2F}/postgres")
else
    echo "bench-server: PostgreSQL does not start; its row is empty: ${said:-}"
fi
[ -z "${JSON:-}" ] || arguments+=(--json "$JSON")

.build/release/millrace-bench table "${arguments[@]}"
.build/release/millrace-bench herd
