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

  /// The optimizer's moments by name, each as long as the trainable part of `parameters`.
  public var optimizerState: [(name: String, values: UnsafeMutableBufferPointer<Float>)] {
    zip(optimizer.rule.moments, moments).map { ($0, $1.all) }
  }

  /// Where each layer spends its time, when a clock is set; see `Profile`.
  public var profile: Profile?

  let optimizer: OptimizerDescription
  let loss: SoftmaxCrossEntropy
  let weights: Buffer
  let gradients: Buffer
  let moments: [Buffer]
  let partials: Partials
  let parameterList: [Parameter]
  let updateTiles: [UpdateTile]
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
  let sampleList: UnsafeMutableBufferPointer<Int32>
  /// One per sample of a batch, or of an evaluation.
  var losses: Buffer
  var predictions: UnsafeMutableBufferPointer<UInt8>

  /// A layer, the tensor it writes, and the place in the description of the last of the layers that
  /// it stands for (a convolution may do the pooling after it too).
  struct BuiltLayer {
    let layer: any Layer
    let output: Activations
    let place: Int
    let name: String

    var isWide: Bool { (layer as? Dense)?.isWide ?? false }
  }

  /// - Throws: `NetworkError`, naming the layer.
  public convenience init(
    _ description: NetworkDescription, optimizer: OptimizerDescription, batchSize: Int,
    seed: UInt64, team: Team
  ) throws(NetworkError) {
    try self.init(
      NetworkPlan(description), optimizer: optimizer, batchSize: batchSize, seed: seed, team: team)
  }

  public convenience init(
    _ plan: NetworkPlan, optimizer: OptimizerDescription, batchSize: Int, seed: UInt64, team: Team
  ) throws(NetworkError) {
    try self.init(
      plan, optimizer: optimizer, batchSize: batchSize, seed: seed, team: team,
      sharesMemory: true)
  }

  /// - Parameter sharesMemory: whether tensors that are not needed at the same time may lie in one
  ///   place; it changes no bit.
  init(
    _ plan: NetworkPlan, optimizer: OptimizerDescription, batchSize: Int, seed: UInt64, team: Team,
    sharesMemory: Bool
  ) throws(NetworkError) {
    precondition(batchSize > 0)
    self.plan = plan
    self.optimizer = optimizer
    self.batchSize = batchSize
    self.team = team
    loss = SoftmaxCrossEntropy(classes: plan.description.classes)
    let builder = NetworkBuilder(plan, batchSize: batchSize, workers: team.count, seed: seed)
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
    moments = optimizer.rule.moments.map { _ in Buffer(trainable) }
    updateTiles = UpdateTile.cut(builder.parameters)
    training = Phase.training(builder.layers)
    inference = [.fill] + builder.layers.indices.map { .forward($0) } + [.loss]
    inferenceTile = builder.inferenceTile
    sampleList = .allocate(capacity: batchSize)
    losses = Buffer(batchSize)
    predictions = .allocate(capacity: batchSize)
    weightsChanged()
  }

  deinit {
    sampleList.deallocate()
    predictions.deallocate()
  }

  /// To be called when `parameters` were written from outside: renews the transposed kernels.
  public func weightsChanged() {
    for parameter in parameterList {
      parameter.copyTransposed(weights.base, rows: 0..<parameter.rows)
    }
  }

  /// Bytes of all that the network holds.
  public var memory: Int {
    let parameters = (weights.count + gradients.count * (1 + moments.count)) * 4
    return tensorMemory.bytes + parameters + partials.bytes
  }

  /// Bytes that it holds less because tensors share memory.
  public var memorySaved: Int { tensorMemory.bytesUnshared - tensorMemory.bytes }
}

/// What the phases of one step or evaluation share.
struct StepState {
  var source: (any SampleSource)?
  var epoch = 0
  var step = 0
  var isTraining = false
  /// Samples in the batch, or in the evaluated range.
  var count = 0
  /// Of an evaluation: the first sample, and the first of its tile.
  var firstSample = 0
  var firstOfTiles = 0
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
