import CWebP

/// Pixels of a WebP file by libwebp: red, green and blue, as Pillow opens them, transparency dropped.
/// Of an animation the first picture.
package enum WebPFile: ImageFormat {
  /// `RIFF`, a size, `WEBP`.
  package static func begins(_ file: [UInt8]) -> Bool {
    file.starts(with: Array("RIFF".utf8)) && file.dropFirst(8).starts(with: Array("WEBP".utf8))
  }

  package static func header(_ file: [UInt8]) throws(ImageProblem) -> ImageHeader {
    var found = WebPHeader()
    try ImageProblem.check { webp_reader_read(file, file.count, &found, nil, 0, $0) }
    try ImageProblem.check(width: Int(found.width), height: Int(found.height))
    let exif = file[found.exif_offset..<found.exif_offset + found.exif_size]
    return ImageHeader(
      shape: ImageShape(height: Int(found.height), width: Int(found.width), channels: 3),
      orientation: Orientation(exif: exif), isFirstOfSeveral: found.frames > 1)
  }

  package static func pixels(_ file: [UInt8], _ header: ImageHeader) throws(ImageProblem) -> [UInt8]
  {
    var pixels = [UInt8](repeating: 0, count: header.shape.count)
    var found = WebPHeader()
    try ImageProblem.check {
      webp_reader_read(file, file.count, &found, &pixels, pixels.count, $0)
    }
    return pixels
  }
}
