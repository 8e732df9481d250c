import Elements

/// Draws one digit at a time; holds the buffers for it. Used by one thread.
final class DigitPen {
  /// How much the digits vary. Lengths are in units of the digit's height.
  enum Variation {
    static let pointJitter: Float = 0.04
    static let slant: (mean: Float, deviation: Float) = (0.12, 0.24)
    static let rotation: Float = 0.15
    static let width: (Float, Float) = (0.65, 1.5)
    static let warp: Float = 0.065
    /// Of the pen, in pixels of the final image.
    static let penWidth: (mean: Float, deviation: Float, least: Float, most: Float) =
      (2.5, 0.85, 1.1, 5)
    static let edge: (Float, Float) = (0.9, 1.5)
  }

  private typealias Point = SIMD2<Float>

  private static let side = SyntheticDigits.side
  /// Rows of the distance field are two vectors long.
  private static let stride = 32
  private static let stepsPerCurve = 5

  private var knots: [Point] = []
  /// The polylines, one after another; `starts` marks where each begins.
  private var points: [Point] = []
  private var starts: [Int] = []
  private var halfWidths: [Float] = []
  /// (28, 32): distance of each pixel's centre from the edge of the ink, negative inside.
  private let field: UnsafeMutablePointer<SIMD16<Float>>

  init() {
    field = .allocate(capacity: Self.side * Self.stride / 16)
  }

  deinit { field.deallocate() }

  /// Writes 28 x 28 bytes.
  func draw(digit: Int, random: inout RandomStream, into image: UnsafeMutablePointer<UInt8>) {
    sketch(Self.style(of: digit, random: &random), random: &random)
    deform(random: &random)
    fit(random: &random)
    render()
    let edge = random.uniform(Variation.edge.0, Variation.edge.1)
    // Ink ∈ [0, 1] is the part of a pixel that lies within the edge, blurred over `edge` pixels.
    let scale = -255 / edge
    for y in 0..<Self.side {
      for half in 0..<2 {
        let distance = field[2 * y + half]
        let level = (distance * scale + 127.5).clamped(
          lowerBound: SIMD16(repeating: 0), upperBound: SIMD16(repeating: 255))
        // In the last bits of 1.5·2²³ + level stands the integer nearest to the level.
        let bytes = unsafeBitCast(level + 12_582_912, to: SIMD16<UInt32>.self) & 0xff
        for lane in 0..<(half == 0 ? 16 : Self.side - 16) {
          image[y * Self.side + 16 * half + lane] = UInt8(truncatingIfNeeded: bytes[lane])
        }
      }
    }
  }

  private static func style(of digit: Int, random: inout RandomStream) -> DigitStyle {
    let styles = DigitSkeletons.styles[digit]
    var rest = random.uniform() * styles.reduce(0) { $0 + $1.weight }
    for style in styles {
      rest -= style.weight
      if rest < 0 { return style }
    }
    return styles[styles.count - 1]
  }

  /// Moves the skeleton's points a little and draws the curves through them as polylines
  /// (Catmull and Rom 1974).
  private func sketch(_ style: DigitStyle, random: inout RandomStream) {
    knots.removeAll(keepingCapacity: true)
    for point in style.points {
      knots.append(point + Point(random.normal(), random.normal()) * Variation.pointJitter)
    }
    points.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    for stroke in style.strokes {
      starts.append(points.count)
      let last = stroke.count - 1
      let closed = stroke[0] == stroke[last]
      points.append(knots[stroke[0]])
      for i in 0..<last {
        let b = knots[stroke[i]]
        let c = knots[stroke[i + 1]]
        let a = i > 0 ? knots[stroke[i - 1]] : (closed ? knots[stroke[last - 1]] : b + b - c)
        let d = i + 2 <= last ? knots[stroke[i + 2]] : (closed ? knots[stroke[1]] : c + c - b)
        for step in 1...Self.stepsPerCurve {
          let t = Float(step) / Float(Self.stepsPerCurve)
          let cubic = (b - c) * 3 + d - a
          let square = a * 2 - b * 5 + c * 4 - d
          points.append(b + ((cubic * t + square) * t + (c - a)) * (t * 0.5))
        }
      }
    }
  }

  /// Stretches, slants, turns and warps.
  private func deform(random: inout RandomStream) {
    let width = random.uniform(Variation.width.0, Variation.width.1)
    let slant = Variation.slant.mean + Variation.slant.deviation * random.normal()
    let (sin, cos) = Elementary.sincos(Variation.rotation * random.normal())
    // Two slow waves across the page push every point the same way for its place.
    var waves: [(direction: Point, phase: Float, push: Point)] = []
    for _ in 0..<2 {
      waves.append(
        (
          direction: Point(random.uniform(-5, 5), random.uniform(-5, 5)),
          phase: random.uniform(0, 6.283_185_5),
          push: Point(random.normal(), random.normal()) * Variation.warp
        ))
    }
    for i in points.indices {
      var p = points[i]
      var moved = p
      for wave in waves {
        let phase = wave.direction.x * p.x + wave.direction.y * p.y + wave.phase
        moved += wave.push * Elementary.sincos(phase).sin
      }
      p = moved
      p.x = (p.x - 0.35) * width - slant * (p.y - 0.5)
      p.y -= 0.5
      points[i] = Point(cos * p.x - sin * p.y, sin * p.x + cos * p.y)
    }
  }

  /// Scales the ink into a box of 20 pixels and moves its centre of mass to the middle, by whole
  /// pixels.
  private func fit(random: inout RandomStream) {
    let pen = Variation.penWidth
    let half = 0.5 * min(max(pen.mean + pen.deviation * random.normal(), pen.least), pen.most)
    // The pen's pressure changes along the way.
    let pressure = random.uniform(0, 0.25)
    let phase = random.uniform(0, 6.283_185_5)
    halfWidths.removeAll(keepingCapacity: true)
    for i in points.indices {
      let angle = phase + Float(i) * 0.2
      halfWidths.append(half * (1 + pressure * Elementary.sincos(angle).sin))
    }
    var low = points[0]
    var high = points[0]
    for point in points {
      low = Point(min(low.x, point.x), min(low.y, point.y))
      high = Point(max(high.x, point.x), max(high.y, point.y))
    }
    let extent = high - low
    let scale = (20 - 2 * half) / max(max(extent.x, extent.y), 0.01)
    var mass: Float = 0
    var moment = Point()
    for i in points.indices {
      points[i] = (points[i] - low) * scale + Point(half, half)
      guard i > 0, !starts.contains(i) else { continue }
      let along = points[i] - points[i - 1]
      let weight = (along.x * along.x + along.y * along.y).squareRoot() * halfWidths[i]
      mass += weight
      moment += (points[i] + points[i - 1]) * (0.5 * weight)
    }
    let middle = Float(Self.side) / 2
    let shift = (Point(middle, middle) - moment / max(mass, 0.01)).rounded(.toNearestOrEven)
    // Pixel (x, y) covers x..<x+1; its centre is what distances are taken from.
    for i in points.indices { points[i] += shift - Point(0.5, 0.5) }
  }

  /// field = the least over all segments of (distance from the segment − pen's half width there).
  private func render() {
    for i in 0..<Self.side * Self.stride / 16 { field[i] = SIMD16(repeating: 10) }
    let ramp = SIMD16<Float>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    var next = 1
    for i in 1..<points.count {
      if next < starts.count, starts[next] == i {
        next += 1
        continue
      }
      let a = points[i - 1]
      let along = points[i] - a
      let widen = halfWidths[i] - halfWidths[i - 1]
      let reach = max(halfWidths[i], halfWidths[i - 1]) + 1
      let inverse = 1 / max(along.x * along.x + along.y * along.y, 1e-6)
      let top = min(a.y, points[i].y) - reach
      let bottom = max(a.y, points[i].y) + reach
      let left = min(a.x, points[i].x) - reach
      let right = max(a.x, points[i].x) + reach
      guard bottom >= 0, top <= Float(Self.side - 1) else { continue }
      let rows = Int(max(top, 0))...Int(min(bottom, Float(Self.side - 1)))
      for half in 0..<2 where left < Float(16 * half + 16) && right >= Float(16 * half) {
        let x = ramp + (Float(16 * half) - a.x)
        for row in rows {
          let y = Float(row) - a.y
          let t = ((x * along.x + y * along.y) * inverse).clamped(
            lowerBound: SIMD16(repeating: 0), upperBound: SIMD16(repeating: 1))
          let dx = x - t * along.x
          let dy = y - t * along.y
          let distance = (dx * dx + dy * dy).squareRoot() - (t * widen + halfWidths[i - 1])
          let old = field[2 * row + half]
          field[2 * row + half] = old.replacing(with: distance, where: distance .< old)
        }
      }
    }
  }
}
