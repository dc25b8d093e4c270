#!/usr/bin/env bash
# What nginx with the files of server/deploy hands on. In place of millrace-server there are two servers of nginx that
# say what they were asked; all on ports of this machine.
# Usage: nginx-conf-check.sh NGINX FOLDER PORT; PORT and the three above it must be free.
set -euo pipefail
cd "$(dirname "$0")/.."
nginx=$1 folder=$2 port=$3
mkdir -p "$folder/blobs"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$folder/privkey.pem" \
    -out "$folder/fullchain.pem" 2>/dev/null

# What the other two files want in the server block of nginx.conf; in nginx-several.conf it stands behind `#`.
{
    sed "s|/var/lib/millrace/blobs|$folder/blobs|" server/deploy/nginx-blobs.conf
    sed -n 's/^#    \(proxy_.*\)/\1/p' server/deploy/nginx-several.conf
} >"$folder/more.conf"
{
    echo "worker_processes 1; pid $folder/pid; error_log $folder/error.log warn; daemon off;"
    [ "$(id -u)" -ne 0 ] || echo "user root;"
    echo "events { worker_connections 256; }"
    echo "http { client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; access_log off;"
    echo "fastcgi_temp_path $folder/fastcgi; uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;"
    echo "log_format asked '\$request_method \$request_uri';"
    sed -e "s/127.0.0.1:8081/127.0.0.1:$((port + 1))/" -e "s/127.0.0.1:8082/127.0.0.1:$((port + 2))/" \
        -e 's/max_fails=2/max_fails=0/' server/deploy/nginx-several.conf
    # Nobody is local here: what is for this machine only must be refused.
    sed -e '/listen \[::\]/d' -e "s/listen 443 ssl http2/listen 127.0.0.1:$port ssl/" \
        -e "s/listen 80;/listen 127.0.0.1:$((port + 3));/" -e '/allow /d' -e '/^upstream/,/^}/d' \
        -e "s|/etc/letsencrypt/live/millrace.example.org|$folder|" server/deploy/nginx.conf |
        awk -v more="$folder/more.conf" '/location \/ {/ { while ((getline line < more) > 0) print line } { print }'
    for at in 1 2; do
        echo "server { listen 127.0.0.1:$((port + at)); access_log $folder/asked asked;"
        echo "location / { return 200 \"from \$http_x_forwarded_for\"; }"
        # As a process that dies: the request has come, and no answer goes out.
        echo "location /v1/dies { return 444; } location = /v1/batches { return 444; } }"
    done
    echo "}"
} >"$folder/nginx.conf"
"$nginx" -e "$folder/error.log" -c "$folder/nginx.conf" </dev/null >/dev/null 2>>"$folder/error.log" &
running=$!
trap 'kill "$running" 2>/dev/null || true; wait "$running" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    curl -sk -o /dev/null "https://127.0.0.1:$port/" && break
    kill -0 "$running" 2>/dev/null || { cat "$folder/error.log" >&2; exit 70; }
    sleep 0.1
done

failed=0
# $1: what; $2: expected; $3: found.
expect() { [ "$2" = "$3" ] || { echo "nginx-conf-check: $1: expected $2, found $3" >&2; failed=1; }; }
ask() { curl -sk --path-as-is "$@"; }
blob=$(printf 'a%.0s' $(seq 64))
for path in / /v1/scheduler /v1/batches/1 "/v1/blobs/$blob" /v1/uploads/1; do
    expect "$path: the address is nginx's word" "from 127.0.0.1" \
        "$(ask -H 'X-Forwarded-For: 192.0.2.1' "https://127.0.0.1:$port$path")"
done
expect "a blob with a token: the address is nginx's word" "from 127.0.0.1" \
    "$(ask -H 'X-Forwarded-For: 192.0.2.1' -H 'Authorization: Bearer x' "https://127.0.0.1:$port/v1/blobs/$blob")"
for path in /metrics /metrics/ /metrics/// //metrics /readyz /readyz/ '/readyz?x' /%6detrics/ /x/../metrics/; do
    expect "$path is for this machine only" 403 "$(ask -o /dev/null -w '%{http_code}' "https://127.0.0.1:$port$path")"
done
expect "a path that begins so is not" 200 "$(ask -o /dev/null -w '%{http_code}' "https://127.0.0.1:$port/metricsx")"

# How often the servers were asked for $2 after one request with method $1.
asked() {
    : >"$folder/asked"
    ask -o /dev/null -X "$1" -d x "https://127.0.0.1:$port$2" || true
    grep -c "^$1 $2\$" "$folder/asked" || true
}
expect "a call that meets a dying server is told to the other" 2 "$(asked POST /v1/dies)"
expect "a submission goes to one server only" 1 "$(asked POST /v1/batches)"
[ "$failed" -eq 0 ] && echo "nginx hands on what it should"
exit "$failed"
