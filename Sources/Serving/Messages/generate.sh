#!/bin/sh
# Makes the Swift of inference.proto: messages by swift-protobuf's generator, the service by grpc-swift's, of
# the versions that Package.swift resolves to. Needs protoc (Debian: protobuf-compiler). What it makes is
# committed: to build the server takes neither protoc nor the generators.
#
#     Sources/Serving/Messages/generate.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
package=$(dirname "$here")
scratch=$package/../../.build-serve
for generator in protoc-gen-swift protoc-gen-grpc-swift-2; do
  swift build --package-path "$package" --scratch-path "$scratch" --product $generator
done
cd "$here"
protoc inference.proto \
  --plugin="$scratch/debug/protoc-gen-swift" --swift_out=. --swift_opt=Visibility=Package \
  --plugin="$scratch/debug/protoc-gen-grpc-swift-2" --grpc-swift-2_out=. \
  --grpc-swift-2_opt=Visibility=Package,Server=true,Client=false
