#!/bin/sh
# Makes the Swift of inference.proto: messages by swift-protobuf's generator, the service by grpc-swift's, of
# the versions that Package.swift resolves to. Needs protoc (Debian: protobuf-compiler). What it makes is
# committed, for the generators take longer to build than the server.
#
#     Sources/Serving/Messages/generate.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
package=$(dirname "$here")
scratch=$package/../../.build-serve
for generator in protoc-gen-swift protoc-gen-grpc-swift-2; do
  swift build -c release --package-path "$package" --scratch-path "$scratch" --product $generator
done
cd "$here"
protoc inference.proto \
  --plugin="$scratch/release/protoc-gen-swift" --swift_out=. --swift_opt=Visibility=Package \
  --plugin="$scratch/release/protoc-gen-grpc-swift-2" --grpc-swift-2_out=. \
  --grpc-swift-2_opt=Visibility=Package,Server=true,Client=false
