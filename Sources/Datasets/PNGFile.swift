import CPNG
import CZlib

/// Pixels of a PNG file (PNG specification, third edition). The file's chunks are checked here, one
/// after another, so that a message can name the one that is wrong; libpng is given those that hold the
/// pixels, and nothing of their gamma, profiles or texts.
///
/// Transparency is dropped, palettes are looked up, and 16 bits become 8, as Pillow's `convert` does.
enum PNGFile {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  static func decode(_ file: [UInt8]) throws(ImageProblem) -> StoredImages {
    let (chunks, shape) = try essential(file)
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    guard png_image_begin_read_from_memory(&image, chunks, chunks.count) != 0 else {
      throw problem(of: &image)
    }
    // Bits of the format: 1 for an alpha channel, 2 for colour. Alpha is asked for where the file has
    // it, and dropped afterwards: libpng would blend it with a background.
    let hasAlpha = image.format & 1 != 0
    let channels = image.format & 2 != 0 ? 3 : 1
    image.format = (hasAlpha ? 1 : 0) | (channels == 3 ? 2 : 0)
    // As numbers, not as light: what a 16-bit file holds is not linear unless it says so.
    image.flags |= 4  // PNG_IMAGE_FLAG_16BIT_sRGB
    let stored = channels + (hasAlpha ? 1 : 0)
    let count = shape.height * shape.width
    var pixels = [UInt8](repeating: 0, count: count * stored)
    let code = png_image_finish_read(&image, nil, &pixels, Int32(shape.width * stored), nil)
    // A code of 1 is a warning.
    guard code != 0, image.warning_or_error & 2 == 0 else { throw problem(of: &image) }
    if hasAlpha {
      for i in 0..<count {
        for c in 0..<channels { pixels[i * channels + c] = pixels[i * stored + c] }
      }
      pixels.removeLast(count)
    }
    return StoredImages(
      shape: ImageShape(height: shape.height, width: shape.width, channels: channels),
      pixels: pixels)
  }

  private static func problem(of image: inout png_image) -> ImageProblem {
    let text = withUnsafeBytes(of: &image.message) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return ImageProblem("libpng says: \(text)")
  }

  /// The signature and the chunks IHDR, PLTE, IDAT and IEND; and the image's height and width, by which
  /// the limits are kept.
  private static func essential(
    _ file: [UInt8]
  ) throws(ImageProblem) -> ([UInt8], shape: (height: Int, width: Int)) {
    guard file.starts(with: signature) else { throw ImageProblem("it is not a PNG file") }
    var kept = signature
    var shape: (height: Int, width: Int)?
    var hasPixels = false
    var place = 8
    while true {
      guard place + 12 <= file.count else {
        throw ImageProblem(
          "it ends at byte \(file.count), before its end chunk (IEND); it is truncated")
      }
      let length = file.bigEndian(place)
      let kind = Array(file[place + 4..<place + 8])
      guard kind.allSatisfy({ Character(Unicode.Scalar($0)).isLetter && $0 < 128 }) else {
        throw ImageProblem("at byte \(place) no chunk begins: its name is 0x\(SHA256.hex(kind))")
      }
      let name = String(decoding: kind, as: UTF8.self)
      guard length <= file.count - place - 12 else {
        throw ImageProblem(
          "its chunk \(name) at byte \(place) claims \(length) bytes, but the file ends before; it is "
            + "truncated")
      }
      let end = place + 12 + length
      let checksum = file.withUnsafeBufferPointer {
        crc32_z(0, $0.baseAddress! + place + 4, length + 4)
      }
      guard UInt32(checksum) == UInt32(file.bigEndian(end - 4)) else {
        throw ImageProblem(
          "its chunk \(name) at byte \(place) does not fit its checksum (CRC)")
      }
      guard (name == "IHDR") == (place == 8) else {
        throw ImageProblem("its header chunk (IHDR) is not its first")
      }
      switch name {
      case "IHDR":
        guard length == 13 else {
          throw ImageProblem("its header chunk has \(length) bytes, not 13")
        }
        let (width, height) = (file.bigEndian(16), file.bigEndian(20))
        try ImageProblem.check(width: width, height: height)
        shape = (height, width)
        kept += file[place..<end]
      case "PLTE": kept += file[place..<end]
      case "IDAT":
        hasPixels = true
        kept += file[place..<end]
      case "IEND":
        guard let shape, hasPixels else { throw ImageProblem("it has no pixels (IDAT)") }
        return (kept + file[place..<end], shape)
      default:
        // A capital first letter is for chunks without which an image cannot be understood.
        guard kind[0] & 0x20 != 0 else {
          throw ImageProblem("its chunk \(name) at byte \(place) is critical, and not known")
        }
      }
      place = end
    }
  }
}

/// What is wrong with one image, without its file's name.
struct ImageProblem: Error, Hashable {
  let message: String
  init(_ message: String) { self.message = message }

  /// Refuses sizes beyond the limit, before anything of the size is allocated.
  static func check(width: Int, height: Int) throws(ImageProblem) {
    guard width > 0, height > 0 else { throw ImageProblem("it is \(width)x\(height), empty") }
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, count <= Limit.pixels else {
      throw ImageProblem(
        "it claims \(width)x\(height) pixels; the limit is \(Limit.pixels), as of 8192x8192")
    }
  }
}

extension [UInt8] {
  /// The number that four bytes from `offset` on are, the highest first.
  func bigEndian(_ offset: Int) -> Int {
    (0..<4).reduce(0) { $0 << 8 | Int(self[offset + $1]) }
  }
}
