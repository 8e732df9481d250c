// swift-tools-version: 6.1
import PackageDescription

/// Whether a warning of the server's own sources is an error.
let warnings: [SwiftSetting] =
  Context.environment["STRICT_SERVER"] == nil ? [] : [.unsafeFlags(["-warnings-as-errors"])]

/// The server, a package of its own: who trains, tests or changes anything else neither fetches nor
/// compiles what it depends on. `make serve` builds it.
let package = Package(
  name: "runner-serve",
  products: [.executable(name: "runner-serve", targets: ["runner-serve"])],
  dependencies: [
    .package(name: "runner", path: "../.."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.42.0"),
    // Without full Foundation, which takes long to load.
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.38.0", traits: []),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.3.0"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.10.0"),
  ],
  targets: [
    // The Open Inference Protocol's messages, made by Messages/generate.sh.
    .target(
      name: "InferenceMessages",
      dependencies: [
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
      ],
      path: "Messages", exclude: ["inference.proto", "generate.sh"]),
    .target(
      name: "Serving",
      dependencies: [
        .product(name: "RunnerModels", package: "runner"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "NIOHPACK", package: "swift-nio-http2"),
        "InferenceMessages",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
        // Without TLS, which is left to a proxy: on Linux this product is the transport that both of its
        // kinds have in common, and leaves BoringSSL out.
        .product(
          name: "GRPCNIOTransportHTTP2TransportServices", package: "grpc-swift-nio-transport"),
      ],
      path: "Server",
      resources: [
        .embedInCode("Page/page.html"), .embedInCode("Page/page.css"),
        .embedInCode("Page/page.js"),
      ], swiftSettings: warnings),
    .executableTarget(
      name: "runner-serve",
      dependencies: [
        "Serving",
        .product(name: "RunnerModels", package: "runner"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Program", swiftSettings: warnings),
    .testTarget(
      name: "ServingTests",
      dependencies: [
        "Serving", "runner-serve",
        .product(name: "RunnerModels", package: "runner"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        "InferenceMessages",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      path: "Tests", swiftSettings: warnings),
  ],
  swiftLanguageModes: [.v6]
)
