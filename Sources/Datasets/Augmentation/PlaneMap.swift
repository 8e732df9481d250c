import Elements

/// Where each output pixel of a distorted image comes from: q = (M·p + t) / (1 + v·p), with p the
/// output's and q the input's (row, column), both counted from the image's centre
/// ((H − 1)/2, (W − 1)/2). An affine map has v = 0.
///
/// The maps run backwards, from output to input, as scipy.ndimage.affine_transform takes them.
struct PlaneMap: Hashable {
  // M = (rr rc; cr cc), t = (r, c), v = (pr, pc)
  var rr: Float = 1, rc: Float = 0, r: Float = 0
  var cr: Float = 0, cc: Float = 1, c: Float = 0
  var pr: Float = 0, pc: Float = 0

  static let identity = PlaneMap()

  var isAffine: Bool { pr == 0 && pc == 0 }

  /// Whether each output pixel is one of the input's, or lies outside: mirrored and moved by whole
  /// pixels.
  var isWhole: Bool {
    isAffine && rc == 0 && cr == 0 && abs(rr) == 1 && abs(cc) == 1
      && r.rounded() == r && c.rounded() == c && abs(r) < 1e6 && abs(c) < 1e6
  }

  /// The image turned counter-clockwise, as scipy.ndimage.rotate does.
  static func rotation(degrees: Float) -> PlaneMap { rotation(radians: degrees * (.pi / 180)) }

  /// The same, the angle in radians.
  static func rotation(radians: Float) -> PlaneMap {
    let (sin, cos) = Elementary.sincos(radians)
    return PlaneMap(rr: cos, rc: sin, cr: -sin, cc: cos)
  }

  /// The image moved down and to the right by so many pixels.
  static func shift(rows: Float, columns: Float) -> PlaneMap {
    PlaneMap(r: -rows, c: -columns)
  }

  /// The image made `factor` times as large.
  static func zoom(_ factor: Float) -> PlaneMap {
    PlaneMap(rr: 1 / factor, cc: 1 / factor)
  }

  /// Rows moved along themselves in proportion to their distance below the centre, to the right
  /// for a positive angle.
  static func shear(degrees: Float) -> PlaneMap {
    let (sin, cos) = Elementary.sincos(degrees * (.pi / 180))
    return PlaneMap(cr: -sin / cos)
  }

  /// The image mirrored left and right, or top and bottom.
  static func flip(_ axis: AugmentationOp.Axis) -> PlaneMap {
    axis == .horizontal ? PlaneMap(cc: -1) : PlaneMap(rr: -1)
  }

  /// The map of this distortion followed by `next`: p ↦ self(next(p)).
  func followed(by next: PlaneMap) -> PlaneMap {
    let affine = PlaneMap(
      rr: rr * next.rr + rc * next.cr, rc: rr * next.rc + rc * next.cc,
      r: rr * next.r + rc * next.c + r,
      cr: cr * next.rr + cc * next.cr, cc: cr * next.rc + cc * next.cc,
      c: cr * next.r + cc * next.c + c)
    if isAffine && next.isAffine { return affine }
    let unit = 1 / (pr * next.r + pc * next.c + 1)
    return PlaneMap(
      rr: (affine.rr + r * next.pr) * unit, rc: (affine.rc + r * next.pc) * unit,
      r: affine.r * unit,
      cr: (affine.cr + c * next.pr) * unit, cc: (affine.cc + c * next.pc) * unit,
      c: affine.c * unit,
      pr: (pr * next.rr + pc * next.cr + next.pr) * unit,
      pc: (pr * next.rc + pc * next.cc + next.pc) * unit)
  }
}

/// A point of the image's plane in pixels, counted from the image's centre.
struct PlanePoint: Hashable {
  var row: Double
  var column: Double
}

extension PlaneMap {
  /// The rectangle between two corners seen in perspective: its upper left, upper right, lower right
  /// and lower left corner go to `corners`, the image with it (Heckbert 1989).
  static func perspective(
    from upperLeft: PlanePoint, _ lowerRight: PlanePoint,
    to corners: (PlanePoint, PlanePoint, PlanePoint, PlanePoint)
  ) -> PlaneMap {
    // The unit square (u, v), u along the rows, goes to the corners by (x, y, 1) ~ S·(u, v, 1).
    let (p0, p1, p2, p3) = corners
    let (dx1, dx2) = (p1.column - p2.column, p3.column - p2.column)
    let (dy1, dy2) = (p1.row - p2.row, p3.row - p2.row)
    let sx = p0.column - p1.column + p2.column - p3.column
    let sy = p0.row - p1.row + p2.row - p3.row
    let denominator = dx1 * dy2 - dx2 * dy1
    let g = (sx * dy2 - dx2 * sy) / denominator
    let h = (dx1 * sy - sx * dy1) / denominator
    let (a, b) = (p1.column - p0.column + g * p1.column, p3.column - p0.column + h * p3.column)
    let (d, e) = (p1.row - p0.row + g * p1.row, p3.row - p0.row + h * p3.row)
    let (c, f) = (p0.column, p0.row)
    // Back, by the adjugate of S: u, v and the divisor, each as factors of x and y and a constant.
    let u = (e - f * h, c * h - b, b * f - c * e)
    let v = (f * g - d, a - c * g, c * d - a * f)
    let w = (d * h - e * g, b * g - a * h, a * e - b * d)
    let height = lowerRight.row - upperLeft.row
    let width = lowerRight.column - upperLeft.column
    func row(_ w: Double, _ v: Double, _ unit: Double) -> Float {
      Float((upperLeft.row * w + height * v) / unit)
    }
    func column(_ w: Double, _ u: Double, _ unit: Double) -> Float {
      Float((upperLeft.column * w + width * u) / unit)
    }
    return PlaneMap(
      rr: row(w.1, v.1, w.2), rc: row(w.0, v.0, w.2), r: row(w.2, v.2, w.2),
      cr: column(w.1, u.1, w.2), cc: column(w.0, u.0, w.2), c: column(w.2, u.2, w.2),
      pr: Float(w.1 / w.2), pc: Float(w.0 / w.2))
  }
}

extension AugmentationOp {
  /// The map that the random numbers give; nil for a distortion that is none, which draws nothing
  /// here.
  func drawMap(height: Int, width: Int, random: inout RandomStream) -> PlaneMap? {
    switch self {
    case .rotate(let degrees): return .rotation(degrees: random.uniform(-degrees, degrees))
    case .shift(let fraction):
      return .shift(
        rows: random.uniform(-fraction, fraction) * Float(height),
        columns: random.uniform(-fraction, fraction) * Float(width))
    case .zoom(let fraction): return .zoom(random.uniform(1 - fraction, 1 + fraction))
    case .shear(let degrees): return .shear(degrees: random.uniform(-degrees, degrees))
    case .flip(let flip): return random.uniform() < flip.p ? .flip(flip.axis) : .identity
    case .crop(let padding):
      let moves = UInt32(2 * padding + 1)
      let rows = Int(random.below(moves)) - padding
      return .shift(rows: Float(rows), columns: Float(Int(random.below(moves)) - padding))
    case .perspective(let perspective):
      guard random.uniform() < perspective.p else { return .identity }
      let distortion = perspective.distortion
      let (h, w) = (Double(height) / 2, Double(width) / 2)
      func inward() -> PlanePoint {
        let row = Double(random.uniform(0, distortion)) * h
        return PlanePoint(row: row, column: Double(random.uniform(0, distortion)) * w)
      }
      let (a, b, c, d) = (inward(), inward(), inward(), inward())
      return .perspective(
        from: PlanePoint(row: -h, column: -w), PlanePoint(row: h, column: w),
        to: (
          PlanePoint(row: a.row - h, column: a.column - w),
          PlanePoint(row: b.row - h, column: w - b.column),
          PlanePoint(row: h - c.row, column: w - c.column),
          PlanePoint(row: h - d.row, column: d.column - w)
        ))
    case .elastic, .pixels, .randAugment, .mix: return nil
    }
  }
}
