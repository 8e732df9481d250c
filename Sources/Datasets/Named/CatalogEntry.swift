import Storage

/// A file of a published dataset.
public struct PublishedFile: Hashable, Sendable {
  /// What was published of a file's content.
  public enum Digest: Hashable, Sendable {
    /// Of what the `.gz` file holds: its size in bytes and its SHA-256. The file will do plain too.
    case content(size: Int, sha256: String)
    /// SHA-256 of the file as it is downloaded.
    case sha256(String)
    /// MD5 of the file as it is downloaded, where nobody published a better one.
    case md5(String)
  }

  /// The name, without `.gz` where the content's digest is known.
  public let name: String
  public let digest: Digest
  /// Bytes to download; other compressors give other sizes.
  public let archiveSize: Int

  public init(name: String, digest: Digest, archiveSize: Int) {
    self.name = name
    self.digest = digest
    self.archiveSize = archiveSize
  }

  /// The name that it is published and kept under.
  public var archiveName: String {
    if case .content = digest { name + ".gz" } else { name }
  }

  /// The path of this file in a folder, where it is there.
  func existing(in folder: String) -> String? {
    let path = DatasetLocator.join(folder, name)
    if case .content = digest { return DatasetLocator.existing(path) }
    return FileDescriptor.exists(path) ? path : nil
  }

  /// Refuses a file that is not the one published. Readers of IDX files check the content's digest
  /// while they read.
  func verify(_ path: String) throws(DatasetError) {
    let (kind, found, published): (String, String, String)
    switch digest {
    case .content(_, let sha256):
      _ = try IDXFile(path, ranks: 1...4, expected: sha256)
      return
    case .sha256(let digest):
      let hex = try DatasetError.wrapping { () throws(FileError) in
        try SHA256.hex(ofFile: path)
      }
      (kind, found, published) = ("SHA-256", hex, digest)
    case .md5(let digest):
      let hex = try DatasetError.wrapping { () throws(FileError) in try MD5.hex(ofFile: path) }
      (kind, found, published) = ("MD5", hex, digest)
    }
    guard found == published else {
      throw DatasetError(
        .damaged,
        "\(path): it has the \(kind) \(found), not the published \(published); remove the file, and "
          + "it is downloaded again")
    }
  }
}

extension PublishedFile: CustomStringConvertible {
  /// `train-images-idx3-ubyte  sha256 ba89…`
  public var description: String {
    switch digest {
    case .content(_, let digest), .sha256(let digest): "\(name)  sha256 \(digest)"
    case .md5(let digest): "\(name)  md5 \(digest)"
    }
  }
}

/// What is known of a dataset before any of it is read.
public struct CatalogEntry: Sendable {
  public enum Source: Sendable {
    /// Files of a format, published at these addresses, each followed by a file's name.
    case published([PublishedFile], PublishedFormat, mirrors: [String])
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
  /// The folder that its files lie in; several entries may share one.
  public let folderName: String
  /// Whether its images were published in no order of their classes, so that the first of them are as
  /// good as any.
  public let isShuffled: Bool

  public init(
    name: String, summary: String, height: Int, width: Int, channels: Int, classNames: [String],
    trainCount: Int, testCount: Int, licence: String, source: Source, folderName: String? = nil,
    isShuffled: Bool = true
  ) {
    self.name = name
    self.summary = summary
    self.height = height
    self.width = width
    self.channels = channels
    self.classNames = classNames
    self.trainCount = trainCount
    self.testCount = testCount
    self.licence = licence
    self.source = source
    self.folderName = folderName ?? name
    self.isShuffled = isShuffled
  }

  public var files: [PublishedFile] {
    if case .published(let files, _, _) = source { files } else { [] }
  }

  public var mirrors: [String] {
    if case .published(_, _, let mirrors) = source { mirrors } else { [] }
  }

  public var isBuiltIn: Bool { files.isEmpty }

  /// Bytes to download.
  public var archiveSize: Int { files.reduce(0) { $0 + $1.archiveSize } }
}
