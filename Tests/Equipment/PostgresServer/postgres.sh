#!/bin/sh
# Runs a PostgreSQL server of its own in DIRECTORY until the standard input ends, then removes all of it.
#   postgres.sh [--again] DIRECTORY [SETTING=VALUE ...]
# --again: started again whenever it was killed.
# Says "ready" once it answers, on the Unix socket in DIRECTORY; it listens nowhere else. Whoever holds the other end of
# the standard input may die in any way: the server dies with it, and in no case does it outlive an hour.
set -eu
again=""
[ "$1" != --again ] || { again=yes; shift; }
directory=$1
shift
binaries=""
for found in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V); do binaries=$found; done
[ -n "$binaries" ] || {
    echo "there is no PostgreSQL server under /usr/lib/postgresql: run scripts/setup.sh" >&2
    exit 69
}
as=""
if [ "$(id -u)" -eq 0 ]; then
    # PostgreSQL refuses to run as root.
    chown nobody "$directory"
    as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
fi
# The standard output is for "ready" alone.
exec 3>&1 1>"$directory/log" 2>&1
server=""
stop() {
    [ -z "$server" ] || { kill -QUIT "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
    rm -rf "$directory"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP
$as "$binaries/initdb" -D "$directory/data" -U millrace -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions
settings=""
for setting in "$@"; do settings="$settings -c $setting"; done
launch() {
    $as "$binaries/postgres" -D "$directory/data" -k "$directory" -c listen_addresses= -c max_connections=300 \
        -c shared_buffers=64MB $settings </dev/null 3>&- 4<&- &
    server=$!
}
# Until it answers; 1 when it ended before that or took too long.
answers() {
    tries=0
    until "$binaries/pg_isready" -q -h "$directory"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] && kill -0 "$server" || return 1
        sleep 0.05
    done
}
launch
answers || { tail -n 5 "$directory/log" >&3; exit 69; }
echo ready >&3
[ -n "$again" ] || { timeout 3600 cat >/dev/null || true; exit 0; }
exec 4<&0
{ timeout 3600 cat <&4 >/dev/null || true; kill -TERM $$; } &
lives=0
while [ "$lives" -lt 500 ]; do
    lives=$((lives + 1))
    wait "$server" || true
    # What is left of the one before holds its memory for some moments more; then the new one ends at once.
    sleep 0.1
    launch
done
