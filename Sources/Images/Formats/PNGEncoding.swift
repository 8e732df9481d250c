import CPNG

extension PNGFile {
  /// The bytes of a PNG file of 8-bit pixels (H, W, C), C being 1 for grey or 3 for colour.
  package static func encode(_ pixels: [UInt8], width: Int, height: Int, channels: Int = 1)
    -> [UInt8]
  {
    precondition(pixels.count == width * height * channels && [1, 3].contains(channels))
    func write(_ file: UnsafeMutablePointer<UInt8>?, _ size: inout Int) {
      do {
        try ImageProblem.check { message in
          png_writer_write(
            pixels, UInt32(height), UInt32(width), UInt32(channels), file, &size, message)
        }
      } catch {
        preconditionFailure("\(width) x \(height) x \(channels) pixels: \(error.message)")
      }
    }
    // The first call finds the size, the second writes. Neither fails but for want of memory.
    var size = 0
    write(nil, &size)
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      write(buffer.baseAddress, &size)
      count = size
    }
  }
}
