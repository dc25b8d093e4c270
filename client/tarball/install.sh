#!/bin/sh
# Installs Millrace's client for the person who runs this, without root. Usage: install.sh [--uninstall]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=${PREFIX:-$HOME/.local}
config=${XDG_CONFIG_HOME:-$HOME/.config}
units=$config/systemd/user

files() { (cd "$here" && find bin share ! -type d ! -name '*.service' ! -name '*.slice' | sort); }

case "${1:-}" in
"") ;;
--uninstall)
    if command -v systemctl >/dev/null 2>&1; then
        systemctl --user disable --now millrace-client >/dev/null 2>&1 || true
    fi
    files | while read -r file; do
        rm -f "$prefix/$file"
        # Folders that are empty now, up to the prefix.
        folder=$(dirname "$file")
        while [ "$folder" != . ] && rmdir "$prefix/$folder" 2>/dev/null; do folder=$(dirname "$folder"); done
    done
    rm -f "$units/millrace-client.service" "$units/millrace.slice"
    echo "removed. Tasks, results and keys are still in ${XDG_DATA_HOME:-$HOME/.local/share}/millrace, if you had any;"
    echo "remove that folder when you no longer need them."
    exit 0
    ;;
*)
    echo "usage: install.sh [--uninstall]" >&2
    exit 64
    ;;
esac

missing=$(for program in "$here"/bin/*; do ldd "$program" 2>&1; done | grep 'not found' | sed 's/^[[:space:]]*//' | sort -u)
if [ -n "$missing" ]; then
    echo "install: this system lacks:" >&2
    echo "$missing" | sed 's/^/  /' >&2
    echo "README says which packages hold these libraries." >&2
    exit 69
fi
files | while read -r file; do
    mkdir -p "$prefix/$(dirname "$file")"
    # Beside it and renamed: a running program is not written to.
    cp "$here/$file" "$prefix/$file.new"
    mv "$prefix/$file.new" "$prefix/$file"
done
mkdir -p "$units"
sed "s|@bindir@|$prefix/bin|" "$here/share/millrace-client.service" >"$units/millrace-client.service"
cp "$here/share/millrace.slice" "$units/"
if command -v systemctl >/dev/null 2>&1; then systemctl --user daemon-reload >/dev/null 2>&1 || true; fi
echo "installed in $prefix. Next:"
case ":$PATH:" in *":$prefix/bin:"*) ;; *) echo "  export PATH=$prefix/bin:\$PATH" ;; esac
echo "  millrace-client attach URL --name YOUR-NAME"
echo "  systemctl --user enable --now millrace-client"
