#!/usr/bin/env bash
# Starts nginx with server/deploy/nginx-blobs.conf in front of a server, with a folder and a port of its own.
# Usage: nginx-beside.sh FOLDER BLOB-FOLDER SERVER-HOST:PORT PORT; prints the process id. Ends with SIGTERM to that.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1 blobs=$2 server=$3 port=$4
nginx=$(scripts/nginx-program.sh)
mkdir -p "$folder"
{
    echo "worker_processes 1; pid $folder/pid; error_log $folder/error.log warn; daemon off;"
    # A blob folder of root's must be readable.
    [ "$(id -u)" -ne 0 ] || echo "user root;"
    echo "events { worker_connections 256; }"
    echo "http { access_log off; client_body_temp_path $folder/body; proxy_temp_path $folder/proxy;"
    echo "fastcgi_temp_path $folder/fastcgi; uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;"
    echo "client_max_body_size 17m; upstream millrace { server $server; keepalive 8; }"
    echo "server { listen 127.0.0.1:$port;"
    sed "s|/var/lib/millrace/blobs|$blobs|" server/deploy/nginx-blobs.conf
    echo "location / { proxy_pass http://millrace; proxy_http_version 1.1; proxy_set_header Connection \"\";"
    echo "proxy_request_buffering off; proxy_max_temp_file_size 0; } } }"
} >"$folder/nginx.conf"
"$nginx" -e "$folder/error.log" -c "$folder/nginx.conf" </dev/null >/dev/null 2>>"$folder/error.log" &
echo $!
