#!/bin/sh
# Prints where the program nginx is. Where there is none it is unpacked into .build/nginx, not installed, so that no web
# server begins to run here.
set -eu
cd "$(dirname "$0")/.."
unpacked=$PWD/.build/nginx/usr/sbin/nginx
for program in "$(command -v nginx || true)" /usr/sbin/nginx "$unpacked"; do
    [ ! -x "$program" ] || { echo "$program"; exit 0; }
done
mkdir -p .build/nginx
as_root=""
[ "$(id -u)" -eq 0 ] || as_root=sudo
cd .build/nginx
{
    apt-get download nginx || { $as_root apt-get update && apt-get download nginx; }
    dpkg -x nginx_*.deb .
} >log 2>&1 || {
    tail -n 2 log >&2
    echo "nginx-program: nginx could not be fetched" >&2
    exit 69
}
[ -x "$unpacked" ] || { echo "nginx-program: the package has no $unpacked" >&2; exit 69; }
echo "$unpacked"
