/// How much each pixel differs from the ground that it lies on, towards the ink.
struct DigitLight {
  /// About 0 on the ground, positive on ink.
  let ink: DigitPlane
  /// How much the ground varies: the standard deviation, if it were normal.
  let noise: Float
  /// Whether the digit may have been cut out closely.
  let isCutOut: Bool

  /// - Parameters:
  ///   - planes: one or three channels, in 0...255.
  ///   - isCutOut: whether what touches the border ends there, as the strokes of a digit that was cut out
  ///     closely do; else it goes on, as shadows do.
  init(_ planes: [DigitPlane], isCutOut: Bool) {
    self.isCutOut = isCutOut
    let rests = planes.map { DigitSurface(flat: $0).rest(of: $0) }
    let axis = Self.axis(of: rests)
    // Ink covers the lesser part of the picture: it is where the far ends of the differences lie.
    let cubes = Self.mix(rests, axis).values
      .reduce(0 as Double) { $0 + Double($1) * Double($1) * Double($1) }
    let isDark = cubes < 0
    let picture = Self.mix(planes, axis)
    var difference = picture
    if isDark { for i in difference.values.indices { difference.values[i].negate() } }
    difference = DigitSurface(bentUnder: difference).rest(of: difference)
    // What is wider than a stroke is shadow or light (the white top-hat of morphology).
    let radius = max(7, difference.longest / (isCutOut ? 5 : 10))
    let ground = difference.smoothed().extreme(radius: -radius, beyond: isCutOut ? 0 : nil)
      .extreme(radius: radius)
    for i in difference.values.indices { difference.values[i] -= ground.values[i] }
    // The third tenth of all is ground, however much ink there is.
    let level = difference.quantile(0.3)
    for i in difference.values.indices { difference.values[i] -= level }
    noise = -difference.quantile(0.05) / 1.12
    if isDark {
      // Ink takes a part of the light that the paper gives back: where less falls, less is missing.
      var paper = picture
      for i in paper.values.indices { paper.values[i] += difference.values[i] }
      let usual = paper.quantile(0.5)
      if usual > 0 {
        for i in paper.values.indices {
          difference.values[i] *= usual / max(paper.values[i], usual / 4)
        }
      }
    }
    ink = difference
  }

  /// The direction in which the colours differ most, by the power method on their second moments; the sum
  /// of its parts' sizes is 1, and that of its parts not negative. Grey differs in its only one.
  private static func axis(of rests: [DigitPlane]) -> [Float] {
    guard rests.count == 3 else { return [1] }
    var moments = [Double](repeating: 0, count: 9)
    for i in rests[0].values.indices {
      let d = rests.map { Double($0.values[i]) }
      for a in 0..<3 {
        for b in 0..<3 { moments[3 * a + b] += d[a] * d[b] }
      }
    }
    var axis: [Double] = [0.3, 0.4, 0.3]
    for _ in 0..<32 {
      let next = (0..<3).map { a in (0..<3).reduce(0) { $0 + moments[3 * a + $1] * axis[$1] } }
      let size = next.reduce(0) { $0 + abs($1) }
      if size == 0 { break }
      axis = next.map { $0 / size }
    }
    let sign: Double = axis.reduce(0, +) < 0 ? -1 : 1
    return axis.map { Float(sign * $0) }
  }

  private static func mix(_ planes: [DigitPlane], _ axis: [Float]) -> DigitPlane {
    if axis.count == 1 { return planes[0] }
    var mixed = planes[0]
    for i in mixed.values.indices {
      mixed.values[i] =
        axis[0] * planes[0].values[i] + axis[1] * planes[1].values[i]
        + axis[2] * planes[2].values[i]
    }
    return mixed
  }
}

/// The light on the ground: a polynomial in x and y, fitted by the least sum of absolute differences, to
/// which the few pixels of ink hardly matter.
private struct DigitSurface {
  /// Of 1, x, y, x², xy, y².
  private var coefficients = [Double](repeating: 0, count: 6)

  /// Of first degree.
  init(flat plane: DigitPlane) { self.init(plane, terms: 3, shareAbove: 1) }

  /// Of second degree; what lies above it, as ink does, counts a quarter of what lies below, so that a
  /// broad digit does not lift it.
  init(bentUnder plane: DigitPlane) { self.init(plane, terms: 6, shareAbove: 0.25) }

  /// By reweighted least squares (w = 1/max(|r|, ½), 12 times) on at most 24 x 24 means.
  private init(_ plane: DigitPlane, terms count: Int, shareAbove: Double) {
    let whole = DigitRegion(top: 0, left: 0, height: plane.height, width: plane.width)
    let coarse = plane.resampled(whole, height: min(24, plane.height), width: min(24, plane.width))
    coefficients[0] = Double(coarse.quantile(0.5))
    var terms = [Double](repeating: 1, count: 6)
    for _ in 0..<12 {
      let rests = rest(of: coarse)
      // The normal equations, the right side in the last column.
      var rows = [[Double]](repeating: [Double](repeating: 0, count: count + 1), count: count)
      for y in 0..<coarse.height {
        let v = Self.place(y, of: coarse.height)
        for x in 0..<coarse.width {
          let u = Self.place(x, of: coarse.width)
          let i = y * coarse.width + x
          let rest = Double(rests.values[i])
          let weight = (rest > 0 ? shareAbove : 1) / max(abs(rest), 0.5)
          (terms[1], terms[2], terms[3], terms[4], terms[5]) = (u, v, u * u, u * v, v * v)
          for k in 0..<count {
            let weighted = weight * terms[k]
            for j in k..<count { rows[k][j] += weighted * terms[j] }
            rows[k][count] += weighted * Double(coarse.values[i])
          }
        }
      }
      for k in 1..<count {
        for j in 0..<k { rows[k][j] = rows[j][k] }
        // A line of pixels bends in one direction only; the other's terms stay 0.
        rows[k][k] += 1e-6 * (rows[0][0] + 1)
      }
      Self.solve(&rows)
      for k in 0..<count { coefficients[k] = rows[k][count] }
    }
  }

  /// The plane less the surface.
  func rest(of plane: DigitPlane) -> DigitPlane {
    let c = coefficients
    let across = (0..<plane.width).map { Self.place($0, of: plane.width) }
    var rest = plane
    for y in 0..<plane.height {
      let v = Self.place(y, of: plane.height)
      let (a, b) = (c[0] + v * (c[2] + v * c[5]), c[1] + v * c[4])
      for x in 0..<plane.width {
        rest.values[y * plane.width + x] -= Float(a + across[x] * (b + across[x] * c[3]))
      }
    }
    return rest
  }

  /// The middle of a pixel, in (−1, 1).
  private static func place(_ pixel: Int, of count: Int) -> Double {
    (2 * Double(pixel) + 1) / Double(count) - 1
  }

  /// Gauss's and Jordan's elimination of a positive definite system: its last column becomes the solution.
  private static func solve(_ rows: inout [[Double]]) {
    for k in rows.indices {
      let pivot = rows[k][k]
      for j in k...rows.count { rows[k][j] /= pivot }
      for i in rows.indices where i != k {
        let factor = rows[i][k]
        for j in k...rows.count { rows[i][j] -= factor * rows[k][j] }
      }
    }
  }
}
