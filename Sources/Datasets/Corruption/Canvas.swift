import Elements

/// One image that is drawn upon and filtered; what `Corruption` works on. In Double, as NumPy, SciPy and
/// scikit-image compute.
struct Canvas {
  let height: Int, width: Int, channels: Int
  /// (H, W, C), nominally in [0, 1].
  var values: [Double]

  init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
    values = [Double](repeating: 0, count: height * width * channels)
  }

  /// A pixel of an image of 28.
  var unit: Double { Double(min(height, width)) / 28 }

  mutating func load(_ bytes: [UInt8]) {
    for i in values.indices { values[i] = Double(bytes[i]) / 255 }
  }

  /// Writes H·W·C bytes. Halves go to the even byte, as numpy.round sends them; and what is a half but
  /// for its last bits, as every pixel made lighter by 0.5 is, is one in Float.
  func store(to bytes: UnsafeMutablePointer<UInt8>) {
    for i in values.indices {
      let value = Float(min(max(values[i], 0), 1) * 255)
      bytes[i] = UInt8(value.rounded(.toNearestOrEven))
    }
  }

  mutating func change(_ body: (Double) -> Double) {
    for i in values.indices { values[i] = body(values[i]) }
  }

  /// Changes all channels of a pixel by what belongs to it, (H, W).
  mutating func combine(with other: [Double], _ body: (Double, Double) -> Double) {
    for (pixel, value) in other.enumerated() {
      for i in pixel * channels..<(pixel + 1) * channels { values[i] = body(values[i], value) }
    }
  }

  /// Ones where it is said, (H, W), and zeros.
  mutating func fill(_ isSet: [Bool]) {
    for i in values.indices { values[i] = isSet[i / channels] ? 1 : 0 }
  }

  /// v ← 1 − v in the first and the last quarter of the columns.
  mutating func invertSides() {
    let row = width * channels
    let (left, right) = (width / 4 * channels, 3 * width / 4 * channels)
    for i in values.indices where i % row < left || i % row >= right { values[i] = 1 - values[i] }
  }

  /// Resampled by bilinear weights, zeros outside.
  mutating func map(_ map: PlaneMap) {
    let resampler = Resampler(height: height, width: width, channels: channels)
    var pixels = values.map { Float($0) }
    pixels.withUnsafeMutableBufferPointer {
      resampler.load(UnsafePointer($0.baseAddress!))
      resampler.resample(map, displaced: false, into: $0.baseAddress!)
    }
    values = pixels.map { Double($0) }
  }

  enum Axis { case rows, columns }

  /// What lies outside the image.
  enum Outside {
    /// What the nearest pixel is.
    case nearest
    case zero
  }

  /// Smoothed along both axes.
  mutating func blur(sigma: Double, outside: Outside = .nearest) {
    blur(sigma: sigma, along: .columns, outside: outside)
    blur(sigma: sigma, along: .rows, outside: outside)
  }

  /// Smoothed along an axis by a Gaussian cut at four deviations; terms are added in the order of
  /// scipy.ndimage.gaussian_filter.
  mutating func blur(sigma: Double, along axis: Axis, outside: Outside = .nearest) {
    let reach = Int(4 * sigma + 0.5)
    var weights = (0...reach).map { Elementary.exp(-0.5 / (sigma * sigma) * Double($0 * $0)) }
    let sum = weights[0] + 2 * weights.dropFirst().reversed().reduce(0, +)
    for k in weights.indices { weights[k] /= sum }
    let row = width * channels
    let (count, step) = axis == .columns ? (height, row) : (width, channels)
    let firsts =
      axis == .columns
      ? Array(0..<row) : (0..<height).flatMap { y in (0..<channels).map { y * row + $0 } }
    // One line of the image, with what lies outside before and after it.
    var line = [Double](repeating: 0, count: reach + count + reach)
    for first in firsts {
      for i in 0..<count { line[reach + i] = values[first + i * step] }
      if outside == .nearest {
        for i in 0..<reach {
          line[i] = line[reach]
          line[reach + count + i] = line[reach + count - 1]
        }
      }
      for i in 0..<count {
        let centre = reach + i
        var total = line[centre] * weights[0]
        for k in (0..<reach).reversed() {
          total += (line[centre - k - 1] + line[centre + k + 1]) * weights[k + 1]
        }
        values[first + i * step] = total
      }
    }
  }
}
