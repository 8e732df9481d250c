import Storage

extension TextStream {
  /// The text of a table: out of a gzip, bzip2 or ZIP file if it is packed. What it is say the file's
  /// first bytes, not its name.
  convenience init(_ path: String) throws(DatasetError) {
    try self.init(try Self.unpacked(path))
  }

  /// The content of a file as it was before it was packed.
  private static func unpacked(_ path: String) throws(DatasetError) -> any ByteStream {
    let kind = try ContentKind(of: path)
    switch kind {
    case .gzip: return try GzipStream(path)
    case .bzip2: return try Bzip2Stream(path)
    case .zip:
      let archive = try ZipArchive(path)
      let names = archive.contentNames
      let tables = names.filter { OwnFiles.Format.of($0) == .csv }
      guard tables.count == 1 else {
        throw DatasetError(.invalid, "\(path): \(ContentKind.advice(onArchiveOf: names))")
      }
      return try archive.stream(archive[tables[0]]!)
    case .unknown: return try PlainStream(path)
    default: throw DatasetError(.invalid, "\(path): \(kind.advice)")
    }
  }
}
