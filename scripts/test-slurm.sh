#!/bin/bash
# client/slurm/millrace-backfill.sbatch under a real Slurm of one node, with a server and a small project: results are
# validated, and a job that Slurm ends early keeps its checkpoint and goes on in the next one. As root, on ports and
# folders of its own; needs slurm-wlm and munge. Usage: test-slurm.sh [PROGRAMS-FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "test-slurm: needs root, as Slurm does" >&2; exit 77; }
bin=$(cd "${1:-.build/release}" && pwd)
missing=""
for tool in slurmctld:slurm-wlm munged:munge; do
    command -v "${tool%:*}" >/dev/null 2>&1 || missing="$missing ${tool#*:}"
done
[ -z "$missing" ] || scripts/apt-install.sh $missing

work=$(mktemp -d)
chmod 755 "$work"
pids=()
# Ends what this script started, by its number, the last one first.
stop_all() {
    local at
    for ((at = ${#pids[@]} - 1; at >= 0; at--)); do kill -TERM "${pids[at]}" 2>/dev/null || true; done
    for ((at = ${#pids[@]} - 1; at >= 0; at--)); do
        for _ in $(seq 100); do kill -0 "${pids[at]}" 2>/dev/null || break; sleep 0.1; done
        kill -KILL "${pids[at]}" 2>/dev/null || true
    done
}
finish() {
    local status=$?
    [ $status -eq 0 ] || tail -n 25 "$work"/*.log "$work"/out/* >&2 2>/dev/null || true
    scancel --user root >/dev/null 2>&1 || true
    stop_all
    wait 2>/dev/null || true
    rm -rf "$work"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM
fail() { echo "test-slurm: $*" >&2; exit 1; }
eventually() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.5
    done
}
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

echo "Slurm $(slurmctld -V | sed 's/slurm-wlm //')"
node=$(hostname -s)
mkdir -p "$work"/{munge,state,spool,out,home}
chmod 700 "$work/munge"
dd if=/dev/urandom of="$work/munge/key" bs=1024 count=1 status=none
chmod 400 "$work/munge/key"
chown -R munge: "$work/munge" 2>/dev/null || true
setpriv --reuid=munge --regid=munge --init-groups munged --foreground --socket="$work/munge/socket" \
    --key-file="$work/munge/key" --log-file="$work/munge/log" --pid-file="$work/munge/pid" \
    --seed-file="$work/munge/seed" --force >"$work/munge.log" 2>&1 &
pids+=($!)
chmod 711 "$work/munge"
cat >"$work/slurm.conf" <<CONF
ClusterName=millrace
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CryptoType=crypto/munge
SlurmctldPort=$(port)
SlurmdPort=$(port)
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=30
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1024 State=UNKNOWN
PartitionName=backfill Nodes=$node Default=YES MaxTime=04:00:00 State=UP
CONF
export SLURM_CONF=$work/slurm.conf
eventually 20 test -S "$work/munge/socket" || fail "munged does not start"
slurmctld -D >"$work/slurmctld.log" 2>&1 &
pids+=($!)
slurmd -D -N "$node" >"$work/slurmd.log" 2>&1 &
pids+=($!)
idle() { sinfo --noheader --format %T 2>/dev/null | grep -q idle; }
eventually 60 idle || fail "the node does not come up"

echo "a server and a small project"
"$bin/millrace-server" run --data "$work/server" --listen 127.0.0.1:0 >"$work/server.log" 2>&1 &
pids+=($!)
address() { grep -oE 'http://127\.0\.0\.1:[0-9]+' "$work/server.log" | head -n 1; }
serves() { [ -n "$(address)" ]; }
eventually 30 serves || fail "the server does not start"
url=$(address)
# Units that are not over when the second job is told to end, however fast the machine is.
scripts/small-project.sh "$work/project" 300
export MILLRACE_SERVER=$url MILLRACE_TOKEN_FILE=$work/server/admin.token
"$bin/millrace" submit "$work/project" >"$work/submit.log" 2>&1 || fail "submit"
validated() { "$bin/millrace" status 1 --json 2>/dev/null | sed -n 's/.*"units_validated" *: *\([0-9]*\).*/\1/p' | head -n 1; }

job() { # OPTIONS...: submits the example as it is shipped, in place of a user's shell.
    HOME=$work/home PATH=$bin:$PATH MILLRACE_URL=$url MILLRACE_NAME=Cluster MILLRACE_FOLDER=$work/jobs USER=ada \
        sbatch --parsable --export=ALL --output="$work/out/%j" "$@" client/slurm/millrace-backfill.sbatch
}
ended() { [ -z "$(squeue --noheader --jobs "$1" --format %T 2>/dev/null | grep -v COMPLETED)" ]; }
state_of() { scontrol show job "$1" 2>/dev/null | sed -n 's/.*JobState=\([A-Z]*\).*/\1/p'; }

echo "a job that has the time it needs"
first=$(job --cpus-per-task=1 --mem-per-cpu=0)
eventually "${LIMIT:-600}" ended "$first" || fail "the job does not end: $(state_of "$first")"
[ "$(state_of "$first")" = COMPLETED ] || fail "the job ended as $(state_of "$first")"
has_result() { [ "$(validated)" -ge 1 ]; }
eventually 60 has_result || fail "no result was validated"
echo "  $(validated) validated; its last words: $(tail -n 1 "$work/out/$first")"

echo "a job that Slurm tells of its end while it computes"
second=$(job --cpus-per-task=1 --mem-per-cpu=0)
computes() { [ -n "$(ls "$work/jobs/millrace-0"/slots "$work/jobs/millrace-0"/projects/*/slots 2>/dev/null)" ] &&
    grep -q '"computing" *: *true' "$work/jobs/millrace-0/status.json"; }
eventually 120 computes || fail "the second job does not compute"
sleep 3
scancel --batch --signal=USR1 "$second"
eventually 60 ended "$second" || fail "the job does not end when it is told to"
[ "$(state_of "$second")" = COMPLETED ] || fail "told to end, it ended as $(state_of "$second")"
kept=$(find "$work/jobs/millrace-0" -path '*slots/*' -name 'checkpoint*' | wc -l)
before=$(validated)
echo "  $kept checkpoint kept; its last words: $(tail -n 1 "$work/out/$second")"
[ "$kept" -ge 1 ] || fail "no checkpoint was kept"
third=$(job --cpus-per-task=1 --mem-per-cpu=0)
eventually "${LIMIT:-600}" ended "$third" || fail "the third job does not end"
more() { [ "$(validated)" -gt "$before" ]; }
eventually 60 more || fail "what was kept was not finished"
echo "  $(validated) validated after the next job"
[ "$("$bin/millrace" report credit --json 2>/dev/null | grep -c Cluster)" -ge 1 ] ||
    "$bin/millrace" report credit | grep -q Cluster || fail "no credit for Cluster"
echo "Slurm: done"
