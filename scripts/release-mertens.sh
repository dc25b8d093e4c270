#!/bin/sh
# Makes keys and a signed release folder for projects/mertens, or refreshes what is there. Nothing of it is committed.
set -eu
cd "$(dirname "$0")/.."
millrace=${MILLRACE:-.build/release/millrace}
project=projects/mertens
releases=$project/releases
keys=$project/release-keys
if [ ! -d "$releases" ]; then
    "$millrace" release init "$releases" --name mertens --keys "$keys"
    "$millrace" release add mertens 1.0 "any=$project/program/mertens.py" --interpreter python3 --folder "$releases"
    "$millrace" release sign --keys "$keys" --folder "$releases"
else
    "$millrace" release refresh --keys "$keys/timestamp.key" "$keys/snapshot.key" --folder "$releases"
fi
"$millrace" release verify "$releases"
