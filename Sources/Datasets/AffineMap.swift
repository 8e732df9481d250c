import ConvNet

/// Where each output pixel of a distorted image comes from: q = M·p + t, with p the output's and q
/// the input's (row, column), both counted from the image's centre ((H − 1)/2, (W − 1)/2).
///
/// The maps run backwards, from output to input, as scipy.ndimage.affine_transform takes them.
struct AffineMap: Hashable {
  // M = (rr rc; cr cc), t = (r, c)
  var rr: Float = 1, rc: Float = 0, r: Float = 0
  var cr: Float = 0, cc: Float = 1, c: Float = 0

  static let identity = AffineMap()

  /// The image turned counter-clockwise, as scipy.ndimage.rotate does.
  static func rotation(degrees: Float) -> AffineMap {
    let (sin, cos) = Elementary.sincos(degrees * (.pi / 180))
    return AffineMap(rr: cos, rc: sin, cr: -sin, cc: cos)
  }

  /// The image moved down and to the right by so many pixels.
  static func shift(rows: Float, columns: Float) -> AffineMap {
    AffineMap(r: -rows, c: -columns)
  }

  /// The image made `factor` times as large.
  static func zoom(_ factor: Float) -> AffineMap {
    AffineMap(rr: 1 / factor, cc: 1 / factor)
  }

  /// Rows moved along themselves in proportion to their distance below the centre, to the right
  /// for a positive angle.
  static func shear(degrees: Float) -> AffineMap {
    let (sin, cos) = Elementary.sincos(degrees * (.pi / 180))
    return AffineMap(cr: -sin / cos)
  }

  /// The map of this distortion followed by `next`: p ↦ self(next(p)).
  func followed(by next: AffineMap) -> AffineMap {
    AffineMap(
      rr: rr * next.rr + rc * next.cr, rc: rr * next.rc + rc * next.cc,
      r: rr * next.r + rc * next.c + r,
      cr: cr * next.rr + cc * next.cr, cc: cr * next.rc + cc * next.cc,
      c: cr * next.r + cc * next.c + c)
  }
}

extension AugmentationOp {
  /// The map that the random numbers give; nil for a distortion that is not affine, which draws
  /// nothing here.
  func drawMap(height: Int, width: Int, random: inout RandomStream) -> AffineMap? {
    switch self {
    case .rotate(let degrees): .rotation(degrees: random.uniform(-degrees, degrees))
    case .shift(let fraction):
      .shift(
        rows: random.uniform(-fraction, fraction) * Float(height),
        columns: random.uniform(-fraction, fraction) * Float(width))
    case .zoom(let fraction): .zoom(random.uniform(1 - fraction, 1 + fraction))
    case .shear(let degrees): .shear(degrees: random.uniform(-degrees, degrees))
    case .elastic: nil
    }
  }
}
