import CJPEG

/// Pixels of a JPEG file by libjpeg, grey ones as one channel, all others as three, as Pillow makes them.
package enum JPEGFile: ImageFormat {
  package static let signature: [UInt8] = [0xFF, 0xD8, 0xFF]
  /// The most scans of a file. Each goes through all of the image, however few bytes it has ("Two Issues
  /// with the JPEG Standard", libjpeg-turbo); a usual progressive file has 6 or 10, and libjpeg's own
  /// programs write no more than 100.
  package static let scanLimit = 100

  package static func begins(_ file: [UInt8]) -> Bool { file.starts(with: signature) }

  package static func header(_ file: [UInt8]) throws(ImageProblem) -> ImageHeader {
    var size = JPEGSize()
    try ImageProblem.check { jpeg_reader_read(file, file.count, &size, 0, nil, $0) }
    try ImageProblem.check(width: Int(size.width), height: Int(size.height))
    guard size.scans <= scanLimit else {
      throw ImageProblem("it has \(size.scans) scans; the limit is \(scanLimit)")
    }
    return ImageHeader(
      shape: ImageShape(
        height: Int(size.height), width: Int(size.width), channels: size.components == 1 ? 1 : 3),
      orientation: orientation(file))
  }

  package static func pixels(_ file: [UInt8], _ header: ImageHeader) throws(ImageProblem) -> [UInt8]
  {
    var size = JPEGSize()
    var pixels = [UInt8](repeating: 0, count: header.shape.count)
    try ImageProblem.check {
      jpeg_reader_read(file, file.count, &size, UInt32(header.shape.channels), &pixels, $0)
    }
    return pixels
  }

  /// What the first segment APP1 with EXIF data says, between those before the first scan (ITU T.81,
  /// B.1).
  private static func orientation(_ file: [UInt8]) -> Orientation {
    var place = 2
    while place + 4 <= file.count, file[place] == 0xFF {
      let code = file[place + 1]
      // A marker may be filled up from the left.
      if code == 0xFF {
        place += 1
        continue
      }
      let end = place + 2 + (Int(file[place + 2]) << 8 | Int(file[place + 3]))
      guard code != 0xDA, code != 0xD9, end <= file.count, end >= place + 4 else { break }
      let content = file[place + 4..<end]
      if code == 0xE1, content.starts(with: Array("Exif\0\0".utf8)) {
        return Orientation(exif: content)
      }
      place = end
    }
    return .upright
  }
}
