import CJPEG

/// Pixels of a JPEG file by libjpeg, grey ones as one channel, all others as three. The turn that a
/// camera notes (EXIF) is not carried out.
enum JPEGFile {
  static let signature: [UInt8] = [0xFF, 0xD8, 0xFF]

  static func decode(_ file: [UInt8]) throws(ImageProblem) -> StoredImages {
    var size = JPEGSize()
    var message = [CChar](repeating: 0, count: 201)
    guard jpeg_reader_read(file, file.count, &size, 0, nil, &message) != 0 else {
      throw problem(message)
    }
    try ImageProblem.check(width: Int(size.width), height: Int(size.height))
    let channels = size.components == 1 ? 1 : 3
    let shape = ImageShape(
      height: Int(size.height), width: Int(size.width), channels: channels)
    var pixels = [UInt8](repeating: 0, count: shape.count)
    guard
      jpeg_reader_read(file, file.count, &size, UInt32(channels), &pixels, &message) != 0
    else {
      throw problem(message)
    }
    return StoredImages(shape: shape, pixels: pixels)
  }

  private static func problem(_ message: [CChar]) -> ImageProblem {
    let text = message.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    return ImageProblem("libjpeg says: \(text)")
  }
}
