/// One random distortion of a training image, drawn anew for each image and epoch. A spec gives a
/// list of them; an image's ops are composed into one mapping and resampled once.
public enum AugmentationOp: Hashable, Sendable {
  /// Turns by an angle from U(−degrees, degrees), about the centre.
  case rotate(degrees: Float)
  /// Moves by U(−fraction, fraction) of the height and, drawn apart, of the width.
  case shift(fraction: Float)
  /// Scales height and width by one factor from U(1 − fraction, 1 + fraction), about the centre.
  case zoom(fraction: Float)
  /// Slants along the rows by an angle from U(−degrees, degrees), about the centre.
  case shear(degrees: Float)
  /// Displaces each pixel by a field from U(−1, 1), smoothed by a Gaussian of deviation `sigma`
  /// pixels and multiplied by `alpha` (Simard, Steinkraus and Platt 2003).
  case elastic(alpha: Float, sigma: Float)

  /// The name that a spec gives this op.
  public var name: String {
    switch self {
    case .rotate: "rotate"
    case .shift: "shift"
    case .zoom: "zoom"
    case .shear: "shear"
    case .elastic: "elastic"
    }
  }
}
