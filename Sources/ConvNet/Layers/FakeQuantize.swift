// Values rounded as integers have them, in training with quantisation. The network description puts these
// layers into the plan; no one writes them.

/// Rounding to 256 steps of a range, while numbers stay floats (Jacob et al. 2018):
///
///     y = s(min(max(round(x/s) + z, −128), 127) − z)
///
/// round to the nearest, of two to the even. Any shape.
public struct FakeQuantizeDescription: Hashable, Sendable {
  /// Where s and z come from.
  public enum Range: Hashable, Sendable {
    /// A least and a greatest number that stay as they are.
    case fixed
    /// Moving averages of those of a batch, which a step goes by as they were before it.
    case running(momentum: Float)
    /// log₂ s and z are trained. What begins at 0 goes on beginning there: z stays at an end.
    case learned
    /// The range of another's values.
    case ofAnother
  }

  /// The layer whose values the range is of, by its label.
  public let layer: String
  public let range: Range

  init(rangeOf layer: String, _ range: Range) {
    self.layer = layer
    self.range = range
  }
}

extension FakeQuantizeDescription.Range {
  /// The two numbers that a range is kept as: its ends, or log₂ s and z.
  var roles: [TensorInfo.Role] {
    self == .learned ? [.logScale, .zeroPoint] : [.minimum, .maximum]
  }

  func scale(_ first: Float, _ second: Float) -> ValueScale {
    self == .learned
      ? ValueScale(logarithm: first, zeroPoint: second) : ValueScale(low: first, high: second)
  }

  func tensors(of range: ClosedRange<Float>) -> (Float, Float) {
    guard self == .learned else { return (range.lowerBound, range.upperBound) }
    let scale = ValueScale(low: range.lowerBound, high: range.upperBound)
    return (scale.logarithm, Float(scale.zeroPoint))
  }
}

extension FakeQuantizeDescription: LayerDefinition {
  var kind: String { "fake_quantize" }
  var liveOutputs: LiveOutputs { .asInput }

  func infer(_ input: Shape) -> InferredLayer { InferredLayer(output: input) }

  /// 0 to 1 until they are begun.
  private var tensors: [ParameterDefinition] {
    let numbers = range.tensors(of: 0...1)
    return zip(range.roles, [numbers.0, numbers.1]).map { .channels($0, 1, initial: $1) }
  }

  func parameters(of input: Shape) -> [ParameterDefinition] { range == .learned ? tensors : [] }

  func statistics(of input: Shape) -> [ParameterDefinition] {
    switch range {
    case .fixed, .running: tensors
    case .learned, .ofAnother: []
    }
  }

  func make(_ site: LayerSite) -> any Layer {
    let owner =
      range == .ofAnother ? site.layer(labelled: FakeQuantization.label(of: layer)) : site.layer
    guard case .fakeQuantize(let kept) = owner.description else {
      preconditionFailure("\(owner.label) has no range")
    }
    let numbers = kept.range.roles.map { site.tensor("\(owner.label)/\($0.rawValue)") }
    return FakeQuantize(
      range, kept: kept.range, first: numbers[0], second: numbers[1],
      learned: range == .learned
        ? (site.parameters[.logScale]!, site.parameters[.zeroPoint]!) : nil,
      input: site.input, output: site.output, tiles: Tile.count(of: site.batchSize),
      arena: site.arena)
  }
}

/// The values of a layer, rounded; the gradient passes straight through within the range (Bengio, Léonard
/// and Courville 2013), and is 0 outside:
///
///     q = round(x/s)     y = s·min(max(q, l), h)     l = −128 − z, h = 127 − z
///     dx = dy for l ≤ q ≤ h, else 0
///     ds = Σ dy·(q − x/s) within, dy·l below, dy·h above     dz = −s·Σ dy outside
///
/// as of PyTorch's `_fake_quantize_learnable_per_tensor_affine`. What is trained is log₂ s, whose gradient
/// is s·ln 2·ds, and z; both gradients are multiplied by 1/√(255·n), n the numbers of a sample (Esser et
/// al. 2020, LSQ).
final class FakeQuantize: BatchKeepingLayer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { .inputs }

  private let range: FakeQuantizeDescription.Range
  private let kept: FakeQuantizeDescription.Range
  private let first: UnsafeMutablePointer<Float>
  private let second: UnsafeMutablePointer<Float>
  private let learned: (logScale: TiledParameter, zeroPoint: TiledParameter)?
  private let input: Activations
  private let output: Activations
  /// The least and the greatest number of each tile, (tiles, 2), where the range goes by them.
  private let extremes: Buffer

  /// - Parameters:
  ///   - kept: as what the two numbers are kept.
  ///   - learned: where these numbers are trained.
  init(
    _ range: FakeQuantizeDescription.Range, kept: FakeQuantizeDescription.Range,
    first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>,
    learned: (TiledParameter, TiledParameter)?, input: Activations, output: Activations,
    tiles: Int, arena: Arena
  ) {
    self.range = range
    self.kept = kept
    self.first = first
    self.second = second
    self.learned = learned
    self.input = input
    self.output = output
    if case .running = range {
      extremes = arena.floats(tiles, 2)
    } else {
      extremes = arena.floats(0)
    }
  }

  private var scale: ValueScale { kept.scale(first[0], second[0]) }

  func forward(_ tile: Tile) {
    let (x, y) = (input.values(of: tile), output.values(of: tile))
    let count = tile.count * input.size
    if case .running = range, tile.isTraining { observe(x, count, tile) }
    let scale = scale
    let (s, inverse, (low, high)) = (scale.scale, 1 / scale.scale, scale.limits)
    for i in 0..<count {
      let ratio = x[i] * inverse
      let held = ratio < low ? low : (ratio > high ? high : ratio)
      y[i] = s * ((held + Self.wholes) - Self.wholes)
    }
  }

  /// What leaves no place behind the point when it is added to a number of at most 2²².
  private static let wholes: Float = 12_582_912

  /// x/s of sixteen numbers, held where what is outside is rounded to a whole outside, and the same
  /// rounded.
  @inline(__always)
  private func rounded(
    _ x: Vector, _ inverse: Float, _ low: Float, _ high: Float
  ) -> (ratio: Vector, whole: Vector) {
    var ratio = x * inverse
    ratio.replace(with: low - 1, where: ratio .< low - 1)
    ratio.replace(with: high + 1, where: ratio .> high + 1)
    return (ratio, (ratio + Self.wholes) - Self.wholes)
  }

  private func observe(_ x: UnsafePointer<Float>, _ count: Int, _ tile: Tile) {
    var (lows, highs) = (Vector(repeating: x[0]), Vector(repeating: x[0]))
    var i = 0
    while i &+ 16 <= count {
      let values: Vector = load(x + i)
      lows.replace(with: values, where: values .< lows)
      highs.replace(with: values, where: values .> highs)
      i = i &+ 16
    }
    while i < count {
      lows[0] = x[i] < lows[0] ? x[i] : lows[0]
      highs[0] = x[i] > highs[0] ? x[i] : highs[0]
      i = i &+ 1
    }
    extremes.base[2 * tile.index] = lows.min()
    extremes.base[2 * tile.index + 1] = highs.max()
  }

  func commit(count: Int, batch: Int) {
    guard case .running(let momentum) = range else { return }
    var (low, high) = (extremes.base[0], extremes.base[1])
    for tile in 1..<max(1, Tile.count(of: batch)) {
      low = min(low, extremes.base[2 * tile])
      high = max(high, extremes.base[2 * tile + 1])
    }
    first[0] = momentum * first[0] + (1 - momentum) * low
    second[0] = momentum * second[0] + (1 - momentum) * high
  }

  func backward(_ tile: Tile) {
    let (x, dy) = (input.values(of: tile), output.gradients(of: tile))
    let count = tile.count * input.size
    let scale = scale
    if let learned { takeGradient(of: learned, scale, x, dy, count, tile) }
    guard input.hasGradient else { return }
    let dx = input.gradients(of: tile)
    let (inverse, (low, high)) = (1 / scale.scale, scale.limits)
    for i in 0..<count {
      let ratio = x[i] * inverse
      let held = ratio < low - 1 ? low - 1 : (ratio > high + 1 ? high + 1 : ratio)
      let q = (held + Self.wholes) - Self.wholes
      dx[i] = q < low || q > high ? 0 : dy[i]
    }
  }

  private func takeGradient(
    of learned: (logScale: TiledParameter, zeroPoint: TiledParameter), _ scale: ValueScale,
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ count: Int, _ tile: Tile
  ) {
    let (s, inverse, (low, high)) = (scale.scale, 1 / scale.scale, scale.limits)
    // Σ dy·∂y/∂s and Σ dy outside, in sixteen parts each.
    var (slopes, outside) = (Vector(), Vector())
    var i = 0
    while i < count {
      var (values, g): (Vector, Vector) = (load(x + i), load(dy + i))
      if count - i < 16 {
        // What lies behind the last number counts nothing.
        for lane in count - i..<16 { (values[lane], g[lane]) = (0, 0) }
      }
      let (ratio, q) = rounded(values, inverse, low, high)
      let (below, above) = (q .< low, q .> high)
      var slope = q - ratio
      slope.replace(with: low, where: below)
      slope.replace(with: high, where: above)
      slopes += g * slope
      outside += Vector().replacing(with: g, where: below .| above)
      i = i &+ 16
    }
    var (ds, dz): (Float, Float) = (0, 0)
    for lane in 0..<16 {
      ds += slopes[lane]
      dz -= s * outside[lane]
    }
    let factor = 1 / (255 * Float(input.size)).squareRoot()
    learned.logScale.gradient(of: tile)[0] = factor * s * Float(ValueScale.logOfTwo) * ds
    let isAtAnEnd = scale.zeroPoint == -128 || scale.zeroPoint == 127
    learned.zeroPoint.gradient(of: tile)[0] = isAtAnEnd ? 0 : factor * dz
  }
}
