#!/bin/sh
# Installs the Debian packages that the build and the tests need, when one is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

packages="pkg-config libzstd-dev libsqlite3-dev libcurl4-openssl-dev libfftw3-dev libopenblas-dev libxcb1-dev
    libxcb-screensaver0-dev libxcb-sync-dev libyaml-dev zlib1g-dev xvfb xdotool x11-utils dbus-daemon libpq-dev postgresql openssl curl wasi-libc
    libclang-rt-14-dev-wasm32 python3 faketime"
missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "installing:$missing"
    "$here/apt-install.sh" $missing
fi
# For the tests of server/deploy.
"$here/nginx-program.sh" >/dev/null || echo "setup: there is no nginx; the tests behind it are left out" >&2
command -v swift >/dev/null 2>&1 || {
    echo "setup: there is no swift on the PATH; Millrace builds with Swift 6.3 (https://www.swift.org/install)" >&2
    exit 69
}
