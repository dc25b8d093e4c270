#!/usr/bin/env bash
# Makes a real S3 server for the tests (moto, from PyPI, pinned) in .build/s3-server. Prints nothing when it is there.
# When PyPI cannot be reached, it says so, and the tests of S3 are left out; MILLRACE_REQUIRE_S3=1 makes that a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.build/s3-server
wanted=$(sha256sum scripts/s3-server-requirements.txt | cut -d ' ' -f 1)
if [ -x "$venv/bin/moto_server" ] && [ "$(cat "$venv/made" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

need_venv() {
    python3 -c 'import ensurepip' 2>/dev/null || scripts/apt-install.sh python3 python3-venv
}
mkdir -p .build
log=.build/s3-server.log
rm -rf "$venv"
if ! { need_venv && python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --no-deps --only-binary :all: \
    --retries 2 --timeout 20 -r scripts/s3-server-requirements.txt; } >"$log" 2>&1; then
    rm -rf "$venv"
    tail -n 5 "$log" >&2
    echo "s3-server: moto could not be installed (is PyPI reachable?): the tests of the S3 blob store do not run" >&2
    if [ "${MILLRACE_REQUIRE_S3:-}" = 1 ]; then exit 69; fi
    exit 0
fi
echo "$wanted" >"$venv/made"
