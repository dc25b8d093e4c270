#!/bin/sh
# Builds both packages, and installs, uses and removes them in a fresh Debian 12 made by debootstrap: no error, nothing
# left behind. Then the service under systemd: attached, it earns credit behind all its walls. As root; some minutes and
# 1 GiB in TMPDIR. PROGRAMS: where the server is. Usage: test-package.sh [--keep-build]
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "test-package: needs root for chroot" >&2; exit 77; }
[ "${1:-}" = --keep-build ] || scripts/package.sh deb tarball
for tool in debootstrap chroot; do command -v $tool >/dev/null 2>&1 || scripts/apt-install.sh debootstrap; done
deb=$(ls dist/millrace-client_*.deb | tail -n 1)
tarball=$(ls dist/millrace-client-*.tar.gz | tail -n 1)
wasm_deb=$(ls dist/millrace-client-wasm_*.deb | tail -n 1)
wasm_tarball=$(ls dist/millrace-wasm-*.tar.gz | tail -n 1)

programs=$(cd "${PROGRAMS:-.build/release}" && pwd)
[ -x "$programs/millrace-server" ] || { echo "test-package: no millrace-server in $programs: make build" >&2; exit 66; }

root=$(mktemp -d)
chmod 755 "$root"
server="" machine=""
finish() {
    # Both were started here; with its first process the machine ends as a whole.
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$machine" ] || kill -KILL "$machine" 2>/dev/null || true
    wait 2>/dev/null || true
    for folder in /sys/fs/cgroup/*/"millrace-boot-$machine"; do
        # The last of its processes may be on their way out.
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            [ -d "$folder" ] || break
            find "$folder" -depth -type d -exec rmdir {} \; 2>/dev/null || true
            [ ! -d "$folder" ] || sleep 0.5
        done
    done
    for place in dev/pts dev proc; do umount "$root/$place" 2>/dev/null || true; done
    # Never through a mount that is still there.
    rm -rf --one-file-system "$root" "$root".*
}
trap finish EXIT
trap 'exit 130' INT TERM
fail() { echo "test-package: $*" >&2; exit 1; }
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
apt() { inside apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$root/tmp/apt.log" 2>&1 || { cat "$root/tmp/apt.log" >&2; fail "apt-get $*"; }; }
# Names, kinds and modes of all files, and what is in those that packages change; not what apt and dpkg note themselves.
state() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./run -o -path ./tmp -o -path ./var/cache -o -path ./var/log \
        -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path './etc/*-' -o -path './etc/ld.so.cache' \) -prune \
        -o -printf '%p %y %m %u %g\n' | sort)
    for file in passwd group shadow gshadow; do sed "s|^|$file: |" "$root/etc/$file"; done
}

echo "a fresh Debian 12"
mirror=$(sed -n 's/^URIs: *//p; s/^deb \(http[^ ]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list \
    2>/dev/null | head -n 1)
debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "${mirror:-http://deb.debian.org/debian}" \
    >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; fail "debootstrap"; }
rm -f "$root.log"
for file in /etc/apt/apt.conf.d/*proxy* /etc/apt/auth.conf.d/*; do [ ! -f "$file" ] || cp "$file" "$root$file"; done
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
apt update
# What the package needs of the system, as packages of their own: they stay when it goes.
depends=$({ dpkg-deb -f "$deb" Depends; dpkg-deb -f "$wasm_deb" Depends; } | tr ',' '\n' | sed 's/(.*//; s/|.*//; s/ //g' | tr '\n' ' ')
apt install --no-install-recommends adduser
echo "the archive, where its libraries are missing and where they are there"
mkdir "$root/tmp/archive"
tar -C "$root/tmp/archive" --strip-components=1 -xzf "$tarball"
if inside sh /tmp/archive/install.sh >"$root/tmp/log" 2>&1; then fail "install.sh does not miss libraries"; fi
grep -q 'libcurl.so.4' "$root/tmp/log" || fail "install.sh does not name what is missing"
apt install --no-install-recommends $depends
state >"$root.before"
inside sh /tmp/archive/install.sh >/dev/null
inside /root/.local/bin/millrace-client --version >/dev/null || fail "the archive's client does not run"
inside /root/.local/bin/millrace-worker apps | grep -q gamma-pulsar || fail "the archive's worker does not run"
grep -q '^ExecStart=/root/.local/bin/millrace-client run' "$root/root/.config/systemd/user/millrace-client.service" ||
    fail "the unit does not name the program"
# The smallest module that there is.
printf '\0asm\1\0\0\0\1\4\1\140\0\0\3\2\1\0\7\12\1\6_start\0\0\12\4\1\2\0\13' >"$root/tmp/module.wasm"
tar -C "$root/root/.local" --strip-components=1 -xzf "$wasm_tarball"
inside /root/.local/bin/millrace-wasm --fuel 10 --memory 65536 /tmp/module.wasm || fail "the archive's millrace-wasm does not run"
tar -tzf "$wasm_tarball" | sed 's|[^/]*/||' | while read -r file; do [ -d "$root/root/.local/$file" ] || rm "$root/root/.local/$file"; done
inside sh /tmp/archive/install.sh --uninstall >/dev/null
left=$(find "$root/root/.local" "$root/root/.config" ! -type d 2>/dev/null || true)
[ -z "$left" ] || fail "the archive leaves $left"
rm -rf "$root/root/.local" "$root/root/.config" "$root/tmp/archive"

echo "the package: install, use"
cp "$deb" "$root/tmp/"
apt install --no-install-recommends "/tmp/${deb##*/}"
[ "$(inside millrace-client --version)" = "$(dpkg-deb -f "$deb" Version)" ] || fail "another version"
inside millrace-client --help | grep -q 'idle time' || fail "--help"
inside millrace-worker apps | grep -q gamma-pulsar || fail "the worker knows no apps"
[ "$(inside stat -c '%U %G %a' /var/lib/millrace-client)" = "millrace-client millrace-client 750" ] || fail "the folder"
[ -h "$root/etc/systemd/system/multi-user.target.wants/millrace-client.service" ] || fail "the service is not enabled"
cmp -s "$root/var/lib/millrace-client/preferences.yaml" client/preferences.yaml 2>/dev/null ||
    inside cmp -s /var/lib/millrace-client/preferences.yaml /etc/millrace/preferences.yaml || fail "no preferences"
kib=$(dpkg-deb -f "$deb" Installed-Size)
echo "  $(($(stat -c %s "$deb") / 1024)) KiB packed, $kib KiB installed"
[ "$kib" -lt 40960 ] || fail "$kib KiB installed, at most 40960 are promised"
cp "$wasm_deb" "$root/tmp/"
apt install --no-install-recommends "/tmp/${wasm_deb##*/}"
inside millrace-wasm --fuel 10 --memory 65536 /tmp/module.wasm || fail "the package's millrace-wasm does not run"
kib=$(dpkg-deb -f "$wasm_deb" Installed-Size)
[ "$kib" -lt 40960 ] || fail "$kib KiB installed by millrace-client-wasm, at most 40960 are promised"
apt purge millrace-client-wasm
rm "$root/tmp/${wasm_deb##*/}"
# Somebody else is told what to do; root becomes the service's user.
code=0
inside setpriv --reuid=65534 --regid=65534 --clear-groups millrace-client status >"$root/tmp/log" 2>&1 || code=$?
[ $code -eq 78 ] && grep -q 'sudo' "$root/tmp/log" || fail "a stranger is told: $(cat "$root/tmp/log")"
code=0
inside millrace-client attach http://127.0.0.1:9 --name Ada >"$root/tmp/log" 2>&1 || code=$?
[ $code -eq 69 ] || fail "attach: $(cat "$root/tmp/log")"
[ -z "$(find "$root/var/lib/millrace-client" -mindepth 1 -user root ! -type l)" ] || fail "root left files in the folder"
[ ! -e "$root/root/.local" ] || fail "root got a folder of its own"

echo "upgrade, remove, purge"
apt install --reinstall --no-install-recommends "/tmp/${deb##*/}"
# An attach that failed leaves nothing there.
touch "$root/var/lib/millrace-client/kept"
apt remove millrace-client
[ -e "$root/etc/millrace/preferences.yaml" ] && [ -e "$root/var/lib/millrace-client/kept" ] ||
    fail "remove took more than programs"
apt purge millrace-client
rm -f "$root/tmp/${deb##*/}"
state >"$root.after"
if ! diff "$root.before" "$root.after" >"$root.diff"; then
    cat "$root.diff" >&2
    fail "something was left behind"
fi
echo "nothing was left behind"

echo "the service, under systemd"
apt install --no-install-recommends systemd dbus
rm "$root/usr/sbin/policy-rc.d"
cp "$deb" "$root/root/"
for place in dev proc; do umount "$root/$place"; done
scripts/boot-root.sh "$root" >"$root.log" 2>&1 &
machine=$!
eventually() { # SECONDS COMMAND...
    end=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$end" ] || return 1
        sleep 0.5
    done
}
first() { cat "/proc/$machine/task/$machine/children" 2>/dev/null | tr -d ' '; }
there() { nsenter --target "$(first)" --mount --uts --ipc --pid --cgroup --root --wd=/ \
    env -i PATH=/usr/sbin:/usr/bin LC_ALL=C HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
is_up() { [ -n "$(first)" ] && there systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; }
eventually 60 is_up || { cat "$root.log" >&2; fail "systemd does not start in a folder here"; }
"$programs/millrace-server" run --data "$root.server" --listen 127.0.0.1:0 >"$root/tmp/server.log" 2>&1 &
server=$!
address() { grep -oE 'http://127\.0\.0\.1:[0-9]+' "$root/tmp/server.log" | head -n 1; }
serves() { [ -n "$(address)" ]; }
eventually 30 serves || fail "the server does not start"
export MILLRACE_SERVER="$(address)" MILLRACE_TOKEN_FILE="$root.server/admin.token"
scripts/small-project.sh "$root.project"
"$programs/millrace" submit "$root.project" >/dev/null
there apt-get -qq install --no-install-recommends "/root/${deb##*/}" >"$root/tmp/apt.log" 2>&1 ||
    { cat "$root/tmp/apt.log" >&2; fail "install under systemd"; }
# Nobody is at this machine's desk, but its processors may be busy.
mkdir -p "$root/etc/systemd/system/millrace-client.service.d"
printf '[Service]\nExecStart=\nExecStart=%s run --always --cores 1 --data %s\n' /usr/bin/millrace-client \
    /var/lib/millrace-client >"$root/etc/systemd/system/millrace-client.service.d/always.conf"
there systemctl stop millrace-client
there millrace-client attach "$MILLRACE_SERVER" --name Ada >/dev/null || fail "attach"
there systemctl daemon-reload
there systemctl start millrace-client
validated() { [ "$("$programs/millrace" status 1 --json | sed -n 's/.*"units_validated" *: *\([0-9]*\).*/\1/p')" -ge 1 ]; }
eventually 300 validated || { there journalctl -u millrace-client --no-pager >&2; fail "no result was validated"; }
pid=$(there systemctl show --property=MainPID --value millrace-client)
there grep -q '/millrace.slice/millrace-client.service' "/proc/$pid/cgroup" || fail "it is not in its slice"
group=$(there getent group millrace-client | cut -d: -f3)
member() { there setpriv --reuid=65534 --regid="$group" --clear-groups millrace-client "$@"; }
member status | grep -q '^credit .* valid' || fail "a member of the group sees nothing"
# Where the service's user may not write.
there sh -c 'mkdir -m 700 /root/own && cd /root/own && millrace-client export me.json' >/dev/null &&
    grep -q '"millrace-export"' "$root/root/own/me.json" || fail "export into a folder of root's"
# Its walls: all layers that this kernel has for kernels of Millrace, as the running service has found them, ...
member status --json >"$root.status" || fail "status --json"
python3 - "$root.status" <<'END' || fail "the service lacks walls"
import json, sys

sandbox = json.load(open(sys.argv[1]))["sandbox"]
wanted = {"no-new-privileges", "user-namespace", "mount-namespace", "network-namespace", "ipc-namespace",
          "uts-namespace", "seccomp", "landlock", "resource-limits"}
held = {state["layer"] for state in sandbox["layers"]["states"] if state["isActive"]}
if not sandbox["isOn"] or sandbox.get("lacking") or wanted - held:
    sys.exit(f"on: {sandbox['isOn']}, lacking: {sandbox.get('lacking')}, missing: {sorted(wanted - held)}")
END
there systemctl stop millrace-client
[ "$(there systemctl show --property=Result --value millrace-client)" = success ] || fail "it does not stop in order"
# ... and every way out of both sandboxes, tried by the service's user under all that its unit allows. Not without a
# sandbox: the unit itself forbids some of them.
printf '[Service]\nType=oneshot\nRestart=no\nTimeoutStartSec=600\nExecStart=\nExecStart=%s sandbox selftest %s\n' \
    /usr/bin/millrace-client --no-control >"$root/etc/systemd/system/millrace-client.service.d/always.conf"
there systemctl daemon-reload
there systemctl start millrace-client ||
    { there journalctl -u millrace-client --no-pager >&2; fail "a way out of the sandbox is open, or shows nothing"; }
there journalctl -u millrace-client --no-pager | grep -q ' 0 open$' || fail "the self-test says nothing"
rm -r "$root/etc/systemd/system/millrace-client.service.d"
there systemctl daemon-reload
there apt-get -qq purge millrace-client >"$root/tmp/apt.log" 2>&1 || { cat "$root/tmp/apt.log" >&2; fail "purge"; }
[ ! -e "$root/var/lib/millrace-client" ] && ! there getent passwd millrace-client >/dev/null || fail "purge leaves something"
echo "done: it earned credit, and left"
