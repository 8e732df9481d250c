// swift-tools-version: 6.1
import PackageDescription

/// The readers and their corpora: a test that replays what was found; with FUZZ set, the program that
/// looks for more (`make fuzz`).
let readers: [Target.Dependency] = [
  "ConvNet", "Datasets", "Experiment", "Exchange", "Sweep", "Report", "CZlib",
]
let readerTarget: Target =
  Context.environment["FUZZ"] == nil
  ? .testTarget(
    name: "ReaderTests", dependencies: readers, exclude: ["corpus", "Fuzzer.swift"])
  : .executableTarget(
    name: "fuzz", dependencies: readers, path: "Tests/ReaderTests",
    exclude: ["corpus", "CorpusTests.swift", "HostileSizeTests.swift"])

let package = Package(
  name: "runner",
  products: [.executable(name: "runner", targets: ["runner"])],
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
    .target(name: "COneThread"),
    .target(name: "ConvNet", dependencies: ["COpenBLAS", "CLAPACKE", "COneThread"]),
    .target(
      name: "Datasets",
      dependencies: [
        "ConvNet", "CZlib", "CPNG", "CCrypto", "CBzip2", "CJPEG", "CWebP", "CTIFF", "CGIF",
      ]),
    .target(name: "TerminalText"),
    .target(name: "Experiment", dependencies: ["Datasets", "ConvNet", "TerminalText"]),
    .target(name: "Sweep", dependencies: ["Experiment", "Datasets", "ConvNet", "TerminalText"]),
    .target(name: "Exchange", dependencies: ["Experiment", "Datasets", "ConvNet"]),
    .target(name: "Report", dependencies: ["TerminalText"]),
    .executableTarget(
      name: "runner",
      dependencies: [
        "CAllocations",
        "ConvNet", "Datasets", "Experiment", "Exchange", "Sweep", "Report", "TerminalText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(name: "ConvNetTests", dependencies: ["ConvNet"], exclude: ["Fixtures"]),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets"], exclude: ["Fixtures"]),
    .testTarget(
      name: "ExperimentTests", dependencies: ["Experiment", "Datasets", "TerminalText"],
      exclude: ["Fixtures", "SpecFixtures"]),
    .testTarget(
      name: "SweepTests", dependencies: ["Sweep", "Experiment", "ConvNet"], exclude: ["Fixtures"]),
    .testTarget(
      name: "TerminalTextTests", dependencies: ["TerminalText"], exclude: ["Fixtures"]),
    .testTarget(
      name: "ReportTests", dependencies: ["Report", "TerminalText"], exclude: ["Fixtures"]),
    .testTarget(
      name: "ExchangeTests", dependencies: ["Exchange", "Experiment", "Datasets", "ConvNet"]),
    .testTarget(
      name: "RunnerTests", dependencies: ["Experiment", "TerminalText"], exclude: ["Fixtures"]),
    readerTarget,
  ],
  swiftLanguageModes: [.v6]
)
