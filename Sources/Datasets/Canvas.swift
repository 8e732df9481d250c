import ConvNet

/// One image of floats that is drawn upon and filtered; what `Corruption` is made of.
struct Canvas {
  let height: Int, width: Int, channels: Int
  /// (H, W, C), nominally in [0, 1].
  var values: [Float]

  init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
    values = [Float](repeating: 0, count: height * width * channels)
  }

  /// A pixel of an image of 28.
  var unit: Float { Float(min(height, width)) / 28 }

  mutating func load(_ bytes: [UInt8]) {
    for i in values.indices { values[i] = Float(bytes[i]) * (1 / 255) }
  }

  mutating func change(_ body: (Float) -> Float) {
    for i in values.indices { values[i] = body(values[i]) }
  }

  private func index(_ y: Int, _ x: Int) -> Int { (y * width + x) * channels }

  /// Resampled by bilinear weights, zeros outside.
  mutating func map(_ map: PlaneMap) {
    let resampler = Resampler(height: height, width: width, channels: channels)
    values.withUnsafeBufferPointer { resampler.load($0.baseAddress!) }
    values.withUnsafeMutableBufferPointer {
      resampler.resample(map, displaced: false, into: $0.baseAddress!)
    }
  }

  /// Smoothed by a Gaussian cut at four deviations; what is outside is as the nearest pixel.
  mutating func blur(sigma: Float) {
    let reach = Int(4 * sigma + 0.5)
    var weights = (-reach...reach).map { Elementary.exp(-0.5 * Float($0 * $0) / (sigma * sigma)) }
    let sum = weights.reduce(0, +)
    for i in weights.indices { weights[i] /= sum }
    func smoothed(_ source: [Float], dy: Int, dx: Int) -> [Float] {
      var result = source
      for y in 0..<height {
        for x in 0..<width {
          for c in 0..<channels {
            var total: Float = 0
            for (k, weight) in weights.enumerated() {
              let row = min(max(y + (k - reach) * dy, 0), height - 1)
              let column = min(max(x + (k - reach) * dx, 0), width - 1)
              total += weight * source[index(row, column) + c]
            }
            result[index(y, x) + c] = total
          }
        }
      }
      return result
    }
    values = smoothed(smoothed(values, dy: 1, dx: 0), dy: 0, dx: 1)
  }

  /// Each pixel, from the last to the first, exchanged with one up to `reach` rows and columns away.
  mutating func exchange(reach: Int, _ random: inout RandomStream) {
    guard height > 2 * reach, width > 2 * reach else { return }
    let span = UInt32(2 * reach + 1)
    for y in (reach..<height - reach).reversed() {
      for x in (reach..<width - reach).reversed() {
        let row = y + Int(random.below(span)) - reach
        let column = x + Int(random.below(span)) - reach
        for c in 0..<channels { values.swapAt(index(y, x) + c, index(row, column) + c) }
      }
    }
  }

  /// The mean along a line about each pixel, a sample for each pixel of its length.
  mutating func streak(length: Float, angle: Float) {
    let (sin, cos) = Elementary.sincos(angle)
    let half = max(1, Int(length / 2))
    let resampler = Resampler(height: height, width: width, channels: channels)
    values.withUnsafeBufferPointer { resampler.load($0.baseAddress!) }
    var sum = [Float](repeating: 0, count: values.count)
    for k in -half...half {
      values.withUnsafeMutableBufferPointer {
        resampler.resample(
          .shift(rows: Float(k) * sin, columns: Float(k) * cos), displaced: false,
          into: $0.baseAddress!)
      }
      for i in sum.indices { sum[i] += values[i] }
    }
    let count = Float(2 * half + 1)
    values = sum.map { $0 / count }
  }

  mutating func invert(from first: Int, width count: Int) {
    for y in 0..<height {
      for x in first..<min(width, first + count) {
        for c in 0..<channels { values[index(y, x) + c] = 1 - values[index(y, x) + c] }
      }
    }
  }

  /// v ← (1 − share)·v + share·other, (H, W).
  mutating func blend(_ other: [Float], _ share: Float) {
    for pixel in other.indices {
      for c in 0..<channels {
        let i = pixel * channels + c
        values[i] = (1 - share) * values[i] + share * other[pixel]
      }
    }
  }

  /// (H, W): the mean of uniform noise on grids of 2, 3, 5, 9 and 17 knots a side, each finer one with
  /// half the weight, blended bilinearly between its knots.
  func cloud(_ random: inout RandomStream) -> [Float] {
    var cloud = [Float](repeating: 0, count: height * width)
    var weight: Float = 16.0 / 31
    for cells in [1, 2, 4, 8, 16] {
      let knots = (0..<(cells + 1) * (cells + 1)).map { _ in random.uniform() }
      for y in 0..<height {
        let r = Float(y * cells) / Float(max(1, height - 1))
        let top = min(Int(r), cells - 1)
        for x in 0..<width {
          let s = Float(x * cells) / Float(max(1, width - 1))
          let left = min(Int(s), cells - 1)
          let first = top * (cells + 1) + left
          let (down, right) = (r - Float(top), s - Float(left))
          let above = knots[first] + right * (knots[first + 1] - knots[first])
          let next = first + cells + 1
          let below = knots[next] + right * (knots[next + 1] - knots[next])
          cloud[y * width + x] += weight * (above + down * (below - above))
        }
      }
      weight /= 2
    }
    return cloud
  }

  /// Ones where smoothed noise is highest, on that share of the pixels.
  mutating func spatter(share: Float, _ random: inout RandomStream) {
    var noise = Canvas(height: height, width: width, channels: 1)
    noise.change { _ in random.uniform() }
    noise.blur(sigma: 1.2 * unit)
    let sorted = noise.values.sorted()
    let least = sorted[min(sorted.count - 1, Int((1 - share) * Float(sorted.count)))]
    for (pixel, value) in noise.values.enumerated() where value >= least {
      for c in 0..<channels { values[pixel * channels + c] = 1 }
    }
  }

  // MARK: - Lines

  private struct Point {
    let y: Float, x: Float
  }

  /// A point on the left or upper side, and one on the side across.
  private func ends(_ random: inout RandomStream) -> (Point, Point) {
    let (bottom, right) = (Float(height - 1), Float(width - 1))
    let (a, b) = (random.uniform(), random.uniform())
    if random.next() & 1 == 0 {
      return (Point(y: a * bottom, x: 0), Point(y: b * bottom, x: right))
    }
    return (Point(y: 0, x: a * right), Point(y: bottom, x: b * right))
  }

  private mutating func dot(_ point: Point) {
    let (y, x) = (Int(point.y.rounded()), Int(point.x.rounded()))
    let thickness = max(1, Int(unit.rounded()))
    for row in y..<y + thickness where (0..<height).contains(row) {
      for column in x..<x + thickness where (0..<width).contains(column) {
        for c in 0..<channels { values[index(row, column) + c] = 1 }
      }
    }
  }

  private static func between(_ a: Point, _ b: Point, _ t: Float) -> Point {
    Point(y: a.y + t * (b.y - a.y), x: a.x + t * (b.x - a.x))
  }

  /// A dot on every third pixel.
  mutating func dottedLine(_ random: inout RandomStream) {
    let (a, b) = ends(&random)
    let count = max(1, Int(Float(max(height, width)) / (3 * max(1, unit))))
    for i in 0...count { dot(Self.between(a, b, Float(i) / Float(count))) }
  }

  /// Eight strokes, to either side of the line by a tenth of the image in turn.
  mutating func zigzag(_ random: inout RandomStream) {
    let (a, b) = ends(&random)
    let (dy, dx) = (b.y - a.y, b.x - a.x)
    let length = max(1, (dy * dy + dx * dx).squareRoot())
    let reach = 2.8 * unit / length
    func corner(_ i: Int) -> Point {
      let point = Self.between(a, b, Float(i) / 8)
      let side: Float = i == 0 || i == 8 ? 0 : i % 2 == 0 ? reach : -reach
      return Point(y: point.y + side * dx, x: point.x - side * dy)
    }
    let samples = 2 * max(height, width) / 8 + 2
    for stroke in 0..<8 {
      let (from, to) = (corner(stroke), corner(stroke + 1))
      for i in 0...samples { dot(Self.between(from, to, Float(i) / Float(samples))) }
    }
  }

  /// Canny's edges of the channels' mean: Sobel's gradient of the blurred image, thinned to where it is
  /// greatest along itself, kept where it is above a fifth of the greatest of all, or above a tenth and
  /// joined to such.
  mutating func edges(sigma: Float) {
    var grey = Canvas(height: height, width: width, channels: 1)
    for pixel in 0..<height * width {
      let all = values[pixel * channels..<(pixel + 1) * channels].reduce(0, +)
      grey.values[pixel] = all / Float(channels)
    }
    grey.blur(sigma: sigma)
    func at(_ y: Int, _ x: Int) -> Float {
      grey.values[min(max(y, 0), height - 1) * width + min(max(x, 0), width - 1)]
    }
    var strength = [Float](repeating: 0, count: height * width)
    // The neighbour that a gradient points to.
    var towards = [(y: Int, x: Int)](repeating: (0, 1), count: height * width)
    for y in 0..<height {
      for x in 0..<width {
        let across =
          at(y - 1, x + 1) + 2 * at(y, x + 1) + at(y + 1, x + 1)
          - at(y - 1, x - 1) - 2 * at(y, x - 1) - at(y + 1, x - 1)
        let down =
          at(y + 1, x - 1) + 2 * at(y + 1, x) + at(y + 1, x + 1)
          - at(y - 1, x - 1) - 2 * at(y - 1, x) - at(y - 1, x + 1)
        strength[y * width + x] = (across * across + down * down).squareRoot()
        // tan 22.5°
        let (flat, steep) = (abs(across), abs(down))
        towards[y * width + x] =
          steep <= 0.414_213_56 * flat
          ? (0, 1)
          : flat <= 0.414_213_56 * steep ? (1, 0) : (1, (across < 0) == (down < 0) ? 1 : -1)
      }
    }
    func strengthAt(_ y: Int, _ x: Int) -> Float {
      (0..<height).contains(y) && (0..<width).contains(x) ? strength[y * width + x] : 0
    }
    let greatest = strength.max()!
    var isWeak = [Bool](repeating: false, count: height * width)
    var open: [Int] = []
    for y in 0..<height {
      for x in 0..<width {
        let i = y * width + x
        let (dy, dx) = towards[i]
        guard greatest > 0, strength[i] >= 0.1 * greatest,
          strength[i] >= strengthAt(y + dy, x + dx), strength[i] > strengthAt(y - dy, x - dx)
        else { continue }
        isWeak[i] = true
        if strength[i] >= 0.2 * greatest { open.append(i) }
      }
    }
    for i in values.indices { values[i] = 0 }
    while let i = open.popLast() {
      guard isWeak[i] else { continue }
      isWeak[i] = false
      for c in 0..<channels { values[i * channels + c] = 1 }
      let (y, x) = (i / width, i % width)
      for row in max(0, y - 1)...min(height - 1, y + 1) {
        for column in max(0, x - 1)...min(width - 1, x + 1) where isWeak[row * width + column] {
          open.append(row * width + column)
        }
      }
    }
  }
}
