/// Dense and convolution layers move by their gradient between the inverses of two second moments, whose
/// Kronecker product stands for the layer's Fisher matrix (Martens and Grosse 2015; convolutions: Grosse
/// and Martens 2016). V is the gradient of the mean loss by kernel and bias, (inputs + 1, outputs):
///
///     A = E[Σₚ a·aᵀ]     S = E[Σₚ g·gᵀ]/P     averaged over the steps with min(1 − 1/k, β)
///     U = (A + π√λ·I)⁻¹·V·(S + √λ/π·I)⁻¹     π² = (tr A/dim A) / (tr S/dim S)
///     v = μv + νU;  w −= ηv     ν = min(1, √(κ / η²Σ⟨U, V⟩))
///
/// a is the input of one output position, its patch and a 1 for the bias, g the gradient of a sample's own
/// loss by what the position gives before its activation, P the positions of a layer, 1 of a dense one.
/// Positions that nothing reads are left out. The labels are the batch's, so that this is the empirical
/// Fisher matrix, as in most libraries; the true one would draw them from the network's output. λ, the
/// damping, is shared out as in section 6.3 of the first paper, and κ bounds the sum over all layers as
/// Ba, Grosse and Martens 2017 do; the moments are taken in and inverted, by Cholesky's factors, at
/// every so many steps. What no such layer holds, a layer with groups or with more than `largest` inputs
/// or outputs, moves by plain SGD with the same momentum, in PyTorch's form.
public struct KFACDescription: UpdateRule {
  /// μ
  public var momentum: Float
  /// λ
  public var damping: Float
  /// β
  public var decay: Float
  /// κ
  public var trust: Float
  /// How many steps pass from one inversion to the next.
  public var every: Int
  /// How many steps pass from one batch whose moments are taken in to the next.
  public var momentsEvery: Int
  public var largest: Int
  public init(
    momentum: Float = 0.9, damping: Float = 0.01, decay: Float = 0.95, trust: Float = 1e-4,
    every: Int = 50, momentsEvery: Int = 1, largest: Int = 2048
  ) {
    self.momentum = momentum
    self.damping = damping
    self.decay = decay
    self.trust = trust
    self.every = every
    self.momentsEvery = momentsEvery
    self.largest = largest
  }

  /// The rule of U and of all else.
  var other: OptimizerRule {
    .sgd(SGDDescription(momentum: momentum, convention: .pytorch))
  }

  package var name: String { "kfac" }
  package var moments: [String] { momentum == 0 ? [] : ["velocity"] }
  package var momentumToCycle: Float? { momentum == 0 ? nil : momentum }
  package func with(momentum: Float) -> KFACDescription {
    var kfac = self
    kfac.momentum = momentum
    return kfac
  }
  package var rule: OptimizerRule { .kfac(self) }
}

/// The two moments of all layers that K-FAC moves: when they are taken in and inverted. Workers share
/// this out by parts that are cut by the layers' sizes alone.
final class KFAC: TeamWork {
  private let description: KFACDescription
  private let layers: [KroneckerLayer]
  private let parts: [Part]
  private var step = 0
  private var pass = MomentPass()

  /// Some rows of one of a layer's moments.
  private struct Part {
    let layer: KroneckerLayer
    let side: KroneckerLayer.Side
    let rows: Range<Int>
  }

  /// A layer's steps so far, from 1: one that began to learn later counts none of those before.
  private func step(of layer: KroneckerLayer) -> Int { step - layer.after }

  /// Of a step: whether its batches' moments of a layer are taken in.
  private func takesMoments(of layer: KroneckerLayer) -> Bool {
    (step(of: layer) - 1) % description.momentsEvery == 0
  }

  private func isInverted(_ layer: KroneckerLayer) -> Bool {
    (step(of: layer) - 1) % description.every == 0
  }

  init?(_ layers: [KroneckerLayer], _ rule: OptimizerRule) {
    guard case .kfac(let description) = rule else { return nil }
    self.layers = layers
    self.description = description
    parts = layers.flatMap { layer in
      KroneckerLayer.Side.allCases.flatMap { side in
        Gram.panels(of: layer.moment(side).order).map { Part(layer: layer, side: side, rows: $0) }
      }
    }
  }

  /// Before the passes of a step.
  func begin(step: Int) {
    self.step = step
    for layer in layers { layer.takesBlocks = takesMoments(of: layer) }
  }

  /// After a pass over `count` of the step's `total` samples.
  func takePass(count: Int, of total: Int, isFirst: Bool, isLast: Bool, team: Team) {
    guard layers.contains(where: { takesMoments(of: $0) }) else { return }
    pass = MomentPass(count: count, isFirst: isFirst, total: isLast ? total : nil)
    team.run(self, phase: Self.momentPhase, tiles: parts.count)
    if isLast {
      for layer in layers { layer.takesBlocks = false }
    }
  }

  /// Before the gradients are made directions.
  func invert(team: Team) {
    guard layers.contains(where: { isInverted($0) }) else { return }
    team.run(self, phase: Self.inversePhase, tiles: 2 * layers.count)
  }

  /// ν, once all directions are there.
  func scale(learningRate: Float) -> Float {
    let (trust, rate) = (Double(description.trust), Double(learningRate))
    let length = rate * rate * layers.reduce(0) { $0 + $1.alignment }
    return length > trust ? Float((trust / length).squareRoot()) : 1
  }

  private static let momentPhase = 0
  private static let inversePhase = 1

  func perform(phase: Int, tile: Int, worker: Int) {
    if phase == Self.momentPhase {
      let part = parts[tile]
      guard takesMoments(of: part.layer) else { return }
      let update = (step(of: part.layer) - 1) / description.momentsEvery + 1
      var pass = pass
      pass.kept = min(1 - 1 / Float(update), description.decay)
      part.layer.take(pass, part.side, rows: part.rows)
    } else {
      let layer = layers[tile / 2]
      guard isInverted(layer) else { return }
      layer.invert(
        tile % 2 == 0 ? .inputs : .outputs, damping: Double(description.damping))
    }
  }
}

/// A pass as the moments see it.
struct MomentPass {
  var count = 0
  /// Of the step's.
  var isFirst = true
  /// Samples of the whole step, if this is its last pass.
  var total: Int?
  /// What the average keeps of itself.
  var kept: Float = 0
}
