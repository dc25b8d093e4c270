#!/bin/sh
# Builds what volunteers install, into dist/: `deb` Debian packages, `tarball` archives for other distributions. Both
# hold the same programs, with the Swift run-time library inside; what WebAssembly modules need is large, and a package
# and an archive of its own. Usage: package.sh deb|tarball ...
set -eu
cd "$(dirname "$0")/.."
work=$PWD/.build-package
stage=$work/stage
wasm=$work/wasm

[ $# -gt 0 ] || { echo "usage: package.sh deb|tarball ..." >&2; exit 64; }
for kind; do
    case $kind in deb | tarball) ;; *) echo "package: there is no package called $kind" >&2; exit 64 ;; esac
done
scripts/setup.sh
scripts/wasmtime.sh
missing=""
for tool in dh:debhelper lintian:lintian python3:python3-minimal; do
    command -v "${tool%:*}" >/dev/null 2>&1 || missing="$missing ${tool#*:}"
done
[ -z "$missing" ] || scripts/apt-install.sh $missing

# Sections of their own let the linker leave out what no program uses, and packed relocations, which glibc 2.36 knows,
# are a twentieth of plain ones: a fifth less of each program. Functions with the same code are one: a twentieth less.
for program in millrace-client millrace-worker millrace-wasm; do
    swift build -c release --static-swift-stdlib --scratch-path "$work" --product "$program" \
        -Xswiftc -Xfrontend -Xswiftc -function-sections -Xcc -ffunction-sections -Xcc -fdata-sections \
        -Xswiftc -use-ld=lld -Xlinker --no-export-dynamic -Xlinker -z -Xlinker pack-relative-relocs \
        -Xlinker --icf=all
done
built=$(swift build -c release --static-swift-stdlib --scratch-path "$work" --show-bin-path)

version=$("$built/millrace-client" --version)
debian=$(sed -n '1s/^[^(]*(\([^)]*\)).*/\1/p' client/debian/changelog)
[ "$version" = "$debian" ] || {
    echo "package: the client calls itself $version, client/debian/changelog says $debian" >&2
    exit 65
}

rm -rf "$stage" "$wasm"
mkdir -p "$stage/bin" "$stage/share/man/man1" "$stage/share/bash-completion/completions" \
    "$stage/share/zsh/vendor-completions" "$stage/share/fish/vendor_completions.d" dist
for program in millrace-client millrace-worker; do
    strip --remove-section=.comment --remove-section=.note -o "$stage/bin/$program" "$built/$program"
done
mkdir -p "$wasm/bin" "$wasm/lib/millrace" "$wasm/share/man/man1"
strip --remove-section=.comment --remove-section=.note -o "$wasm/bin/millrace-wasm" "$built/millrace-wasm"
strip --strip-unneeded -o "$wasm/lib/millrace/libmillrace-wasmtime.so" .build/wasmtime/libmillrace-wasmtime.so
chmod 644 "$wasm/lib/millrace/libmillrace-wasmtime.so"
cp client/millrace-wasm.1 "$wasm/share/man/man1/"
client=$stage/bin/millrace-client
# Completions are read by a shell, not started. A pipe would hide that the client fails.
"$client" --generate-completion-script bash >"$work/completion"
sed '1{/^#!/d}' "$work/completion" >"$stage/share/bash-completion/completions/millrace-client"
"$client" --generate-completion-script zsh >"$stage/share/zsh/vendor-completions/_millrace-client"
"$client" --generate-completion-script fish >"$stage/share/fish/vendor_completions.d/millrace-client.fish"
# Of the day of the change log, so that the same sources give the same page.
day=$(date -u -d "$(sed -n 's/^ -- .*>  //p' client/debian/changelog | head -n 1)" +%Y-%m-%d)
"$client" --experimental-dump-help >"$work/help.json"
python3 scripts/man-page.py "$version" "$day" <"$work/help.json" >"$stage/share/man/man1/millrace-client.1"
cp client/millrace-worker.1 "$stage/share/man/man1/"

make_deb() {
    root=$work/deb
    rm -rf "$root"
    mkdir -p "$root/tree"
    cp -R client/debian client/slurm client/kubernetes client/preferences.yaml client/systemd/millrace.slice \
        "$stage" "$wasm" "$root/tree/"
    cp client/systemd/system/millrace-client.service "$root/tree/debian/millrace-client.service"
    sed 's|@bindir@|/usr/bin|' client/systemd/user/millrace-client.service \
        >"$root/tree/debian/millrace-client.user.service"
    (cd "$root/tree" && dpkg-buildpackage --build=binary --no-sign) >"$work/deb.log" 2>&1 || {
        tail -n 30 "$work/deb.log" >&2
        exit 70
    }
    cp "$root"/millrace-client_*.deb "$root"/millrace-client-wasm_*.deb dist/
    lintian --allow-root --fail-on error --display-level ">=warning" --tag-display-limit 0 "$root"/*.deb
    ls "$root"/*.deb | sed 's|.*/|dist/|'
}

make_tarball() {
    name=millrace-client-$version-$(uname -m)-linux
    root=$work/tarball
    rm -rf "$root"
    mkdir -p "$root/$name"
    cp -R "$stage/bin" "$stage/share" client/tarball/install.sh client/tarball/README client/preferences.yaml LICENSE \
        client/slurm client/kubernetes "$root/$name/"
    cp client/systemd/user/millrace-client.service client/systemd/millrace.slice "$root/$name/share/"
    tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner -czf "dist/$name.tar.gz" "$name"
    echo "dist/$name.tar.gz"
    # Unpacked over the same folder: bin/ and lib/ lie beside each other.
    cp .build/wasmtime/LICENSE "$wasm/lib/millrace/LICENSE.wasmtime"
    name=millrace-wasm-$version-$(uname -m)-linux
    tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --transform "s|^wasm|$name|" \
        -czf "dist/$name.tar.gz" wasm
    rm "$wasm/lib/millrace/LICENSE.wasmtime"
    echo "dist/$name.tar.gz"
}

for kind; do "make_$kind"; done
