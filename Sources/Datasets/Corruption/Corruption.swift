import Elements

/// A way in which test images are spoiled, to see how much a network bears: the fifteen of MNIST-C
/// (N. Mu and J. Gilmer, "MNIST-C: a robustness benchmark for computer vision", 2019), each by the
/// formula of the program that made it, so that figures can be placed beside published ones. Noise,
/// blurs, brightness, fog and spatter are those of ImageNet-C (D. Hendrycks and T. Dietterich,
/// "Benchmarking neural network robustness to common corruptions and perturbations", ICLR 2019),
/// fitted to small grey images.
///
/// Eleven have five severities, of which MNIST-C took one for each; four have one form only. v is a
/// pixel's value in [0, 1], and what comes out is cut to that range. Lengths are in pixels of an image
/// of 28 x 28 and grow with the image.
///
/// What an image becomes depends on (seed, kind, image) alone, and is rounded to bytes. The random
/// numbers are our own: images are not the published ones, but further draws of the same recipe.
public enum Corruption: String, Hashable, Sendable, CaseIterable {
  /// v ← k/λ, k from a Poisson distribution of mean λ·v, λ = 60, 25, 12, 5, 3.
  case shotNoise = "shot_noise"
  /// v ← 0 or 1, each as likely, with the probability 0.03, 0.06, 0.09, 0.17, 0.27.
  case impulseNoise = "impulse_noise"
  /// Blurred down the columns, pixels exchanged with near ones, and blurred again: `GlassBlur`.
  case glassBlur = "glass_blur"
  /// Smeared along a line at an angle from U(−45°, 45°): `MotionBlur`.
  case motionBlur = "motion_blur"
  /// Slanted by the angle 0.2, 0.4, 0.6, 0.8, 1 to either side.
  case shear
  /// Made 0.9, 0.8, 0.7, 0.6, 0.5 times as large.
  case scale
  /// Turned by the angle 0.2, 0.4, 0.6, 0.8, 1 to either side.
  case rotate
  /// v ← v + 0.1, 0.2, 0.3, 0.4, 0.5.
  case brightness
  /// Moved by 1, 2, 3, 4, 5 whole pixels, up or down and to the left or right.
  case translate
  /// v ← 1 − v in the first and the last quarter of the columns.
  case stripe
  /// A cloud over it, and the contrast less: `Fog`.
  case fog
  /// Splashes of dark grey mud: `Spatter`.
  case spatter
  /// A dotted line from side to side: `DottedLine`.
  case dottedLine = "dotted_line"
  /// A jagged line from side to side: `Zigzag`.
  case zigzag
  /// Nothing but the edges: `CannyEdges`.
  case cannyEdges = "canny_edges"

  public static let severities = 1...5

  /// The severity of MNIST-C's images; nil for a kind of one form only.
  public var publishedSeverity: Int? {
    switch self {
    case .glassBlur, .motionBlur: 1
    case .shear, .rotate: 2
    case .scale, .translate: 3
    case .impulseNoise, .spatter: 4
    case .shotNoise, .brightness, .fog: 5
    case .stripe, .dottedLine, .zigzag, .cannyEdges: nil
    }
  }

  /// The severity that is meant where this one, or else the published one, is asked for; nil for a kind
  /// of one form only.
  public func severity(_ asked: Int?) -> Int? { publishedSeverity.map { asked ?? $0 } }

  /// The set with every image spoiled, with the published severity if none is given.
  public func apply(
    to set: ImageSet, severity: Int? = nil, seed: UInt64, threads: Int
  ) -> ImageSet {
    apply(to: ImageSource(set), 0..<set.count, severity: severity, seed: seed, threads: threads)
  }

  /// Some of the samples of a source, each spoiled by what chance has for its place.
  public func apply(
    to source: ImageSource, _ places: Range<Int>, severity: Int? = nil, seed: UInt64, threads: Int
  ) -> ImageSet {
    let severity = self.severity(severity) ?? 1
    precondition(Self.severities.contains(severity))
    let kind = UInt32(Self.allCases.firstIndex(of: self)!)
    let set = source.images
    let size = set.pixelsPerImage
    let count = places.count * size
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      let base = SendablePointer(buffer.baseAddress!)
      forEachPart(of: places.count, threads: threads) { range in
        var canvas = Canvas(height: set.height, width: set.width, channels: set.channels)
        for index in range {
          let place = places.lowerBound + index
          var random = RandomStream(
            seed: seed, purpose: .corruption, epoch: kind, sample: UInt32(place))
          canvas.load(set.image(source.image(of: place)))
          spoil(&canvas, severity, &random)
          canvas.store(to: base.pointer + index * size)
        }
      }
      initialized = count
    }
    return ImageSet(
      height: set.height, width: set.width, channels: set.channels, classes: set.classes,
      pixels: pixels,
      labels: source.labels.chosen(Int32(places.lowerBound)..<Int32(places.upperBound)))
  }

  private func spoil(_ canvas: inout Canvas, _ severity: Int, _ random: inout RandomStream) {
    let level = severity - 1
    switch self {
    case .shotNoise:
      let rate: Double = [60, 25, 12, 5, 3][level]
      canvas.change { Self.poisson($0 * rate, &random) / rate }
    case .impulseNoise:
      let share: Float = [0.03, 0.06, 0.09, 0.17, 0.27][level]
      canvas.change { value in
        let u = random.uniform()
        return u < share / 2 ? 0 : u < share ? 1 : value
      }
    case .glassBlur:
      let glass = GlassBlur.levels[level]
      glass.apply(glass.draw(for: canvas, &random), to: &canvas)
    case .motionBlur:
      let angle = random.uniform(-Float.pi / 4, Float.pi / 4)
      MotionBlur.levels[level].apply(angle: angle, to: &canvas)
    case .shear, .scale, .rotate, .translate:
      let sides = (random.side(), random.side())
      canvas.map(map(severity: severity, sides: sides, unit: Float(canvas.unit))!)
    case .brightness: canvas.change { $0 + 0.1 * Double(severity) }
    case .stripe: canvas.invertSides()
    case .fog: Fog.levels[level].apply(Cloud.draw(&random), to: &canvas)
    case .spatter: Spatter.levels[level].apply(Spatter.draw(for: canvas, &random), to: &canvas)
    case .dottedLine: DottedLine(drawnBy: &random).apply(to: &canvas)
    case .zigzag: Zigzag(drawnBy: &random).apply(to: &canvas)
    case .cannyEdges: canvas.fill(CannyEdges(of: canvas, sigma: canvas.unit).traced)
    }
  }

  /// Where each pixel of an image that is mapped comes from, to the sides that chance has chosen, each
  /// 1 or −1; nil for another kind.
  func map(severity: Int, sides: (Float, Float), unit: Float) -> PlaneMap? {
    let step = Float(severity)
    switch self {
    case .shear:
      // scikit-image's AffineTransform before 0.21, (x, y) ↦ (x − y·sin c, y·cos c), which also makes
      // the image 1/cos c times as high.
      let (sin, cos) = Elementary.sincos(0.2 * step * sides.0)
      return PlaneMap(rr: cos, cr: -sin)
    case .scale: return .zoom(1 - 0.1 * step)
    case .rotate: return .rotation(radians: 0.2 * step * sides.0)
    case .translate:
      let distance = (step * unit).rounded()
      return .shift(rows: sides.0 * distance, columns: sides.1 * distance)
    default: return nil
    }
  }

  /// A number of a Poisson distribution, by multiplying uniform ones until they fall below e^−mean
  /// (D. Knuth); means up to 60.
  static func poisson(_ mean: Double, _ random: inout RandomStream) -> Double {
    guard mean > 0 else { return 0 }
    let least = Elementary.exp(-mean)
    var product = 1.0
    var count = -1.0
    repeat {
      product *= Double(random.next()) * 0x1p-32
      count += 1
    } while product > least
    return count
  }
}

extension RandomStream {
  /// 1 or −1, each as likely.
  fileprivate mutating func side() -> Float { next() & 1 == 0 ? 1 : -1 }
}
