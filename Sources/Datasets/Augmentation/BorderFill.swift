/// What lies around an image where a distortion asks for it, by the names that Keras has: of a row `a b c d`,
/// what is drawn on either side of it. The coordinates are folded into the image, then interpolated.
public enum BorderFill: String, Hashable, Sendable, CaseIterable {
  /// `0 0 0 | a b c d | 0 0 0` (scipy.ndimage's "grid-constant")
  case constant
  /// `a a a | a b c d | d d d`
  case nearest
  /// `c b a | a b c d | d c b`, half a pixel beyond the outermost the mirror
  case reflect
  /// `b c d | a b c d | a b c` (scipy.ndimage's "grid-wrap")
  case wrap

  typealias Vector = SIMD16<Float>

  /// Coordinates along an axis of `count` pixels, brought to where the image, and two pixels on each side
  /// of it, hold what lies there; those that are within stay as they are.
  @inline(__always)
  func folded(_ x: Vector, _ count: Int) -> Vector {
    let n = Float(count)
    switch self {
    case .constant: return x
    case .nearest:
      let low = x.replacing(with: 0, where: x .< 0)
      return low.replacing(with: n - 1, where: low .> n - 1)
    case .reflect:
      let shifted = x + 0.5
      let rest = shifted - (shifted / (2 * n)).rounded(.down) * (2 * n)
      let mirrored = rest.replacing(with: 2 * n - rest, where: rest .> n) - 0.5
      return x.replacing(with: mirrored, where: (x .< -0.5) .| (x .> n - 0.5))
    case .wrap:
      let rest = x - (x / n).rounded(.down) * n
      return x.replacing(with: rest, where: (x .< 0) .| (x .>= n))
    }
  }

  /// The pixel of an axis of `count` that stands at a place up to two beyond it.
  func source(_ place: Int, _ count: Int) -> Int {
    switch self {
    case .constant, .nearest: min(max(place, 0), count - 1)
    case .reflect:
      min(max(place < 0 ? -1 - place : place < count ? place : 2 * count - 1 - place, 0), count - 1)
    case .wrap: (place + 2 * count) % count
    }
  }
}
