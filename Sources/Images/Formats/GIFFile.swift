import CGIF

/// Pixels of a GIF file's first picture by giflib, as Pillow makes them: one channel where its colours
/// are the greys of their numbers, else three; transparency dropped.
package enum GIFFile: ImageFormat {
  package static func begins(_ file: [UInt8]) -> Bool {
    file.starts(with: Array("GIF87a".utf8)) || file.starts(with: Array("GIF89a".utf8))
  }

  package static func header(_ file: [UInt8]) throws(ImageProblem) -> ImageHeader {
    var found = GIFHeader()
    try ImageProblem.check { gif_reader_read(file, file.count, &found, nil, 0, $0) }
    try ImageProblem.check(width: Int(found.width), height: Int(found.height))
    return ImageHeader(
      shape: ImageShape(
        height: Int(found.height), width: Int(found.width), channels: Int(found.channels)),
      isFirstOfSeveral: found.has_more != 0)
  }

  package static func pixels(_ file: [UInt8], _ header: ImageHeader) throws(ImageProblem) -> [UInt8]
  {
    var pixels = [UInt8](repeating: 0, count: header.shape.count)
    var found = GIFHeader()
    try ImageProblem.check {
      gif_reader_read(file, file.count, &found, &pixels, pixels.count, $0)
    }
    return pixels
  }
}
