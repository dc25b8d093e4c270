#!/bin/sh
# Installs Debian packages, quietly. The lists of packages are fetched when there are none, and again when a package is
# not found in them. Usage: apt-install.sh PACKAGE ...
set -eu
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "apt-install: these Debian packages are missing: $*" >&2
        echo "  install them as root: apt-get install $*" >&2
        exit 69
    }
    as_root="sudo"
fi
log=$(mktemp)
clusters=/etc/postgresql-common/createcluster.conf
restore=""
finish() {
    [ -z "$restore" ] || $as_root sed -i 's/^create_main_cluster = false$/#create_main_cluster = true/' "$clusters"
    rm -f "$log"
}
trap finish EXIT
trap 'exit 130' INT TERM

update() { $as_root apt-get update >>"$log" 2>&1; }
install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1
}
get() {
    install "$@" || { update && install "$@"; } || {
        tail -n 20 "$log" >&2
        echo "apt-install: apt-get could not install: $*" >&2
        exit 69
    }
}
ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || update || true
# The package starts a cluster of its own on port 5432 when it is installed first; the tests start their own.
case " $* " in *" postgresql "*)
    get postgresql-common
    if grep -q '^#create_main_cluster = true$' "$clusters"; then
        $as_root sed -i 's/^#create_main_cluster = true$/create_main_cluster = false/' "$clusters"
        restore=yes
    fi
    ;;
esac
get "$@"
