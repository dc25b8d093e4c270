#!/bin/sh
# Compiles C into a module for `app: wasm`, beside its source: with the compiler that comes with Swift and Debian's
# wasi-libc. Usage: wasm-cc.sh SOURCE.c [OPTION of clang ...]
set -eu
[ $# -ge 1 ] && [ -r "$1" ] || { echo "usage: wasm-cc.sh SOURCE.c [OPTION of clang ...]" >&2; exit 64; }
source=$1
shift
swift=$(readlink -f "$(command -v swift)") || { echo "wasm-cc: there is no swift on the PATH" >&2; exit 69; }
clang=$(dirname "$swift")/clang
builtins=$(ls /usr/lib/llvm-*/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a 2>/dev/null | tail -n 1)
[ -x "$clang" ] && [ -n "$builtins" ] && [ -d /usr/lib/wasm32-wasi ] || {
    echo "wasm-cc: install wasi-libc and libclang-rt-14-dev-wasm32" >&2
    exit 69
}
exec "$clang" --target=wasm32-wasi --sysroot=/usr -O3 -o "${source%.c}.wasm" "$source" "$@" -nodefaultlibs -lc "$builtins"
