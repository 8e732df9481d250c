import CWebP

/// Pixels of a WebP file by libwebp: red, green and blue, as Pillow opens them, transparency dropped.
/// Of an animation the first picture.
enum WebPFile: ImageFormat {
  /// `RIFF`, a size, `WEBP`.
  static func begins(_ file: [UInt8]) -> Bool {
    file.starts(with: Array("RIFF".utf8)) && file.dropFirst(8).starts(with: Array("WEBP".utf8))
  }

  static func header(_ file: [UInt8]) throws(ImageProblem) -> ImageHeader {
    var found = WebPHeader()
    try ImageProblem.check { webp_reader_read(file, file.count, &found, nil, 0, $0) }
    try ImageProblem.check(width: Int(found.width), height: Int(found.height))
    let exif = file[found.exif_offset..<found.exif_offset + found.exif_size]
    return ImageHeader(
      shape: ImageShape(height: Int(found.height), width: Int(found.width), channels: 3),
      orientation: Orientation(exif: exif), isFirstOfSeveral: found.frames > 1)
  }

  static func pixels(_ file: [UInt8], _ header: ImageHeader) throws(ImageProblem) -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: header.shape.count)
    var found = WebPHeader()
    try ImageProblem.check {
      webp_reader_read(file, file.count, &found, &pixels, pixels.count, $0)
    }
    return pixels
  }
}
