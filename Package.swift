// swift-tools-version: 6.1
import PackageDescription

/// The readers and their corpora: a test that replays what was found; with FUZZ set, the program that
/// looks for more (`make fuzz`).
let readers: [Target.Dependency] = [
  "Storage", "ConvNet", "Quantization", "Images", "Datasets", "Watching", "Experiment", "ONNX",
  "Exchange", "Search", "Sweep", "Report", "CZlib",
]
let readerTarget: Target =
  Context.environment["FUZZ"] == nil
  ? .testTarget(
    name: "ReaderTests", dependencies: readers, exclude: ["corpus", "Fuzzer.swift"])
  : .executableTarget(
    name: "fuzz", dependencies: readers, path: "Tests/ReaderTests",
    exclude: ["corpus", "CorpusTests.swift", "HostileSizeTests.swift"])

/// Modules without loops over many numbers, which wait for those that have them, for the disk or for
/// somebody's eye: as quick unoptimized, and compiled in a quarter of the time.
let quicklyCompiled: [SwiftSetting] = [.unsafeFlags(["-Onone"], .when(configuration: .release))]

/// Modules with such loops. `make build` asks for no optimization, so that packages of others which have
/// none are compiled quickly too; this stands behind that.
let optimized: [SwiftSetting] = [
  .unsafeFlags(["-Xfrontend", "-O"], .when(configuration: .release))
]

/// Those that `swift test` optimizes too: its suite takes a third of the time, and no check is lost, since
/// they have no assertions that are of debugging alone.
let alwaysOptimized: [SwiftSetting] =
  optimized + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
  name: "runner",
  products: [
    .executable(name: "runner", targets: ["runner"]),
    // What the server is built on. It is a package of its own, in Sources/Serving, so that nothing here
    // waits for what it depends on.
    .library(
      name: "RunnerModels",
      targets: [
        "Elements", "Storage", "ConvNet", "Quantization", "Images", "Datasets", "Watching",
        "Experiment",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CLAPACKE", providers: [.apt(["liblapacke-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CBzip2", providers: [.apt(["libbz2-dev"])]),
    .target(name: "CPNG", linkerSettings: [.linkedLibrary("png")]),
    .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
    .target(
      name: "CWebP", linkerSettings: [.linkedLibrary("webp"), .linkedLibrary("webpdemux")]),
    .target(name: "CTIFF", linkerSettings: [.linkedLibrary("tiff")]),
    .target(name: "CGIF", linkerSettings: [.linkedLibrary("gif")]),
    .target(name: "CAllocations"),
    .target(name: "COpenBLASStart"),
    .target(name: "CInt8"),
    .target(
      name: "Storage", dependencies: ["CZlib", "CCrypto", "CBzip2"], swiftSettings: optimized),
    .target(name: "Elements", swiftSettings: alwaysOptimized),
    .target(
      name: "ConvNet", dependencies: ["Elements", "COpenBLAS", "CLAPACKE", "COpenBLASStart"],
      swiftSettings: alwaysOptimized),
    .target(
      name: "Quantization", dependencies: ["ConvNet", "CInt8"], swiftSettings: alwaysOptimized),
    .target(name: "Pruning", dependencies: ["ConvNet"], swiftSettings: alwaysOptimized),
    .target(
      name: "Images",
      dependencies: ["Storage", "CZlib", "CPNG", "CJPEG", "CWebP", "CTIFF", "CGIF"],
      swiftSettings: alwaysOptimized),
    .target(
      name: "Datasets", dependencies: ["Elements", "Storage", "Images", "CZlib"],
      swiftSettings: alwaysOptimized),
    .target(name: "Statistics", swiftSettings: alwaysOptimized),
    .target(
      name: "Watching", dependencies: ["Storage", "Statistics", "Images", "Datasets", "ConvNet"],
      swiftSettings: alwaysOptimized),
    .target(name: "TerminalText", swiftSettings: quicklyCompiled),
    .target(
      name: "Experiment",
      dependencies: [
        "Storage", "Images", "Datasets", "Statistics", "ConvNet", "Quantization", "Pruning",
        "Watching", "TerminalText",
      ],
      swiftSettings: quicklyCompiled),
    .target(
      name: "Search", dependencies: ["Storage", "Statistics", "ConvNet"],
      swiftSettings: optimized),
    .target(
      name: "Sweep",
      dependencies: [
        "Storage", "Statistics", "Search", "Experiment", "Images", "Datasets", "ConvNet",
        "Watching",
        "TerminalText",
      ],
      swiftSettings: quicklyCompiled),
    .target(name: "ONNX", dependencies: ["Storage", "ConvNet"], swiftSettings: optimized),
    .target(
      name: "Exchange",
      dependencies: [
        "Storage", "ONNX", "Experiment", "Images", "Datasets", "ConvNet", "Quantization",
      ],
      swiftSettings: quicklyCompiled),
    .target(
      name: "Report", dependencies: ["Storage", "TerminalText"], swiftSettings: quicklyCompiled),
    .executableTarget(
      name: "runner",
      dependencies: [
        "CAllocations",
        "Storage", "ConvNet", "Quantization", "Pruning", "Images", "Datasets", "Statistics",
        "Watching", "Experiment", "ONNX", "Exchange", "Search", "Sweep", "Report", "TerminalText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: quicklyCompiled),
    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .testTarget(name: "StorageTests", dependencies: ["Storage", "TestSupport"]),
    .testTarget(
      name: "StatisticsTests", dependencies: ["Statistics", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(
      name: "ConvNetTests", dependencies: ["ConvNet", "Quantization", "Pruning", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "DatasetsTests",
      dependencies: ["Storage", "Images", "Datasets", "ConvNet", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "ExperimentTests",
      dependencies: [
        "Storage", "Experiment", "Watching", "Images", "Datasets", "Statistics", "TerminalText",
        "TestSupport",
      ],
      exclude: ["Fixtures", "SpecFixtures"]),
    .testTarget(
      name: "SweepTests",
      dependencies: ["Storage", "Search", "Sweep", "Experiment", "ConvNet", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "TerminalTextTests", dependencies: ["TerminalText", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "ReportTests", dependencies: ["Report", "TerminalText", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "ExchangeTests",
      dependencies: [
        "Storage", "ONNX", "Exchange", "Experiment", "Images", "Datasets", "ConvNet",
        "Quantization",
        "TestSupport",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "RunnerTests", dependencies: ["Storage", "Experiment", "TerminalText", "TestSupport"],
      exclude: ["Fixtures"]),
    readerTarget,
  ],
  swiftLanguageModes: [.v6]
)
