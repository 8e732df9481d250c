import Storage

/// Figures of one image that a person can read: how much ink it has, where, how wide, how slanted.
///
/// v is a pixel's value in [0, 1], of three channels their mean; the ink is what is bright. Rows are
/// counted downwards.
public struct ImageFigures: Hashable, Sendable {
  /// The mean of v.
  public var ink: Float
  /// The columns, and the rows, between the outermost pixels with v > ½, as a part of the image's.
  public var width: Float
  public var height: Float
  /// −μ_xy / μ_yy of the second moments of v about its centre: how far the top leans to the right, in
  /// pixels for each pixel of height. A slash has more than 0, a backslash less.
  public var slant: Float
  /// 2 Σv / Σ|∇v| in pixels: a stroke of width w and length l covers w·l and has an outline of 2·l.
  public var stroke: Float
  /// Σ v·x / Σv, of the width, and likewise of the height, from above; ½ of an image without ink.
  public var x: Float
  public var y: Float

  public init(
    ink: Float, width: Float, height: Float, slant: Float, stroke: Float, x: Float, y: Float
  ) {
    self.ink = ink
    self.width = width
    self.height = height
    self.slant = slant
    self.stroke = stroke
    self.x = x
    self.y = y
  }

  /// - Parameter pixels: (H, W, C), as a model sees them before they are normalised.
  public init(_ pixels: ArraySlice<UInt8>, shape: ImageShape) {
    precondition(pixels.count == shape.count)
    self = pixels.withUnsafeBufferPointer { Self($0.baseAddress!, shape) }
  }

  public init(_ pixels: [UInt8], shape: ImageShape) { self.init(pixels[...], shape: shape) }

  /// Whole numbers as far as they go, so that no order of a sum matters.
  private init(_ pixels: UnsafePointer<UInt8>, _ shape: ImageShape) {
    let (height, width, channels) = (shape.height, shape.width, shape.channels)
    // A pixel's value is a whole number of parts of `white`.
    let white = 255 * channels
    func value(_ row: Int, _ column: Int) -> Int {
      let first = pixels + (row * width + column) * channels
      var sum = Int(first[0])
      for channel in 1..<max(1, channels) { sum += Int(first[channel]) }
      return sum
    }
    var (sum, sumX, sumY) = (0, 0, 0)
    var (rows, columns) = (Int.max...Int.max, Int.max...Int.max)
    var outline = 0.0
    for row in 0..<height {
      for column in 0..<width {
        let v = value(row, column)
        sum += v
        sumX += v * column
        sumY += v * row
        if 2 * v > white {
          rows = rows.lowerBound == .max ? row...row : rows.lowerBound...row
          columns =
            columns.lowerBound == .max
            ? column...column
            : min(columns.lowerBound, column)...max(columns.upperBound, column)
        }
        let right = column + 1 < width ? value(row, column + 1) - v : 0
        let below = row + 1 < height ? value(row + 1, column) - v : 0
        if right != 0 || below != 0 {
          outline += Double(right * right + below * below).squareRoot()
        }
      }
    }
    guard sum > 0 else {
      self.init(ink: 0, width: 0, height: 0, slant: 0, stroke: 0, x: 0.5, y: 0.5)
      return
    }
    let total = Double(sum)
    let (centreX, centreY) = (Double(sumX) / total, Double(sumY) / total)
    var (xy, yy) = (0.0, 0.0)
    for row in 0..<height {
      let dy = Double(row) - centreY
      for column in 0..<width {
        let v = Double(value(row, column))
        xy += v * (Double(column) - centreX) * dy
        yy += v * dy * dy
      }
    }
    self.init(
      ink: Float(total / Double(white * height * width)),
      width: columns.lowerBound == .max ? 0 : Float(columns.count) / Float(width),
      height: rows.lowerBound == .max ? 0 : Float(rows.count) / Float(height),
      slant: yy > 0 ? Float(-xy / yy) : 0,
      stroke: outline > 0 ? Float(2 * total / outline) : Float(min(height, width)),
      x: Float((centreX + 0.5) / Double(width)), y: Float((centreY + 0.5) / Double(height)))
  }

  /// What the figures are called, in their order.
  public static let names = ["ink", "width", "height", "slant", "stroke", "x", "y"]

  public var values: [Float] { [ink, width, height, slant, stroke, x, y] }

  /// - Precondition: there are as many values as names.
  public init(values: [Float]) {
    precondition(values.count == Self.names.count)
    self.init(
      ink: values[0], width: values[1], height: values[2], slant: values[3], stroke: values[4],
      x: values[5], y: values[6])
  }

  /// Nil where one is missing or no finite number.
  package init?(_ json: JSONValue?) {
    let values = Self.names.compactMap { json?[$0]?.number?.float }
    guard values.count == Self.names.count, values.allSatisfy(\.isFinite) else { return nil }
    self.init(values: values)
  }

  package var json: JSONValue {
    var object = JSONObject()
    for (name, value) in zip(Self.names, values) { object[name] = JSONValue(value) }
    return .object(object)
  }
}
