#!/usr/bin/env bash
# Fetches the Wasmtime library (from PyPI, pinned and its hash checked) into .build/wasmtime, with its licence. Prints
# nothing when it is there. Packages need it; without it the tests of modules are left out, unless
# MILLRACE_REQUIRE_WASM=1 makes that a failure. A build does not need it.
set -euo pipefail
cd "$(dirname "$0")/.."
place=.build/wasmtime
wanted=$(sha256sum scripts/wasmtime-requirements.txt | cut -d ' ' -f 1)
if [ -r "$place/libmillrace-wasmtime.so" ] && [ "$(cat "$place/made" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

new=.build/wasmtime.$$
trap 'rm -rf "$new"' EXIT
mkdir -p "$new/wheel"
python3 -c 'import ensurepip' 2>/dev/null || scripts/apt-install.sh python3 python3-venv
if ! { python3 -m venv "$new/venv" && "$new/venv/bin/pip" download --quiet --no-deps --only-binary :all: \
    --require-hashes --retries 2 --timeout 20 --dest "$new/wheel" -r scripts/wasmtime-requirements.txt; } \
    >"$new/log" 2>&1; then
    tail -n 5 "$new/log" >&2
    echo "wasmtime: the library could not be fetched (is PyPI reachable?)" >&2
    exit 69
fi
python3 - "$new" <<'END'
import pathlib, sys, zipfile
new = pathlib.Path(sys.argv[1])
[wheel] = (new / "wheel").glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.endswith("/_libwasmtime.so"):
            (new / "libmillrace-wasmtime.so").write_bytes(archive.read(name))
        elif name.endswith("/licenses/LICENSE"):
            (new / "LICENSE").write_bytes(archive.read(name))
END
rm -rf "$new/wheel" "$new/venv" "$new/log"
[ -s "$new/libmillrace-wasmtime.so" ] && [ -s "$new/LICENSE" ] || { echo "wasmtime: the package has no library" >&2; exit 65; }
echo "$wanted" >"$new/made"
rm -rf "$place"
mv "$new" "$place"
