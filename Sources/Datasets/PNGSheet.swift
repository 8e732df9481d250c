import CPNG

/// A sheet of labelled images as a grey PNG file.
public enum PNGSheet {
  /// Pixels of the sheet per pixel of an image.
  private static let zoom = 2
  private static let gap = 6
  private static let background: UInt8 = 48
  private static let ink: UInt8 = 224

  /// Draws images of a set in rows, each with the number of its class above it, and writes the
  /// file whole or not at all.
  public static func write(
    _ images: ImageSet, indices: some Collection<Int>, columns: Int, to path: String
  ) throws(FileError) {
    let sheet = draw(images, indices: Array(indices), columns: columns)
    try AtomicFile.write(encode(sheet.pixels, width: sheet.width, height: sheet.height), to: path)
  }

  /// Colour images are shown by the mean of their channels.
  static func draw(
    _ images: ImageSet, indices: [Int], columns: Int
  ) -> (pixels: [UInt8], width: Int, height: Int) {
    precondition(columns > 0 && !indices.isEmpty)
    let cell = (
      width: images.width * zoom + gap, height: images.height * zoom + DigitFont.height + 2 + gap
    )
    let columns = min(columns, indices.count)
    let rows = (indices.count + columns - 1) / columns
    let width = columns * cell.width + gap
    let height = rows * cell.height + gap
    var pixels = [UInt8](repeating: background, count: width * height)
    for (place, index) in indices.enumerated() {
      let left = gap + place % columns * cell.width
      let top = gap + place / columns * cell.height
      for (x, y) in DigitFont.points(of: Int(images.labels[index])) {
        pixels[(top + y) * width + left + x] = ink
      }
      let image = images.image(index)
      for y in 0..<images.height * zoom {
        for x in 0..<images.width * zoom {
          let first =
            image.startIndex + (y / zoom * images.width + x / zoom) * images.channels
          let sum = image[first..<first + images.channels].reduce(0) { $0 + Int($1) }
          pixels[(top + DigitFont.height + 2 + y) * width + left + x] =
            UInt8(sum / images.channels)
        }
      }
    }
    return (pixels, width, height)
  }

  /// The bytes of a PNG file of 8-bit grey pixels (H, W).
  static func encode(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
    precondition(pixels.count == width * height)
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    image.width = UInt32(width)
    image.height = UInt32(height)
    image.format = 0  // PNG_FORMAT_GRAY
    defer { png_image_free(&image) }
    // The first call finds the size, the second writes. Neither fails but for want of memory.
    var size = 0
    guard png_image_write_to_memory(&image, nil, &size, 0, pixels, Int32(width), nil) != 0 else {
      preconditionFailure("libpng cannot encode \(width) x \(height) grey pixels")
    }
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      let code = png_image_write_to_memory(
        &image, buffer.baseAddress, &size, 0, pixels, Int32(width), nil)
      precondition(code != 0, "libpng cannot encode \(width) x \(height) grey pixels")
      count = size
    }
  }
}

/// The ten digits in 5 x 7 points.
enum DigitFont {
  static let height = 7

  /// Each row's five points, the leftmost in the highest bit.
  private static let rows: [[UInt8]] = [
    [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
    [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    [0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b01000, 0b11111],
    [0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110],
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
    [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
    [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
  ]

  /// The points (x, y) that are set in a number's drawing.
  static func points(of number: Int) -> [(Int, Int)] {
    var points: [(Int, Int)] = []
    for (place, digit) in String(number).utf8.enumerated() {
      for (y, row) in rows[Int(digit - 48)].enumerated() {
        for x in 0..<5 where row & (0b10000 >> x) != 0 { points.append((place * 6 + x, y)) }
      }
    }
    return points
  }
}
