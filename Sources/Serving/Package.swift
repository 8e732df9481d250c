// swift-tools-version: 6.1
import PackageDescription

/// The server, a package of its own: who trains, tests or changes anything else neither fetches nor
/// compiles what it depends on. `make serve` builds it.
let package = Package(
  name: "runner-serve",
  products: [.executable(name: "runner-serve", targets: ["runner-serve"])],
  dependencies: [
    .package(name: "runner", path: "../.."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.36.0"),
  ],
  targets: [
    .target(
      name: "Serving",
      dependencies: [
        .product(name: "RunnerModels", package: "runner"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
      ],
      path: "Server",
      resources: [
        .embedInCode("Page/page.html"), .embedInCode("Page/page.css"),
        .embedInCode("Page/page.js"),
      ]),
    .executableTarget(
      name: "runner-serve",
      dependencies: [
        "Serving",
        .product(name: "RunnerModels", package: "runner"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Program"),
    .testTarget(
      name: "ServingTests",
      dependencies: [
        "Serving", "runner-serve",
        .product(name: "RunnerModels", package: "runner"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
      ],
      path: "Tests"),
  ],
  swiftLanguageModes: [.v6]
)
