import Elements
import Storage

/// Arrays by name in one file, as NumPy's `savez` writes and `load` reads them: a ZIP archive of NPY files.
package struct NPZFile {
  private var archive = ZipWriter()

  package init() {}

  package mutating func add(_ name: String, _ values: [Float], shape: [Int]) {
    values.withUnsafeBytes { add(name, "<f4", Array($0), shape: shape) }
  }

  package mutating func add(_ name: String, _ values: [UInt8], shape: [Int]) {
    add(name, "|u1", values, shape: shape)
  }

  /// - Parameter classes: how many there are; up to 256 take a byte each.
  package mutating func add(_ name: String, _ labels: Labels, ofClasses classes: Int) {
    add(
      name, classes <= 256 ? "|u1" : "<u2", labels.bytes(ofClasses: classes), shape: [labels.count])
  }

  package var bytes: [UInt8] { archive.bytes }

  /// NPY 1.0: a Python dictionary, filled up so that the numbers begin at a multiple of 64.
  private mutating func add(_ name: String, _ type: String, _ values: [UInt8], shape: [Int]) {
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }".utf8)
    while (10 + header.count + 1) % 64 != 0 { header.append(UInt8(ascii: " ")) }
    header.append(UInt8(ascii: "\n"))
    let length = [UInt8(header.count & 255), UInt8(header.count >> 8)]
    archive.add(
      "\(name).npy", [0x93] + Array("NUMPY".utf8) + [1, 0] + length + header + values)
  }

  /// The arrays of floats in a file's bytes, by name; their last index runs fastest.
  /// - Throws: `DatasetError` for what is damaged, or of another type.
  package static func floats(
    in bytes: [UInt8]
  ) throws(DatasetError) -> [String: (values: [Float], shape: [Int])] {
    try ZipArchive.reading(bytes) { archive throws(DatasetError) in try floats(in: archive) }
  }

  private static func floats(
    in archive: ZipArchive
  ) throws(DatasetError) -> [String: (values: [Float], shape: [Int])] {
    var arrays: [String: (values: [Float], shape: [Int])] = [:]
    for entry in archive.entries {
      let stream = try archive.stream(entry)
      let header = try NPYHeader(stream)
      guard header.element == NPYHeader.Element(kind: "f", size: 4, isBigEndian: false),
        !header.isFortran
      else {
        throw DatasetError(.damaged, "\(stream.path): it holds \(header.described), not floats")
      }
      let elements = try NPYElements(stream, header, "numbers")
      let values = [Float](unsafeUninitializedCapacity: header.count) { buffer, count in
        elements.bytes.withUnsafeBytes {
          UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0)
        }
        count = header.count
      }
      let name = entry.name.hasSuffix(".npy") ? String(entry.name.dropLast(4)) : entry.name
      guard arrays.updateValue((values, header.shape), forKey: name) == nil else {
        throw DatasetError(.damaged, "\(archive.path): it holds \(name) twice")
      }
    }
    return arrays
  }
}
