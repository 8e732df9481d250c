import Elements

/// One random distortion of a training image, drawn anew for each image and epoch. A spec gives a
/// list of them. Those that move pixels are composed into one mapping and resampled once, bilinearly
/// and with zeros around the image, or what `BorderFill` says; those that change what the pixels hold follow, in their order in
/// the list.
///
/// U(a, b) is uniform. Angles are in degrees, lengths in pixels. Where a default is told it is the
/// spec's; what has none must be said.
public enum AugmentationOp: Hashable, Sendable {
  public enum Axis: String, Hashable, Sendable, CaseIterable {
    case horizontal, vertical
  }

  /// Turns about the centre by an angle from U(−degrees, degrees), counter-clockwise if positive;
  /// degrees in 0...180. torchvision's RandomRotation, bilinear; the same as scipy.ndimage.rotate
  /// with order 1, mode "grid-constant" and the shape kept.
  case rotate(degrees: Float)
  /// Moves by U(−fraction, fraction) of the height and, drawn apart, of the width; fraction in 0..<1.
  /// Keras's RandomTranslation with zeros outside, scipy.ndimage.shift of order 1; torchvision's
  /// RandomAffine, with its translate, moves by whole pixels.
  case shift(fraction: Float)
  /// Makes the image f times as large along both axes about the centre, f from
  /// U(1 − fraction, 1 + fraction); fraction in 0..<1. torchvision's RandomAffine with its scale;
  /// Keras's ImageDataGenerator draws one f for each axis.
  case zoom(fraction: Float)
  /// Slants along the rows about the centre: what lies d below it moves d·tan a to the right, a from
  /// U(−degrees, degrees); degrees in 0...80. torchvision's RandomAffine with its shear, which counts
  /// a to the left.
  case shear(degrees: Float)
  case elastic(Elastic)
  case flip(Flip)
  /// A crop of the image's own size, at a place drawn evenly, from the image amid `padding` zeros at
  /// each side, 0...1024: it moves by −padding...padding whole rows and columns (torchvision's
  /// RandomCrop).
  case crop(padding: Int)
  case perspective(Perspective)
  /// With probability `p`, 1 by default and 0.5 for `erase`, a change of what the pixels hold.
  case pixels(PixelOp, p: Float)
  case randAugment(RandAugment)
  /// Two images of a batch made one; the network does it.
  case mix(BatchMixing)

  /// Displaces each pixel by alpha·(G ∗ n), n from U(−1, 1) for each pixel and axis and G a Gaussian of
  /// deviation `sigma` pixels; alpha in 0...1000, sigma in 0...28 and not 0 (Simard, Steinkraus and
  /// Platt 2003; G is scipy.ndimage.gaussian_filter with zeros outside).
  public struct Elastic: Hashable, Sendable {
    public var alpha: Float
    public var sigma: Float
    public init(alpha: Float, sigma: Float) {
      self.alpha = alpha
      self.sigma = sigma
    }
  }

  /// Mirrors left and right (`horizontal`, the default) or top and bottom, with probability `p`, 0.5 by
  /// default (torchvision's RandomHorizontalFlip and RandomVerticalFlip).
  public struct Flip: Hashable, Sendable {
    public var axis: Axis
    public var p: Float
    public init(_ axis: Axis = .horizontal, p: Float = 0.5) {
      self.axis = axis
      self.p = p
    }
  }

  /// With probability `p`, 0.5 by default, seen in perspective: each corner goes inwards by
  /// U(0, distortion/2) of the height and, drawn apart, of the width; distortion in 0...0.9, 0.5 by
  /// default (torchvision's RandomPerspective, which draws whole pixels).
  public struct Perspective: Hashable, Sendable {
    public var distortion: Float
    public var p: Float
    public init(distortion: Float = 0.5, p: Float = 0.5) {
      self.distortion = distortion
      self.p = p
    }
  }
}

/// A random change of an image's pixels where they are; they are numbers in [0, 1] before and after.
public enum PixelOp: Hashable, Sendable {
  /// x ↦ f·x, f from U(max(0, 1 − fraction), 1 + fraction); fraction in 0...10 (torchvision's
  /// ColorJitter).
  case brightness(fraction: Float)
  /// x ↦ f·x + (1 − f)·m, f as of `brightness`, m the mean of the image's grey values, of three
  /// channels 0.2989 R + 0.587 G + 0.114 B (torchvision's ColorJitter).
  case contrast(fraction: Float)
  /// x ↦ x + deviation·z, z normal and drawn for each number; deviation in 0...10 (torchvision's v2
  /// GaussianNoise, with its clip).
  case noise(deviation: Float)
  case blur(Blur)
  case erase(Erase)
  /// Zeros a square of `size` pixels a side, 1...1024, whose centre is any pixel, so far as it lies
  /// within the image (DeVries and Taylor 2017; of an odd size, their program makes one less).
  case cutout(size: Int)

  /// Convolves with a Gaussian of `kernel` taps a side, an odd number of 1...63 and 3 by default, its
  /// deviation from U(sigma), [0.1, 2] by default, the image mirrored at its outermost pixels
  /// (torchvision's GaussianBlur).
  public struct Blur: Hashable, Sendable {
    public var kernel: Int
    public var sigma: ClosedRange<Float>
    public init(kernel: Int = 3, sigma: ClosedRange<Float> = 0.1...2) {
      self.kernel = kernel
      self.sigma = sigma
    }
  }

  /// Fills a rectangle whose share of the image is from U(area), [0.02, 0.33] by default, and whose
  /// height/width is exp U(ln ratio), [0.3, 3.3] by default, with `value`, 0 by default: random erasing
  /// (Zhong et al. 2017; torchvision's RandomErasing). Ten are drawn until one is less high and less
  /// wide than the image; where none is, nothing is filled.
  public struct Erase: Hashable, Sendable {
    public var area: ClosedRange<Float>
    public var ratio: ClosedRange<Float>
    public var value: Float
    public init(
      area: ClosedRange<Float> = 0.02...0.33, ratio: ClosedRange<Float> = 0.3...3.3,
      value: Float = 0
    ) {
      self.area = area
      self.ratio = ratio
      self.value = value
    }
  }
}

/// RandAugment (Cubuk et al. 2020) as torchvision has it: `count` ops, 2 by default, drawn with
/// repetition from `ops`, all of one magnitude m of 0...30, 9 by default, each with a random sign
/// where ± is written. By default all of the ops are drawn from, which are torchvision's.
///
/// Three things are done otherwise: what moves pixels is composed with the list's other mappings and
/// resampled once, bilinearly, and comes before what changes them; shears are about the image's centre,
/// not about its upper left corner; translations are not cut to whole pixels.
public struct RandAugment: Hashable, Sendable {
  public enum Op: String, Hashable, Sendable, CaseIterable {
    case identity
    /// Slants by ±0.3·m/30 along the rows, or along the columns.
    case shearX = "shear_x"
    case shearY = "shear_y"
    /// Moves by ±150/331·m/30 of the width, or of the height.
    case translateX = "translate_x"
    case translateY = "translate_y"
    /// Turns by ±m degrees.
    case rotate
    /// x ↦ f·x, f = 1 ± 0.9·m/30; so with the other factors.
    case brightness
    /// x ↦ f·x + (1 − f)·g, g the pixel's grey value, 0.2989 R + 0.587 G + 0.114 B; grey images stay.
    case color
    /// As `PixelOp.contrast`.
    case contrast
    /// x ↦ f·x + (1 − f)·s, s the mean of the three by three numbers around, the middle one counted
    /// five times; the outermost pixels stay.
    case sharpness
    /// ⌊2ᵇ·x⌋/2ᵇ, 8 − round(m/7.5) bits b.
    case posterize
    /// x ↦ 1 − x where x ≥ 1 − m/30.
    case solarize
    /// Stretches each channel to [0, 1].
    case autocontrast
    /// Spreads each channel's levels, as bytes, so that they are about equally frequent (Pillow's
    /// ImageOps.equalize).
    case equalize
  }

  public static let largest = 30
  public var count: Int
  public var magnitude: Int
  public var ops: [Op]

  public init(count: Int = 2, magnitude: Int = 9, ops: [Op] = Op.allCases) {
    precondition(!ops.isEmpty && (0...Self.largest).contains(magnitude))
    self.count = count
    self.magnitude = magnitude
    self.ops = ops
  }
}
