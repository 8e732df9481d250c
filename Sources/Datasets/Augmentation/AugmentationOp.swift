import ConvNet

/// One random distortion of a training image, drawn anew for each image and epoch. A spec gives a
/// list of them. Those that move pixels are composed into one mapping and resampled once; those that
/// change what the pixels hold follow, in their order in the list.
public enum AugmentationOp: Hashable, Sendable {
  public enum Axis: String, Hashable, Sendable, CaseIterable {
    case horizontal, vertical
  }

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
  /// Mirrors left and right (`horizontal`) or top and bottom, with probability `p` (torchvision's
  /// RandomHorizontalFlip and RandomVerticalFlip).
  case flip(Axis, p: Float)
  /// A crop of the image's own size, at a place drawn evenly, from the image amid `padding` zeros
  /// (torchvision's RandomCrop): it moves by −padding...padding whole rows and columns.
  case crop(padding: Int)
  /// With probability `p`, seen in perspective: each corner goes inwards by U(0, distortion/2) of the
  /// height and, drawn apart, of the width (torchvision's RandomPerspective, which draws whole
  /// pixels).
  case perspective(distortion: Float, p: Float)
  /// With probability `p`, a change of what the pixels hold.
  case pixels(PixelOp, p: Float)
  case randAugment(RandAugment)
  /// Two images of a batch made one; the network does it.
  case mix(BatchMixing)

  /// The name that a spec gives this op.
  public var name: String {
    switch self {
    case .rotate: "rotate"
    case .shift: "shift"
    case .zoom: "zoom"
    case .shear: "shear"
    case .elastic: "elastic"
    case .flip: "flip"
    case .crop: "crop"
    case .perspective: "perspective"
    case .pixels(let op, _): op.name
    case .randAugment: "rand_augment"
    case .mix(let mixing): mixing.name
    }
  }
}

/// A random change of an image's pixels where they are; they are numbers in [0, 1] before and after.
public enum PixelOp: Hashable, Sendable {
  /// x ↦ f·x, f from U(max(0, 1 − fraction), 1 + fraction) (torchvision's ColorJitter).
  case brightness(fraction: Float)
  /// x ↦ f·x + (1 − f)·m, f as of `brightness`, m the mean of the image's grey values, of three
  /// channels 0.2989 R + 0.587 G + 0.114 B (torchvision's ColorJitter).
  case contrast(fraction: Float)
  /// x ↦ x + deviation·z, z normal and drawn for each number (torchvision's v2 GaussianNoise).
  case noise(deviation: Float)
  /// Convolves with a Gaussian of `kernel` taps a side, its deviation from U(low, high), the image
  /// mirrored at its outermost pixels (torchvision's GaussianBlur).
  case blur(kernel: Int, low: Float, high: Float)
  /// Fills a rectangle whose share of the image is from U(area) and whose height/width is
  /// exp U(ln ratio) with `value`: random erasing (Zhong et al. 2017; torchvision's RandomErasing).
  /// Ten are drawn until one fits.
  case erase(area: ClosedRange<Float>, ratio: ClosedRange<Float>, value: Float)
  /// Zeros a square of `size` pixels a side whose centre is any pixel, so far as it lies within the
  /// image (DeVries and Taylor 2017).
  case cutout(size: Int)

  public var name: String {
    switch self {
    case .brightness: "brightness"
    case .contrast: "contrast"
    case .noise: "gaussian_noise"
    case .blur: "gaussian_blur"
    case .erase: "erase"
    case .cutout: "cutout"
    }
  }
}

/// RandAugment (Cubuk et al. 2020): `count` ops drawn with repetition from `ops`, all of one
/// magnitude m of 0...30, each with a random sign where it has one. The ranges are torchvision's; what
/// moves pixels is composed with the list's other mappings about the image's centre, and the rest
/// follows in the order drawn.
public struct RandAugment: Hashable, Sendable {
  public enum Op: String, Hashable, Sendable, CaseIterable {
    case identity
    /// Turns by m degrees.
    case rotate
    /// Slants by m/100 along the rows, or along the columns.
    case shearX = "shear_x"
    case shearY = "shear_y"
    /// Moves by 150/331·m/30 of the width, or of the height.
    case translateX = "translate_x"
    case translateY = "translate_y"
    /// A factor of 1 ± 0.9·m/30.
    case brightness, contrast
    /// x ↦ 1 − x where x ≥ 1 − m/30.
    case solarize
    /// Keeps 8 − round(m/7.5) bits.
    case posterize
    /// Stretches each channel to [0, 1].
    case autocontrast
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
