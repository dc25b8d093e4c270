#!/usr/bin/env bash
# What nginx with server/deploy/nginx-blobs.conf answers for a blob, beside what the server itself answers.
# Usage: nginx-check.sh NGINX-URL SERVER-URL BLOB-NAME BLOB-FILE
set -euo pipefail
nginx=$1 server=$2 name=$3 file=$4
size=$(stat -c %s "$file")
failed=0

# $1: what; $2: expected; $3: found.
expect() { [ "$2" = "$3" ] || { echo "nginx-check: $1: expected $2, found $3" >&2; failed=1; }; }
status() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
header() { curl -s -o /dev/null -D - "${@:2}" | tr -d '\r' | sed -n "s/^$1: //ip"; }

for url in "$nginx/v1/blobs/$name" "$server/v1/blobs/$name"; do
    expect "$url: a range" "206" "$(status -r 5-104 "$url")"
    expect "$url: its bytes" "$(tail -c +6 "$file" | head -c 100 | sha256sum)" "$(curl -s -r 5-104 "$url" | sha256sum)"
    expect "$url: where it lies" "bytes 5-104/$size" "$(header Content-Range -r 5-104 "$url")"
    expect "$url: a suffix" "$(tail -c 77 "$file" | sha256sum)" "$(curl -s -r -77 "$url" | sha256sum)"
    expect "$url: beyond the end" "416" "$(status -r "$size-" "$url")"
    expect "$url: the size" "bytes */$size" "$(header Content-Range -r "$size-" "$url")"
    expect "$url: ETag" "\"$name\"" "$(header ETag -r 0-0 "$url")"
    expect "$url: If-None-Match" "304" "$(status -H "If-None-Match: \"$name\"" "$url")"
    expect "$url: If-None-Match of another" "206" "$(status -r 0-0 -H 'If-None-Match: "other"' "$url")"
    expect "$url: If-Range" "206" "$(status -r 0-0 -H "If-Range: \"$name\"" "$url")"
    expect "$url: HEAD" "200 $size" "$(status -I "$url") $(header Content-Length -I "$url")"
    expect "$url: type" "application/octet-stream" "$(header Content-Type -r 0-0 "$url")"
    expect "$url: caching" "public, max-age=31536000, immutable" "$(header Cache-Control -r 0-0 "$url")"
    expect "$url: a token is asked for" "401" "$(status -I -H 'Authorization: Bearer none' "$url")"
    expect "$url: an upload is the server's" "401" "$(status -X PATCH -d x "$url")"
done
none=$(printf '0%.0s' $(seq 64))
expect "what is not there" "404" "$(status "$nginx/v1/blobs/$none")"
expect "a page through nginx" "200" "$(status "$nginx/healthz")"
[ "$failed" -eq 0 ] && echo "nginx answers as the server does"
exit "$failed"
