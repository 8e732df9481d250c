import CPNG
import ConvNet

/// A sheet of labelled images as a PNG file, grey or in colour as they are.
public enum PNGSheet {
  /// Pixels of the sheet per pixel of an image.
  private static let zoom = 2
  private static let gap = 6
  private static let background: UInt8 = 48
  private static let ink: UInt8 = 224

  /// An image with what is written above it.
  public struct Cell: Sendable {
    /// A number, or two with a plus between them.
    public let label: String
    /// (H, W, C)
    public let pixels: [UInt8]

    public init(label: String, pixels: [UInt8]) {
      self.label = label
      self.pixels = pixels
    }
  }

  /// Draws images of a set in rows, each with the number of its class above it, and writes the
  /// file whole or not at all.
  public static func write(
    _ images: ImageSet, indices: some Collection<Int>, columns: Int, to path: String
  ) throws(FileError) {
    try write(cells(images, Array(indices)), of: images.shape, columns: columns, to: path)
  }

  /// The same of images of one shape.
  public static func write(
    _ cells: [Cell], of shape: Shape, columns: Int, to path: String
  ) throws(FileError) {
    let sheet = draw(cells, of: shape, columns: columns)
    try AtomicFile.write(
      encode(
        sheet.pixels, width: sheet.width, height: sheet.height, channels: sheet.channels),
      to: path)
  }

  static func draw(
    _ images: ImageSet, indices: [Int], columns: Int
  ) -> (pixels: [UInt8], width: Int, height: Int, channels: Int) {
    draw(cells(images, indices), of: images.shape, columns: columns)
  }

  private static func cells(_ images: ImageSet, _ indices: [Int]) -> [Cell] {
    indices.map {
      Cell(label: String(images.labels[$0]), pixels: Array(images.image($0)))
    }
  }

  /// The sheet's pixels (H, W, C).
  private static func draw(
    _ cells: [Cell], of shape: Shape, columns: Int
  ) -> (pixels: [UInt8], width: Int, height: Int, channels: Int) {
    precondition(columns > 0 && !cells.isEmpty)
    let (extent, channels) = (shape.extent, shape.channels)
    let cell = (
      width: extent.width * zoom + gap, height: extent.height * zoom + DigitFont.height + 2 + gap
    )
    let columns = min(columns, cells.count)
    let rows = (cells.count + columns - 1) / columns
    let width = columns * cell.width + gap
    let height = rows * cell.height + gap
    var pixels = [UInt8](repeating: background, count: width * height * channels)
    for (place, shown) in cells.enumerated() {
      let left = gap + place % columns * cell.width
      let top = gap + place / columns * cell.height
      for (x, y) in DigitFont.points(of: shown.label) where x < cell.width {
        let place = ((top + y) * width + left + x) * channels
        for c in 0..<channels { pixels[place + c] = ink }
      }
      for y in 0..<extent.height * zoom {
        for x in 0..<extent.width * zoom {
          let first = (y / zoom * extent.width + x / zoom) * channels
          let place = ((top + DigitFont.height + 2 + y) * width + left + x) * channels
          for c in 0..<channels { pixels[place + c] = shown.pixels[first + c] }
        }
      }
    }
    return (pixels, width, height, channels)
  }

  /// The bytes of a PNG file of 8-bit pixels (H, W, C), C being 1 for grey or 3 for colour.
  static func encode(_ pixels: [UInt8], width: Int, height: Int, channels: Int = 1) -> [UInt8] {
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

/// The ten digits and a plus in 5 x 7 points.
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

  private static let plus: [UInt8] = [0, 0b00100, 0b00100, 0b11111, 0b00100, 0b00100, 0]

  /// The points (x, y) that are set in a text's drawing: of digits, and pluses.
  static func points(of text: String) -> [(Int, Int)] {
    var points: [(Int, Int)] = []
    for (place, character) in text.utf8.enumerated() {
      let drawing = character == UInt8(ascii: "+") ? plus : rows[Int(character - 48)]
      for (y, row) in drawing.enumerated() {
        for x in 0..<5 where row & (0b10000 >> x) != 0 { points.append((place * 6 + x, y)) }
      }
    }
    return points
  }

  static func points(of number: Int) -> [(Int, Int)] { points(of: String(number)) }
}
