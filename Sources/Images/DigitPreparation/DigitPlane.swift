/// One number per pixel, row after row (H, W).
struct DigitPlane {
  let height: Int, width: Int
  var values: [Float]

  init(height: Int, width: Int, values: [Float]) {
    precondition(values.count == height * width)
    (self.height, self.width, self.values) = (height, width, values)
  }

  init(height: Int, width: Int) {
    self.init(height: height, width: width, values: [Float](repeating: 0, count: height * width))
  }

  /// The value that a part of the pixels is at most, by at most 4096 of them at equal distances.
  func quantile(_ part: Double) -> Float { Self.quantile(part, of: values) }

  static func quantile(_ part: Double, of values: [Float]) -> Float {
    let step = (values.count + 4095) / 4096
    let sample = stride(from: step / 2, to: values.count, by: step).map { values[$0] }.sorted()
    return sample[Int(part * Double(sample.count - 1))]
  }

  /// The mean of each pixel and those of its eight neighbours that there are.
  func smoothed() -> DigitPlane { alongBoth { Self.mean(of: $0, into: &$1) } }

  private static func mean(of line: [Float], into result: inout [Float]) {
    for i in line.indices {
      let (low, high) = (max(i - 1, 0), min(i + 1, line.count - 1))
      var sum: Float = 0
      for k in low...high { sum += line[k] }
      result[i] = sum / Float(high - low + 1)
    }
  }

  /// The greatest (or, with a negative radius, the least) value within a square of side 2·|radius| + 1.
  /// Beyond the border lies what is given; if nothing is, the square is cut off there.
  func extreme(radius: Int, beyond: Float? = nil) -> DigitPlane {
    if radius == 0 { return self }
    let sign: Float = radius < 0 ? -1 : 1
    let outside = beyond.map { sign * $0 } ?? -.infinity
    return alongBoth { Self.slide(over: $0, abs(radius), sign: sign, outside, into: &$1) }
  }

  /// The greatest value of a window that slides along, in three comparisons per pixel whatever the radius
  /// (van Herk 1992): the greatest up to each pixel and from it on, within blocks as long as the window.
  private static func slide(
    over line: [Float], _ radius: Int, sign: Float, _ outside: Float, into result: inout [Float]
  ) {
    let (count, window) = (line.count, 2 * radius + 1)
    let padded = (count + 2 * radius + window - 1) / window * window
    var up = [Float](repeating: outside, count: padded)
    for i in 0..<count { up[i + radius] = sign * line[i] }
    var down = up
    for i in 1..<padded where i % window != 0 { up[i] = max(up[i], up[i - 1]) }
    for i in stride(from: padded - 2, through: 0, by: -1) where (i + 1) % window != 0 {
      down[i] = max(down[i], down[i + 1])
    }
    for i in 0..<count { result[i] = sign * max(down[i], up[i + window - 1]) }
  }

  /// The rows changed, and then the columns.
  private func alongBoth(_ change: ([Float], inout [Float]) -> Void) -> DigitPlane {
    var plane = self
    var row = [Float](repeating: 0, count: width)
    for y in 0..<height {
      change(Array(values[y * width..<(y + 1) * width]), &row)
      plane.values.replaceSubrange(y * width..<(y + 1) * width, with: row)
    }
    var (from, column) = (
      [Float](repeating: 0, count: height), [Float](repeating: 0, count: height)
    )
    for x in 0..<width {
      for y in 0..<height { from[y] = plane.values[y * width + x] }
      change(from, &column)
      for y in 0..<height { plane.values[y * width + x] = column[y] }
    }
    return plane
  }

  /// A part of the plane as another of so many pixels: by the mean of the area that each covers where it
  /// shrinks, between neighbours in a straight line where it grows.
  func resampled(_ part: DigitRegion, height newHeight: Int, width newWidth: Int) -> DigitPlane {
    let columns = DigitAxis(from: part.width, to: newWidth)
    let rows = DigitAxis(from: part.height, to: newHeight)
    var narrowed = DigitPlane(height: part.height, width: newWidth)
    for y in 0..<part.height {
      let row = (part.top + y) * width + part.left
      for x in 0..<newWidth {
        var sum: Float = 0
        for (k, weight) in columns.weights[x].enumerated() {
          sum += weight * values[row + columns.first[x] + k]
        }
        narrowed.values[y * newWidth + x] = sum
      }
    }
    var result = DigitPlane(height: newHeight, width: newWidth)
    for y in 0..<newHeight {
      for (k, weight) in rows.weights[y].enumerated() {
        let row = (rows.first[y] + k) * newWidth
        for x in 0..<newWidth {
          result.values[y * newWidth + x] += weight * narrowed.values[row + x]
        }
      }
    }
    return result
  }
}

/// A rectangle of pixels.
struct DigitRegion: Hashable {
  var top: Int, left: Int, height: Int, width: Int

  /// With so many pixels more on each side, but for those beyond the borders.
  func widened(by margin: Int, height limit: Int, width widthLimit: Int) -> DigitRegion {
    let (newTop, newLeft) = (max(0, top - margin), max(0, left - margin))
    return DigitRegion(
      top: newTop, left: newLeft, height: min(limit, top + height + margin) - newTop,
      width: min(widthLimit, left + width + margin) - newLeft)
  }

  /// The least that holds both.
  func union(_ other: DigitRegion) -> DigitRegion {
    let (newTop, newLeft) = (min(top, other.top), min(left, other.left))
    return DigitRegion(
      top: newTop, left: newLeft,
      height: max(top + height, other.top + other.height) - newTop,
      width: max(left + width, other.left + other.width) - newLeft)
  }

  /// Rows or columns between the two, whichever are more; not positive where they overlap.
  func distance(to other: DigitRegion) -> Int {
    max(
      top - (other.top + other.height), other.top - (top + height),
      left - (other.left + other.width), other.left - (left + width))
  }

  var longest: Int { max(height, width) }
}

/// The weights by which a line of pixels becomes one of another length.
private struct DigitAxis {
  var first: [Int] = []
  var weights: [[Float]] = []

  init(from: Int, to: Int) {
    let ratio = Float(from) / Float(to)
    for place in 0..<to {
      if from >= to {
        let (low, high) = (Float(place) * ratio, Float(place + 1) * ratio)
        let start = min(Int(low), from - 1)
        let end = max(start + 1, min(from, Int(high.rounded(.up))))
        first.append(start)
        weights.append(
          (start..<end).map { max(0, min(high, Float($0 + 1)) - max(low, Float($0))) / ratio })
      } else {
        let centre = max(0, min(Float(from - 1), (Float(place) + 0.5) * ratio - 0.5))
        let start = min(Int(centre), max(0, from - 2))
        let part = centre - Float(start)
        first.append(start)
        weights.append(from == 1 ? [1] : [1 - part, part])
      }
    }
  }
}
