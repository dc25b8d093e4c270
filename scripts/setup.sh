#!/bin/sh
# Installs the Debian packages that the build and the tests need, when one is missing.
set -eu

packages="pkg-config libzstd-dev libsqlite3-dev libcurl4-openssl-dev libfftw3-dev libopenblas-dev libxss-dev
    libx11-dev zlib1g-dev bubblewrap xvfb xdotool libpq-dev postgresql openssl"
missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "installing:$missing"
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || {
            echo "setup: these Debian packages are missing:$missing" >&2
            echo "  install them as root: apt-get install$missing" >&2
            exit 69
        }
        as_root="sudo"
    fi
    log=$(mktemp)
    if ! { $as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "setup: apt-get could not install:$missing" >&2
        exit 69
    fi
    rm -f "$log"
fi
# nginx for the tests of server/deploy: unpacked, not installed, so that no web server begins to run here.
if [ ! -x /usr/sbin/nginx ] && [ ! -x .build/nginx/usr/sbin/nginx ]; then
    mkdir -p .build/nginx
    (cd .build/nginx && apt-get download nginx >/dev/null 2>&1 && dpkg -x nginx_*.deb .) ||
        echo "setup: nginx could not be fetched; the tests behind it are left out" >&2
fi
command -v swift >/dev/null 2>&1 || {
    echo "setup: there is no swift on the PATH; Millrace builds with Swift 6.3 (https://www.swift.org/install)" >&2
    exit 69
}
