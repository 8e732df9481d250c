import CJPEG

/// Pixels of a JPEG file by libjpeg, grey ones as one channel, all others as three, as Pillow makes them.
/// The turn that a camera notes (EXIF) is not carried out.
enum JPEGFile {
  static let signature: [UInt8] = [0xFF, 0xD8, 0xFF]
  /// The most scans of a file. Each goes through all of the image, however few bytes it has ("Two Issues
  /// with the JPEG Standard", libjpeg-turbo); a usual progressive file has 6 or 10, and libjpeg's own
  /// programs write no more than 100.
  static let scanLimit = 100

  static func decode(_ file: [UInt8]) throws(ImageProblem) -> StoredImages {
    var size = JPEGSize()
    try ImageProblem.check { jpeg_reader_read(file, file.count, &size, 0, nil, $0) }
    try ImageProblem.check(width: Int(size.width), height: Int(size.height))
    guard size.scans <= scanLimit else {
      throw ImageProblem("it has \(size.scans) scans; the limit is \(scanLimit)")
    }
    let channels = size.components == 1 ? 1 : 3
    let shape = ImageShape(
      height: Int(size.height), width: Int(size.width), channels: channels)
    var pixels = [UInt8](repeating: 0, count: shape.count)
    try ImageProblem.check {
      jpeg_reader_read(file, file.count, &size, UInt32(channels), &pixels, $0)
    }
    return StoredImages(shape: shape, pixels: pixels)
  }
}
