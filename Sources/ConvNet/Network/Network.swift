/// A network with its optimizer, built for a batch size and a team of workers: all memory is taken
/// here, none in a step. How it steps is in `TrainingStep.swift`, how it evaluates in
/// `Evaluation.swift`.
public final class Network {
  public let plan: NetworkPlan
  public let batchSize: Int
  public let team: Team

  /// Every number that a checkpoint must hold of the weights: trainable ones first, then moving
  /// statistics.
  public var parameters: UnsafeMutableBufferPointer<Float> { weights.all }
  public let tensors: [TensorInfo]

  /// What the optimizer remembers, by name: its moments, each as long as the trainable part of
  /// `parameters`, what else it keeps of whole kernels, and the average of all of them.
  public var optimizerState: [(name: String, values: UnsafeMutableBufferPointer<Float>)] {
    var state = zip(optimizer.rule.moments, moments).map { (name: $0, values: $1.all) }
    for rule in kernelRules {
      let kernel = parameterList[rule.parameters[0]].name
      state += rule.state.map { (name: "\(optimizer.rule.name)/\(kernel)/\($0)", values: $1.all) }
    }
    if optimizer.averaging != nil { state.append((name: "average", values: averages.all)) }
    return state
  }

  /// How often the average has taken the weights in; with `optimizerState` a checkpoint must hold it.
  public var averageCount = 0

  /// Batches whose statistics batch norms have kept. A checkpoint must hold it where one corrects its
  /// moving averages by it.
  public var batchesKept = 0

  /// What is done to every image before the first layer; nil for nothing. A checkpoint must hold it.
  public var normalization: Normalization? {
    get { normalizer?.normalization }
    set {
      normalizer = newValue.map {
        Normalizer($0, input: plan.description.input, workers: team.count)
      }
    }
  }
  private(set) var normalizer: Normalizer?

  /// Where each layer spends its time, when a clock is set; see `Profile`.
  public var profile: Profile?

  /// What all of its memory is a piece of.
  private let arena: Arena
  let optimizer: OptimizerDescription
  let loss: LossFunction
  let weights: Buffer
  let gradients: Buffer
  let moments: [Buffer]
  /// As long as the weights where they are averaged, else empty.
  let averages: Buffer
  let partials: Partials
  let parameterList: [Parameter]
  let updateTiles: [UpdateTile]
  let transposeTiles: [UpdateTile]
  /// Σg² of each.
  let gradientSquares: UnsafeMutablePointer<Double>
  /// The gradient of the passes of a step so far, and the weights as they were before they were
  /// displaced; both empty where nothing asks for them.
  let accumulated: Buffer
  let displaced: Buffer
  /// The factors of some layers' learning rates, and, for each parameter, which of them is its own.
  let factors: [Float]
  let factorPlaces: [Int?]
  var slowUpdates: [OptimizerStep]
  /// What moves whole kernels; and, for each parameter that is of one, what its direction is for.
  let kernelRules: [any KernelRule]
  let kernelDirections: [KernelDirection?]
  let kfac: KFAC?
  /// The orthogonal penalties, and, for each parameter, which of them is its own.
  let penalties: [OrthogonalPenalty]
  let penaltyPlaces: [Int?]
  /// Parameters whose columns are bounded; and, of each, a number for every column.
  let bounded: [Int]
  let columnNorms: [Buffer]
  let layers: [BuiltLayer]
  let input: Activations
  let logits: Activations
  let tensorMemory: TensorMemory
  let training: [Phase]
  let inference: [Operation]
  /// Samples of a tile in an evaluation.
  let inferenceTile: Int

  // What the phases of a step share; written by the caller of a step only.
  var current = StepState()
  let sampleList: UnsafeMutablePointer<Int32>
  let mixer: Mixer?
  /// One per sample of a batch, or of an evaluation.
  var losses: Buffer
  var predictions: UnsafeMutablePointer<UInt8>
  /// What those two are pieces of, where more are evaluated at once than a batch has.
  var evaluationMemory: Arena?

  /// A layer, the tensor it writes, and the place in the description of the last of the layers that
  /// it stands for (a convolution may do the pooling after it too).
  struct BuiltLayer {
    let layer: any Layer
    let output: Activations
    let place: Int
    let name: String

    var isWide: Bool { (layer as? Dense)?.isWide ?? false }
  }

  /// - Throws: `NetworkError`, naming the layer; `OutOfMemory`.
  public convenience init(
    _ description: NetworkDescription, loss: LossDescription = .softmaxCrossEntropy,
    optimizer: OptimizerDescription, mixing: [BatchMixing] = [], batchSize: Int, seed: UInt64,
    team: Team
  ) throws {
    try self.init(
      NetworkPlan(description), loss: loss, optimizer: optimizer, mixing: mixing,
      batchSize: batchSize, seed: seed, team: team)
  }

  /// - Parameter sharesMemory: whether tensors that are not needed at the same time may lie in one
  ///   place; it changes no bit.
  public convenience init(
    _ plan: NetworkPlan, loss: LossDescription = .softmaxCrossEntropy,
    optimizer: OptimizerDescription, mixing: [BatchMixing] = [], batchSize: Int, seed: UInt64,
    team: Team, sharesMemory: Bool = true
  ) throws {
    let counted = try Network.counted(
      plan, loss: loss, optimizer: optimizer, mixing: mixing, batchSize: batchSize,
      workers: team.count, sharesMemory: sharesMemory)
    try self.init(
      plan, loss: loss, optimizer: optimizer, mixing: mixing, batchSize: batchSize, seed: seed,
      team: team, sharesMemory: sharesMemory, arena: Arena(bytes: counted.memory))
  }

  /// The network without its memory, to tell what it would take.
  static func counted(
    _ plan: NetworkPlan, loss: LossDescription = .softmaxCrossEntropy,
    optimizer: OptimizerDescription, mixing: [BatchMixing] = [], batchSize: Int, workers: Int,
    sharesMemory: Bool = true
  ) throws(NetworkError) -> Network {
    try Network(
      plan, loss: loss, optimizer: optimizer, mixing: mixing, batchSize: batchSize, seed: 0,
      team: Team(counting: workers), sharesMemory: sharesMemory, arena: Arena())
  }

  private init(
    _ plan: NetworkPlan, loss: LossDescription, optimizer: OptimizerDescription,
    mixing: [BatchMixing], batchSize: Int, seed: UInt64, team: Team, sharesMemory: Bool,
    arena: Arena
  ) throws(NetworkError) {
    precondition(batchSize > 0 && (optimizer.accumulation == 1 || optimizer.sharpness == nil))
    self.arena = arena
    self.plan = plan
    self.optimizer = optimizer
    self.batchSize = batchSize
    self.team = team
    self.loss = LossFunction(loss, classes: plan.description.classes, in: arena)
    let builder = NetworkBuilder(
      plan, rule: optimizer.rule, batchSize: batchSize, workers: team.count, seed: seed,
      arena: arena)
    try builder.build()
    weights = builder.weights
    gradients = builder.gradients
    partials = builder.partials
    parameterList = builder.parameters
    layers = builder.layers
    tensors = builder.tensors
    input = builder.input
    logits = builder.logits
    tensorMemory = builder.allocateTensors(isShared: sharesMemory)
    let trainable = builder.gradients.count
    let initial = optimizer.rule.initialMoment
    moments = optimizer.rule.moments.map { _ in
      let moment = arena.floats(trainable)
      if initial != 0, arena.holdsMemory { moment.all.update(repeating: initial) }
      return moment
    }
    averages = arena.floats(optimizer.averaging == nil ? 0 : builder.weights.count)
    updateTiles = UpdateTile.cut(builder.parameters)
    transposeTiles = UpdateTile.transposes(builder.parameters)
    gradientSquares = arena.take(Double.self, updateTiles.count)
    accumulated = arena.floats(optimizer.accumulation > 1 ? trainable : 0)
    displaced = arena.floats(optimizer.sharpness == nil ? 0 : trainable)
    factors = optimizer.layerFactors.map(\.factor)
    slowUpdates = factors.map { OptimizerStep(optimizer, learningRate: $0, step: 1) }
    factorPlaces = builder.parameters.map { parameter in
      optimizer.layerFactors.firstIndex { parameter.name.hasPrefix("\($0.layer)/") }
    }
    let kernels =
      optimizer.rule.kernelRules(of: builder.parameters, arena: arena)
      + builder.curvatures
    kernelRules = kernels
    kernelDirections = builder.parameters.indices.map { place in
      kernels.first { $0.parameters.contains(place) }?.direction
    }
    let (places, scales) = (factorPlaces, factors)
    kfac = KFAC(
      builder.curvatures.filter { places[$0.parameters[0]].map { scales[$0] } != 0 },
      optimizer.rule)
    var penalties: [OrthogonalPenalty] = []
    penaltyPlaces = builder.parameters.map { parameter in
      let weight = parameter.regularization.orthogonal
      guard weight != 0 else { return nil }
      penalties.append(
        OrthogonalPenalty(parameter, weight: weight, in: builder.weights, arena: arena))
      return penalties.count - 1
    }
    self.penalties = penalties
    bounded = builder.parameters.indices.filter {
      builder.parameters[$0].regularization.maxNorm != nil
    }
    columnNorms = bounded.map { arena.floats(builder.parameters[$0].columns) }
    training = Phase.training(builder.layers)
    inference = [.fill] + builder.layers.indices.map { .forward($0) } + [.loss]
    inferenceTile = builder.inferenceTile
    sampleList = arena.take(Int32.self, batchSize)
    mixer =
      mixing.isEmpty
      ? nil
      : Mixer(
        mixing, input: plan.description.input, classes: plan.description.classes, seed: seed,
        workers: team.count, arena: arena)
    losses = arena.floats(batchSize)
    predictions = arena.take(UInt8.self, batchSize)
    if arena.holdsMemory { weightsChanged() }
  }

  /// To be called when `parameters` were written from outside: renews the transposed kernels.
  public func weightsChanged() {
    for parameter in parameterList {
      parameter.copyTransposed(weights.base, rows: 0..<parameter.rows)
    }
  }

  /// Bytes of all that the network holds.
  public var memory: Int {
    ByteCount.sum(arena.bytes, normalizer?.bytes ?? 0, evaluationMemory?.bytes ?? 0)
  }

  /// Bytes that it holds less because tensors share memory.
  public var memorySaved: Int { tensorMemory.bytesSaved }
}

/// What the phases of one step or evaluation share.
struct StepState {
  var source: (any SampleSource)?
  /// How the batch is mixed, if it is.
  var mix: BatchMix?
  var epoch = 0
  var step = 0
  var isTraining = false
  /// Samples in the batch, or in the evaluated range.
  var count = 0
  /// Of an evaluation: the first sample, and the first of its tile.
  var firstSample = 0
  var firstOfTiles = 0
  /// Samples of all passes of the step.
  var total = 1
  /// Whether earlier passes have left a gradient to be added to.
  var hasAccumulated = false
  /// Of the update, from 1.
  var updateStep = 1
  /// The schedule's, if it has a say in it.
  var momentum: Float?
  /// Where an evaluation's scores go, if anywhere.
  var scores: UnsafeMutablePointer<Float>?
  /// What the gradient is multiplied by before the update.
  var gradientScale: Float = 1
  /// What directions that stand for gradients are multiplied by.
  var directionScale: Float = 1
  /// What the weights count for in their average.
  var averageShare: Float = 1
  var update = OptimizerStep(
    OptimizerDescription(
      rule: .sgd(momentum: 0, nesterov: false, convention: .keras), learningRate: 0),
    learningRate: 0, step: 1)
}

/// One thing that a worker does to a tile.
enum Operation {
  case fill
  case forward(Int)
  case gather(Int)
  case loss
  case gatherBackward(Int)
  case backward(Int)
}

/// What a team does between two meetings of its workers.
enum Phase {
  case tiles([Operation], size: Int)
  case settle(Int)
  case settleBackward(Int)

  /// A training step up to the update. A tile goes through as many layers as it can, forward and
  /// back, before the workers meet.
  static func training(_ layers: [Network.BuiltLayer]) -> [Phase] {
    var phases: [Phase] = []
    var operations: [Operation] = [.fill]
    func meet(_ phase: Phase) {
      if !operations.isEmpty { phases.append(.tiles(operations, size: Tile.size)) }
      operations = []
      phases.append(phase)
    }
    for (i, layer) in layers.enumerated() {
      if layer.isWide {
        meet(.tiles([.forward(i)], size: Tile.wideSize))
        continue
      }
      if layer.layer is any BatchCoupledLayer {
        operations.append(.gather(i))
        meet(.settle(i))
      }
      operations.append(.forward(i))
    }
    operations.append(.loss)
    for (i, layer) in layers.enumerated().reversed() {
      if layer.isWide {
        meet(.tiles([.backward(i)], size: Tile.wideSize))
        continue
      }
      if layer.layer is any BatchCoupledLayer {
        operations.append(.gatherBackward(i))
        meet(.settleBackward(i))
      }
      operations.append(.backward(i))
    }
    if !operations.isEmpty { phases.append(.tiles(operations, size: Tile.size)) }
    return phases
  }
}
