#!/bin/sh
# Builds both packages, and installs, uses and removes them in a fresh Debian 12 made by debootstrap: no error, nothing
# left behind. As root; some minutes and 1 GiB in TMPDIR. Usage: test-package.sh [--keep-build]
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "test-package: needs root for chroot" >&2; exit 77; }
[ "${1:-}" = --keep-build ] || scripts/package.sh deb tarball
for tool in debootstrap chroot; do command -v $tool >/dev/null 2>&1 || scripts/apt-install.sh debootstrap; done
deb=$(ls dist/millrace-client_*.deb | tail -n 1)
tarball=$(ls dist/millrace-client-*.tar.gz | tail -n 1)

root=$(mktemp -d)
finish() {
    for place in dev/pts dev proc; do umount "$root/$place" 2>/dev/null || true; done
    # Never through a mount that is still there.
    rm -rf --one-file-system "$root"
}
trap finish EXIT
trap 'exit 130' INT TERM
fail() { echo "test-package: $*" >&2; exit 1; }
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
apt() { inside apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$root/tmp/apt.log" 2>&1 || { cat "$root/tmp/apt.log" >&2; fail "apt-get $*"; }; }
# Names, kinds and modes of all files, and what is in those that packages change; not what apt and dpkg note themselves.
state() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./var/cache -o -path ./var/log \
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
depends=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/(.*//; s/|.*//; s/ //g' | tr '\n' ' ')
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
apt remove millrace-client
[ -e "$root/etc/millrace/preferences.yaml" ] && [ -e "$root/var/lib/millrace-client/version" ] ||
    fail "remove took more than programs"
apt purge millrace-client
rm -f "$root/tmp/${deb##*/}"
state >"$root.after"
if ! diff "$root.before" "$root.after" >"$root.diff"; then
    cat "$root.diff" >&2
    rm -f "$root.before" "$root.after" "$root.diff"
    fail "something was left behind"
fi
rm -f "$root.before" "$root.after" "$root.diff"
echo "nothing was left behind"
