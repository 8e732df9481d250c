/// The strokes of the digit, told apart from ruled lines, edges, shadows and specks.
struct DigitStrokes {
  /// How much ink there is, in 0...1: 0 off the strokes.
  private(set) var ink: DigitPlane
  /// What holds all strokes.
  let place: DigitRegion

  /// Nil where nothing stands out.
  init?(_ light: DigitLight) {
    let plane = light.ink
    let least = max(20, 6 * light.noise)
    var level = Self.level(of: plane)
    guard level.ink >= least else { return nil }
    let most = plane.values.max()!
    // Where all hangs together with what comes in from the border, the darker of it may stand alone.
    var digit: [DigitPart] = []
    while digit.isEmpty, level.middle < 0.7 * most {
      let lines = DigitLines(DigitMask(plane, above: level.middle / 2))
      let ink = DigitMask(plane, above: level.middle)
      // A digit that was cut out closely may have strokes from border to border; so has squared paper,
      // in greater number.
      let whole =
        light.isCutOut && lines.count < 3
        ? DigitPart.digit(among: DigitPart.all(of: ink, plane), in: plane) : []
      if DigitPart.fill(whole, plane) {
        digit = whole
      } else {
        let parts = DigitPart.all(of: lines.removed(from: ink), plane)
        digit = DigitPart.digit(among: parts.filter { !$0.isForeign }, in: plane)
      }
      level.middle *= 1.3
    }
    guard let first = digit.first else { return nil }
    place = digit.reduce(first.place) { $0.union($1.place) }

    // The greys between ink and ground at the edges belong to the strokes.
    var mask = DigitMask(height: plane.height, width: plane.width)
    for part in digit { for i in part.pixels { mask.bits[i] = true } }
    let full = DigitPlane.quantile(
      0.9, of: digit.flatMap { $0.pixels.map { plane.values[$0] } })
    // Two levels of 255 are what the surface of light may be off.
    let none = max(2, min(2.5 * light.noise, 0.35 * full))
    let edge = mask.widened(by: 1 + plane.longest / 128)
    ink = plane
    for i in ink.values.indices {
      ink.values[i] = edge.bits[i] ? max(0, min(1, (plane.values[i] - none) / (full - none))) : 0
    }
  }

  /// The level of ink, and the middle between it and the ground: the threshold that is the mean of the
  /// means of what is above and below it (Ridler and Calvard 1978), from above, for ink may be very
  /// little of a picture.
  private static func level(of plane: DigitPlane) -> (middle: Float, ink: Float) {
    let most = plane.values.max()!
    guard most > 0 else { return (1, 0) }
    var counts = [Int](repeating: 0, count: 1024)
    for value in plane.values where value > 0 { counts[Int(value / most * 1023)] += 1 }
    var (bin, rest) = (1023, 4 + plane.values.count / 4000)
    while bin > 0, rest > counts[bin] {
      rest -= counts[bin]
      bin -= 1
    }
    var middle = Float(bin) / 2046 * most
    var ink = most
    for _ in 0..<32 {
      var (above, below) = (0.0, 0.0)
      var count = 0
      for value in plane.values {
        if value > middle {
          above += Double(value)
          count += 1
        } else {
          below += Double(value)
        }
      }
      guard count > 0, count < plane.values.count else { break }
      ink = Float(above / Double(count))
      let next = (ink + Float(below / Double(plane.values.count - count))) / 2
      if next == middle { break }
      middle = next
    }
    return (max(middle, 1), ink)
  }
}

/// Which pixels are taken for ink (H, W).
struct DigitMask {
  let height: Int, width: Int
  var bits: [Bool]

  init(height: Int, width: Int) {
    (self.height, self.width) = (height, width)
    bits = [Bool](repeating: false, count: height * width)
  }

  init(_ plane: DigitPlane, above level: Float) {
    (height, width) = (plane.height, plane.width)
    bits = plane.values.map { $0 > level }
  }

  /// With the pixels up to so many rows and columns away.
  func widened(by radius: Int) -> DigitMask {
    let plane = DigitPlane(height: height, width: width, values: bits.map { $0 ? 1 : 0 })
    return DigitMask(plane.extreme(radius: radius), above: 0.5)
  }
}
