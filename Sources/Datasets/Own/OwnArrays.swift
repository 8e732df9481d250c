import Storage

/// What arrays are called that hold images and their labels: Keras's names, then those of others.
enum ArrayNames {
  typealias Pair = (images: String, labels: String)

  static func candidates(_ part: FilesPart, isOwn: Bool) -> [Pair] {
    func named(_ part: String) -> [Pair] {
      [
        ("x_\(part)", "y_\(part)"), ("X_\(part)", "y_\(part)"), ("X_\(part)", "Y_\(part)"),
        ("\(part)_images", "\(part)_labels"),
        ("\(part)_x", "\(part)_y"),
      ]
    }
    let only: [Pair] = [
      ("x", "y"), ("X", "y"), ("X", "Y"), ("images", "labels"), ("data", "labels"),
      ("arr_0", "arr_1"),
    ]
    return switch part {
    case .test: named("test") + (isOwn ? only : [])
    case .validation: named("val") + named("valid") + named("validation") + (isOwn ? only : [])
    case .training: named("train") + only
    }
  }

  /// The first pair that is there.
  static func pair(_ part: FilesPart, isOwn: Bool, in arrays: any ArraySource) -> Pair? {
    candidates(part, isOwn: isOwn).first { arrays.has($0.images) && arrays.has($0.labels) }
  }

  /// The same.
  /// - Throws: `.invalid` where there is none, with what there is.
  static func pair(
    _ part: FilesPart, isOwn: Bool, in arrays: any ArraySource, path: String
  ) throws(DatasetError) -> Pair {
    if let pair = pair(part, isOwn: isOwn, in: arrays) { return pair }
    let wanted = candidates(part, isOwn: isOwn).map { "\($0.images) with \($0.labels)" }
      .joined(separator: ", ")
    throw DatasetError(
      .invalid,
      "\(path): there are no \(part.rawValue) images: none of \(wanted)" + arrays.contents)
  }
}

/// Arrays by name.
protocol ArraySource {
  func has(_ name: String) -> Bool
  func stream(_ name: String) throws(DatasetError) -> any ByteStream
  /// What there is, for a message.
  var contents: String { get }
}

struct NPZSource: ArraySource {
  let archive: ZipArchive

  init(_ path: String) throws(DatasetError) { archive = try ZipArchive(path) }

  func has(_ name: String) -> Bool { archive[name + ".npy"] != nil }
  func stream(_ name: String) throws(DatasetError) -> any ByteStream {
    try archive.stream(archive[name + ".npy"]!)
  }
  var contents: String {
    "; it holds " + archive.entries.prefix(20).map(\.name).joined(separator: ", ")
  }
}

struct NPYFolder: ArraySource {
  let path: String
  func has(_ name: String) -> Bool { FileDescriptor.exists("\(path)/\(name).npy") }
  func stream(_ name: String) throws(DatasetError) -> any ByteStream {
    try PlainStream("\(path)/\(name).npy")
  }
  var contents: String { " (.npy)" }
}
