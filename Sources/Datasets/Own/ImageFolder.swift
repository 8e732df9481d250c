import Glibc

/// A folder with a folder per class, each holding PNG and JPEG files, told apart by their first bytes.
/// Classes and files come in the order of their names' bytes. Files with other endings than .png, .jpg
/// and .jpeg, and hidden ones, are no images.
enum ImageFolder {
  /// The names of the folders in a folder.
  static func classes(of path: String) throws(DatasetError) -> [String] {
    let found = try names(in: path)
    if let name = found.notUTF8.first {
      throw DatasetError(FileError(nameNotUTF8: name, in: path))
    }
    let names = found.names.filter { FileKind(of: "\(path)/\($0)") == .folder }
    guard !names.isEmpty else {
      throw DatasetError(
        .invalid, "\(path): there is no folder in it; each class has one, with its images")
    }
    return names
  }

  /// - Returns: the set, and what was left out of it: each file with the reason.
  static func read(
    _ path: String, classNames: [String], preparation: ImagePreparation, corrupt: CorruptImages,
    threads: Int
  ) throws(DatasetError) -> (set: ImageSet, skipped: [String]) {
    let shape = preparation.shape!
    let present = try classes(of: path)
    if let other = present.first(where: { !classNames.contains($0) }) {
      throw DatasetError(
        .invalid,
        "\(path): the folder \(other) is no class; those are \(classNames.joined(separator: ", "))")
    }
    var files: [String] = []
    var labels: [UInt8] = []
    // Files that a path of this program cannot name.
    var unnamed: [String] = []
    for (label, name) in classNames.enumerated() where present.contains(name) {
      let found = try names(in: "\(path)/\(name)")
      for file in found.names where isImage(file) {
        files.append("\(path)/\(name)/\(file)")
        labels.append(UInt8(label))
      }
      for file in found.notUTF8 where isImage(file) {
        unnamed.append("\(path)/\(name)/\(file): its name is not UTF-8; rename it")
      }
    }
    guard !files.isEmpty || !unnamed.isEmpty else {
      throw DatasetError(.invalid, "\(path): there is no PNG or JPEG file in its folders")
    }
    let (total, overflow) = files.count.multipliedReportingOverflow(by: shape.count)
    guard !overflow, total <= Limit.content, files.count <= Limit.images else {
      throw DatasetError(
        .invalid, "\(path): \(files.count) images of \(shape) are more than the limit of 4 GiB")
    }
    try checkMemory(ofImages: total)
    // Each place is written by one thread.
    var problems = [String?](repeating: nil, count: files.count)
    var pixels = [UInt8](repeating: 0, count: total)
    let paths = files
    problems.withUnsafeMutableBufferPointer { problems in
      pixels.withUnsafeMutableBufferPointer { pixels in
        let (told, made) = (
          SendablePointer(problems.baseAddress!), SendablePointer(pixels.baseAddress!)
        )
        forEachPart(of: paths.count, threads: threads) { range in
          for index in range {
            do throws(ImageProblem) {
              let image = try decode(paths[index])
              guard let image = preparation.prepare(image) else {
                throw ImageProblem(preparation.refusal(image.shape))
              }
              image.pixels.withUnsafeBufferPointer {
                (made.pointer + index * shape.count).update(
                  from: $0.baseAddress!, count: shape.count)
              }
            } catch {
              told.pointer[index] = "\(paths[index]): \(error.message)"
            }
          }
        }
      }
    }
    let skipped = unnamed + problems.compactMap { $0 }
    if let first = skipped.first {
      let others = skipped.count == 1 ? "" : "\n\(skipped.count - 1) more cannot be used"
      guard corrupt == .skip else {
        throw DatasetError(
          .damaged,
          "\(first)\(others)\nremove or repair such files, or give dataset.corrupt \"skip\" to leave "
            + "them out")
      }
      guard skipped.count < unnamed.count + files.count else {
        throw DatasetError(.damaged, "\(first)\(others); that leaves no image")
      }
      var kept = 0
      for index in files.indices where problems[index] == nil {
        if kept < index {
          for i in 0..<shape.count {
            pixels[kept * shape.count + i] = pixels[index * shape.count + i]
          }
          labels[kept] = labels[index]
        }
        kept += 1
      }
      pixels.removeLast((files.count - kept) * shape.count)
      labels.removeLast(files.count - kept)
    }
    let set = StoredImages(shape: shape, pixels: pixels)
      .set(labels: labels, classes: classNames.count)
    return (set, skipped)
  }

  /// The pixels of a PNG or JPEG file.
  static func decode(_ path: String) throws(ImageProblem) -> StoredImages {
    let bytes: [UInt8]
    do throws(FileError) {
      let file = try FileDescriptor.reading(path)
      let size = try file.size()
      guard size <= Limit.file else {
        throw FileError("read", path, code: EFBIG)
      }
      bytes = try file.read(size, at: 0)
    } catch {
      throw ImageProblem("\(error.reason)")
    }
    if bytes.starts(with: PNGFile.signature.prefix(4)) { return try PNGFile.decode(bytes) }
    if bytes.starts(with: JPEGFile.signature) { return try JPEGFile.decode(bytes) }
    throw ImageProblem(
      bytes.isEmpty ? "it is empty" : "it is neither PNG nor JPEG: its first bytes are neither's")
  }

  private static func isImage(_ name: String) -> Bool {
    let name = name.lowercased()
    return [".png", ".jpg", ".jpeg"].contains { name.hasSuffix($0) }
  }

  /// What is in a folder, but for what is hidden.
  private static func names(
    in path: String
  ) throws(DatasetError) -> (names: [String], notUTF8: [String]) {
    let all = try DatasetError.wrapping { () throws(FileError) in try FolderNames(of: path) }
    return (
      all.names.filter { !$0.hasPrefix(".") }, all.notUTF8.filter { !$0.hasPrefix(".") }
    )
  }
}
