import Glibc

/// The names in a folder, without `.` and `..`, in the order of their bytes.
///
/// A name is any bytes on Linux, a path of this program UTF-8: names that aren't are kept apart, to be
/// told of.
package struct FolderNames: Sendable {
  package private(set) var names: [String] = []
  /// Names that aren't UTF-8, their other bytes as `\xE9`.
  package private(set) var notUTF8: [String] = []

  package init(of folder: String) throws(FileError) {
    guard !folder.utf8.contains(0) else { throw FileError(holdingNUL: folder, "list") }
    guard let directory = opendir(folder) else { throw FileError("list", folder, code: errno) }
    defer { closedir(directory) }
    while true {
      errno = 0
      guard let entry = readdir(directory) else {
        if errno != 0 { throw FileError("list", folder, code: errno) }
        break
      }
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if bytes == [UInt8(ascii: ".")] || bytes == Array("..".utf8) { continue }
      if let name = String(validating: bytes, as: UTF8.self) {
        names.append(name)
      } else {
        notUTF8.append(escaped(bytes))
      }
    }
    names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    notUTF8.sort()
  }
}

/// Text with the bytes that aren't UTF-8 written as `\xE9`.
package func escaped(_ bytes: [UInt8]) -> String {
  var text = ""
  var rest = bytes[...]
  while let first = rest.first {
    // A scalar has four bytes at most.
    let scalar = (1...4).lazy.compactMap { count in
      rest.count < count ? nil : String(validating: rest.prefix(count), as: UTF8.self)
    }.first
    if let scalar {
      text += scalar
      rest = rest.dropFirst(scalar.utf8.count)
    } else {
      let digits = String(first, radix: 16, uppercase: true)
      text += "\\x" + (digits.count == 1 ? "0" : "") + digits
      rest = rest.dropFirst()
    }
  }
  return text
}
