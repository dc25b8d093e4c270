#!/bin/sh
# Writes Sources/ServerHTTP/EmbeddedWeb.swift from the files beside this script. A test compares the two.
set -eu
cd "$(dirname "$0")"
out=../../Sources/ServerHTTP/EmbeddedWeb.swift
{
    echo '// Written by server/web/embed.sh from the files in server/web; change those.'
    echo '// swift-format-ignore-file'
    echo
    echo '/// The pages, so that the program runs from anywhere. `--web DIR` replaces them.'
    echo 'enum EmbeddedWeb {'
    echo '    static let files: [String: String] = ['
    for file in *.mustache *.css; do
        echo "        \"$file\": #\"\"\""
        cat "$file"
        echo '"""#,'
    done
    echo '    ]'
    echo '}'
} > "$out"
