import CPNG
import CZlib
import Storage

/// Pixels of a PNG file (PNG specification, third edition). The file's chunks are checked here, one
/// after another, so that a message can name the one that is wrong; libpng decodes them.
///
/// What they become is what Pillow makes of them: one channel where the file is grey, else three;
/// palettes looked up, bits spread over 0 to 255, transparency dropped, gamma and profiles left alone.
/// Of 16 bits the high byte is taken, as Pillow opens colours. A grey file of 16 bits it opens as
/// numbers, which it cuts off at 255 unless told how to make bytes of them: what is read here is its
/// `image.point(lambda v: v / 256).convert("L")`.
package enum PNGFile: ImageFormat {
  package static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// By half of the signature: the rest is damaged where text is sent as text.
  package static func begins(_ file: [UInt8]) -> Bool { file.starts(with: signature.prefix(4)) }

  package static func pixels(_ file: [UInt8], _ header: ImageHeader) throws(ImageProblem) -> [UInt8]
  {
    var pixels = [UInt8](repeating: 0, count: header.shape.count)
    try ImageProblem.check { message in
      png_reader_read(file, file.count, &pixels, pixels.count, message)
    }
    return pixels
  }

  /// Checks the file's chunks.
  package static func header(_ file: [UInt8]) throws(ImageProblem) -> ImageHeader {
    guard file.starts(with: signature) else { throw ImageProblem("it is not a PNG file") }
    var header: ImageHeader?
    /// Where the pixels' chunks end.
    var pixelsEnd: Int?
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
        // The colour type's second bit is for colours, palettes among them.
        header = ImageHeader(
          shape: ImageShape(height: height, width: width, channels: file[25] & 2 != 0 ? 3 : 1))
      case "PLTE": break
      case "eXIf": header?.orientation = Orientation(exif: file[place + 8..<place + 8 + length])
      case "acTL": header?.isFirstOfSeveral = true
      case "IDAT":
        guard pixelsEnd == nil || pixelsEnd == place else {
          throw ImageProblem(
            "its pixels (IDAT) end at byte \(pixelsEnd!), and go on at byte \(place) after other chunks"
          )
        }
        pixelsEnd = end
      case "IEND":
        guard let header, pixelsEnd != nil else { throw ImageProblem("it has no pixels (IDAT)") }
        return header
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

extension [UInt8] {
  /// The number that four bytes from `offset` on are, the highest first.
  func bigEndian(_ offset: Int) -> Int {
    (0..<4).reduce(0) { $0 << 8 | Int(self[offset + $1]) }
  }
}
