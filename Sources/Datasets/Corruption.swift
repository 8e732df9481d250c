import ConvNet

/// A way in which test images are spoiled, to see how much a network bears. The kinds are those of MNIST-C
/// (N. Mu and J. Gilmer, "MNIST-C: a robustness benchmark for computer vision", 2019); what each does is
/// defined here, at five severities. Lengths are in pixels of an image of 28 and grow with the image.
///
/// What an image becomes depends on (seed, kind, image) alone, and is rounded to bytes.
public enum Corruption: String, Hashable, Sendable, CaseIterable {
  /// v ← k/λ, k from a Poisson distribution of mean λ·v, λ = 60, 25, 12, 5, 3.
  case shotNoise = "shot_noise"
  /// v ← 0 or 1, each as likely, with the probability 0.03, 0.06, 0.09, 0.17, 0.27.
  case impulseNoise = "impulse_noise"
  /// Blurred, pixels exchanged with others up to δ away, several times, and blurred again.
  case glassBlur = "glass_blur"
  /// The mean along a line of 3, 5, 7, 9, 11 pixels at an angle from U(−45°, 45°).
  case motionBlur = "motion_blur"
  /// Slanted along the rows by 0.1, 0.2, 0.3, 0.4, 0.5 of the height, to either side.
  case shear
  /// Made 0.9, 0.8, 0.7, 0.6, 0.5 times as large.
  case scale
  /// Turned by 10, 20, 30, 40, 50 degrees, to either side.
  case rotate
  /// v ← v + 0.1, 0.2, 0.3, 0.4, 0.5.
  case brightness
  /// Moved by 0.05, 0.1, 0.15, 0.2, 0.25 of the image in any direction.
  case translate
  /// v ← 1 − v in an upright band of 0.1, 0.2, 0.3, 0.4, 0.5 of the width.
  case stripe
  /// v ← (1 − a)·v + a·n, n a cloud of noise of five sizes, a = 0.2, 0.3, 0.4, 0.5, 0.6.
  case fog
  /// Light drops over 0.03, 0.06, 0.1, 0.14, 0.2 of the image.
  case spatter
  /// One to five dotted lines from side to side.
  case dottedLine = "dotted_line"
  /// One to five jagged lines from side to side.
  case zigzag
  /// Nothing but the edges (J. Canny 1986) of the image blurred by σ = 0.6, 0.8, 1, 1.2, 1.4.
  case cannyEdges = "canny_edges"

  public static let severities = 1...5

  /// The set with every image spoiled.
  public func apply(
    to set: ImageSet, severity: Int, seed: UInt64, threads: Int
  ) -> ImageSet {
    precondition(Self.severities.contains(severity))
    let kind = UInt32(Self.allCases.firstIndex(of: self)!)
    let size = set.pixelsPerImage
    let pixels = [UInt8](unsafeUninitializedCapacity: set.pixels.count) { buffer, initialized in
      let base = SendablePointer(buffer.baseAddress!)
      forEachPart(of: set.count, threads: threads) { range in
        var canvas = Canvas(height: set.height, width: set.width, channels: set.channels)
        for index in range {
          var random = RandomStream(
            seed: seed, purpose: .corruption, epoch: kind, sample: UInt32(index))
          canvas.load(set.image(index))
          spoil(&canvas, severity - 1, &random)
          let out = base.pointer + index * size
          for i in 0..<size {
            out[i] = UInt8((min(max(canvas.values[i], 0), 1) * 255).rounded())
          }
        }
      }
      initialized = set.pixels.count
    }
    return ImageSet(
      height: set.height, width: set.width, channels: set.channels, classes: set.classes,
      pixels: pixels, labels: set.labels)
  }

  private func spoil(_ canvas: inout Canvas, _ level: Int, _ random: inout RandomStream) {
    let step = Float(level + 1)
    /// To either side.
    func sided(_ amount: Float) -> Float { random.next() & 1 == 0 ? amount : -amount }
    switch self {
    case .shotNoise:
      let rate: Float = [60, 25, 12, 5, 3][level]
      canvas.change { Self.poisson($0 * rate, &random) / rate }
    case .impulseNoise:
      let share: Float = [0.03, 0.06, 0.09, 0.17, 0.27][level]
      canvas.change { value in
        let u = random.uniform()
        return u < share / 2 ? 0 : u < share ? 1 : value
      }
    case .glassBlur:
      let (sigma, reach, times): (Float, Float, Int) = [
        (0.5, 1, 1), (0.6, 1, 2), (0.7, 1, 3), (0.8, 2, 2), (0.9, 2, 3),
      ][level]
      canvas.blur(sigma: sigma * canvas.unit)
      for _ in 0..<times { canvas.exchange(reach: Int((reach * canvas.unit).rounded()), &random) }
      canvas.blur(sigma: sigma * canvas.unit)
    case .motionBlur:
      let angle = random.uniform(-Float.pi / 4, Float.pi / 4)
      canvas.streak(length: (2 * step + 1) * canvas.unit, angle: angle)
    case .shear: canvas.map(PlaneMap(cr: sided(0.1 * step)))
    case .scale: canvas.map(.zoom(1 - 0.1 * step))
    case .rotate: canvas.map(.rotation(degrees: sided(10 * step)))
    case .brightness: canvas.change { $0 + 0.1 * step }
    case .translate:
      let (sin, cos) = Elementary.sincos(random.uniform(0, 2 * Float.pi))
      canvas.map(
        .shift(
          rows: sin * 0.05 * step * Float(canvas.height),
          columns: cos * 0.05 * step * Float(canvas.width)))
    case .stripe:
      let width = max(1, Int((0.1 * step * Float(canvas.width)).rounded()))
      canvas.invert(
        from: Int(random.below(UInt32(max(1, canvas.width - width + 1)))), width: width)
    case .fog:
      let cloud = canvas.cloud(&random)
      canvas.blend(cloud, 0.1 + 0.1 * step)
    case .spatter:
      canvas.spatter(share: [0.03, 0.06, 0.1, 0.14, 0.2][level], &random)
    case .dottedLine:
      for _ in 0...level { canvas.dottedLine(&random) }
    case .zigzag:
      for _ in 0...level { canvas.zigzag(&random) }
    case .cannyEdges: canvas.edges(sigma: (0.4 + 0.2 * step) * canvas.unit)
    }
  }

  /// A number of a Poisson distribution, by multiplying uniform ones until they fall below e^−mean
  /// (D. Knuth); means up to 60.
  static func poisson(_ mean: Float, _ random: inout RandomStream) -> Float {
    guard mean > 0 else { return 0 }
    let least = Elementary.exp(-Double(mean))
    var product = 1.0
    var count: Float = -1
    repeat {
      product *= Double(random.next()) * 0x1p-32
      count += 1
    } while product > least
    return count
  }
}
