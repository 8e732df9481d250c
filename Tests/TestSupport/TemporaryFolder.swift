import Foundation

/// A folder of its own for one test, removed with its owner.
package final class TemporaryFolder {
  package let url: URL
  package var path: String { url.path }

  package init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "runner-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file, and makes the folders above it. Returns its path.
  @discardableResult
  package func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    return file.path
  }

  package var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? []
  }

  package func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: url.appending(path: name))
  }

  package func data(_ name: String) throws -> Data {
    try Data(contentsOf: url.appending(path: name))
  }

  package func text(_ name: String) throws -> String {
    String(decoding: try data(name), as: UTF8.self)
  }

  package func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: url.appending(path: name).path)
  }

  /// The lengths of all files in a folder and the folders in it.
  package func bytes(under name: String) throws -> Int {
    let folder = url.appending(path: name)
    return try FileManager.default.subpathsOfDirectory(atPath: folder.path).reduce(0) {
      let values = try folder.appending(path: $1).resourceValues(forKeys: [.fileSizeKey])
      return $0 + (values.fileSize ?? 0)
    }
  }
}
