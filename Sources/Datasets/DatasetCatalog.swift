/// A file of a published dataset.
public struct PublishedFile: Hashable, Sendable {
  /// The name without `.gz`.
  public let name: String
  /// Size of the uncompressed file in bytes.
  public let size: Int
  /// SHA-256 of the uncompressed file.
  public let sha256: String
  /// Size of the published `.gz` file in bytes; other compressors give other sizes.
  public let archiveSize: Int
}

/// What is known of a dataset before any of it is read.
public struct CatalogEntry: Sendable {
  public enum Source: Sendable {
    /// Four IDX files, published at these addresses (each followed by a file's name and `.gz`).
    case published(
      trainImages: PublishedFile, trainLabels: PublishedFile, testImages: PublishedFile,
      testLabels: PublishedFile, mirrors: [String])
    /// Made by the program itself.
    case builtIn
  }

  public let name: String
  public let summary: String
  public let height: Int, width: Int, channels: Int
  public let classNames: [String]
  /// Images in the training set and in the test set; for a built-in set, unless asked otherwise.
  public let trainCount: Int, testCount: Int
  public let licence: String
  public let source: Source

  public var files: [PublishedFile] {
    switch source {
    case .published(let a, let b, let c, let d, _): [a, b, c, d]
    case .builtIn: []
    }
  }

  public var mirrors: [String] {
    switch source {
    case .published(_, _, _, _, let mirrors): mirrors
    case .builtIn: []
    }
  }

  /// Bytes to download.
  public var archiveSize: Int { files.reduce(0) { $0 + $1.archiveSize } }
}

/// The datasets that a spec may name.
public enum DatasetCatalog {
  public static let all: [CatalogEntry] = [mnist, syntheticDigits]

  public static var names: [String] { all.map(\.name) }

  public static subscript(name: String) -> CatalogEntry? { all.first { $0.name == name } }

  public static let mnist = CatalogEntry(
    name: "mnist",
    summary: "handwritten digits (Y. LeCun, C. Cortes, C. Burges)",
    height: 28, width: 28, channels: 1,
    classNames: (0...9).map(String.init), trainCount: 60_000, testCount: 10_000,
    licence: "CC BY-SA 3.0",
    source: .published(
      trainImages: PublishedFile(
        name: "train-images-idx3-ubyte", size: 47_040_016,
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        archiveSize: 9_912_422),
      trainLabels: PublishedFile(
        name: "train-labels-idx1-ubyte", size: 60_008,
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        archiveSize: 28_881),
      testImages: PublishedFile(
        name: "t10k-images-idx3-ubyte", size: 7_840_016,
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        archiveSize: 1_648_877),
      testLabels: PublishedFile(
        name: "t10k-labels-idx1-ubyte", size: 10_008,
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        archiveSize: 4_542),
      mirrors: [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
      ]))

  public static let syntheticDigits = CatalogEntry(
    name: "synthetic_digits",
    summary: "digits drawn from stroke skeletons, any number of them",
    height: 28, width: 28, channels: 1,
    classNames: (0...9).map(String.init), trainCount: 60_000, testCount: 10_000,
    licence: "as this program (Apache-2.0)",
    source: .builtIn)
}
