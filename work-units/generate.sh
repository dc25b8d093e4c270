#!/bin/sh
# Makes Sources/Wire/Generated from the .proto files. Needs Debian's protobuf-compiler; run from the repository root.
set -eu
swift build -c release --product protoc-gen-swift
protoc --plugin=protoc-gen-swift=.build/release/protoc-gen-swift --proto_path=work-units \
    --swift_opt=Visibility=Public --swift_out=Sources/Wire/Generated \
    container.proto rpc.proto admin.proto worker.proto
