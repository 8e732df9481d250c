import Elements
import Images
import Storage

/// A sheet of labelled images as a PNG file, grey or in colour as they are.
public enum PNGSheet {
  private static let gap = 6
  private static let lineHeight = BitmapFont.height + 1
  /// Lines below an image are cut where they are longer than so many letters.
  private static let longestLine = 24

  /// Pixels of the sheet per pixel of an image: 2, and as many as make a small image a hundred wide where
  /// there is text below it.
  private static func zoom(of extent: Extent, hasText: Bool) -> Int {
    hasText ? max(1, 112 / max(extent.width, extent.height)) : 2
  }
  private static let background: UInt8 = 48
  private static let ink: UInt8 = 224

  /// An image with what is written above and below it.
  public struct Cell: Sendable {
    /// A line above it; none where nil.
    public let label: String?
    /// Lines below it.
    public let below: [String]
    /// (H, W, C)
    public let pixels: [UInt8]

    public init(label: String, pixels: [UInt8]) {
      self.label = label
      below = []
      self.pixels = pixels
    }

    public init(below: [String], pixels: [UInt8]) {
      label = nil
      self.below = below
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
      PNGFile.encode(
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
    let zoom = zoom(of: extent, hasText: cells.contains { !$0.below.isEmpty })
    let above = cells.contains { $0.label != nil } ? lineHeight : 0
    let below = (cells.map(\.below.count).max() ?? 0) * lineHeight
    let longest = cells.flatMap(\.below).map(\.count).max() ?? 0
    let textWidth = min(longest, longestLine) * BitmapFont.width
    let cell = (
      width: max(extent.width * zoom, textWidth) + gap,
      height: above + extent.height * zoom + (below == 0 ? 0 : below + 2) + gap
    )
    let columns = min(columns, cells.count)
    let rows = (cells.count + columns - 1) / columns
    let width = columns * cell.width + gap
    let height = rows * cell.height + gap
    var pixels = [UInt8](repeating: background, count: width * height * channels)
    func write(_ text: String, left: Int, top: Int) {
      for (x, y) in BitmapFont.points(of: text) where x < cell.width - gap {
        let place = ((top + y) * width + left + x) * channels
        for c in 0..<channels { pixels[place + c] = ink }
      }
    }
    for (place, shown) in cells.enumerated() {
      let left = gap + place % columns * cell.width
      let top = gap + place / columns * cell.height
      if let label = shown.label { write(label, left: left, top: top) }
      for (line, text) in shown.below.enumerated() {
        let shortened =
          text.count > longestLine ? text.prefix(longestLine - 1) + "…" : text.prefix(longestLine)
        write(
          String(shortened), left: left,
          top: top + above + extent.height * zoom + 2 + line * lineHeight)
      }
      for y in 0..<extent.height * zoom {
        for x in 0..<extent.width * zoom {
          let first = (y / zoom * extent.width + x / zoom) * channels
          let place = ((top + above + y) * width + left + x) * channels
          for c in 0..<channels { pixels[place + c] = shown.pixels[first + c] }
        }
      }
    }
    return (pixels, width, height, channels)
  }
}
