/// Teaches a model: losses and gradients of batches, which an `Updater` makes new weights of. All memory
/// is taken here, none in a step. How it steps is in `TrainingStep.swift`.
public final class Trainer {
  public let plan: NetworkPlan
  /// What doesn't learn.
  public let freezing: Freezing
  /// The shape of what it reads of each sample: of an image, or of what is kept of one.
  public let sampleShape: Shape
  let readsImages: Bool
  public let batchSize: Int
  public let team: Team
  public let updater: Updater
  /// The model as it answers at this moment, over the same weights.
  public var inference: Inference {
    answering.weightsChanged()
    return answering
  }
  let answering: Inference
  public let lossDescription: LossDescription
  let loss: LossFunction

  /// Every number that a checkpoint must hold of the weights: trainable ones first, then moving
  /// statistics. They are the trainer's, and go with it.
  public var parameters: UnsafeMutableBufferPointer<Float> { weights.all }
  public let tensors: [TensorInfo]

  /// Batches whose statistics batch norms have kept. A checkpoint must hold it where one corrects its
  /// moving averages by it.
  public var batchesKept = 0

  /// What is done to every image before the first layer; nil for nothing. A checkpoint must hold it.
  public var normalization: Normalization? {
    get { answering.normalization }
    set { answering.normalization = newValue }
  }

  /// Where each layer spends its time, when a clock is set; see `Profile`.
  public var profile: Profile? {
    didSet { updater.profile = profile }
  }

  /// What all of its memory is a piece of.
  private let arena: Arena
  private let weights: Buffer
  let layers: [BuiltLayer]
  let input: Activations
  let logits: Activations
  let tensorMemory: TensorMemory
  let phases: [Phase]
  let mixer: Mixer?
  /// What teaches it besides the labels.
  private(set) var distillation: Distillation?

  // What the phases of a step share; written by the caller of a step only.
  var current = StepState()
  let sampleList: UnsafeMutablePointer<Int32>
  /// One per sample of a batch.
  let losses: Buffer
  let predictions: UnsafeMutablePointer<Int32>

  /// A model with fresh weights, drawn for the seed.
  /// - Throws: `NetworkError`, naming the layer; `OutOfMemory`.
  public convenience init(
    _ description: NetworkDescription, loss: LossDescription = .softmaxCrossEntropy,
    optimizer: OptimizerDescription, mixing: [BatchMixing] = [],
    freezing: Freezing = Freezing(), batchSize: Int, seed: UInt64, team: Team
  ) throws {
    try self.init(
      NetworkPlan(description), loss: loss, optimizer: optimizer, mixing: mixing,
      freezing: freezing, batchSize: batchSize, seed: seed, team: team)
  }

  /// - Parameters:
  ///   - freezing: what doesn't learn; something must.
  ///   - masked: the tensors, by name, whose weights may be made 0 for good; see `prune`.
  ///   - sharesMemory: whether tensors that are not needed at the same time may lie in one place; it
  ///     changes no bit.
  public convenience init(
    _ plan: NetworkPlan, loss: LossDescription = .softmaxCrossEntropy,
    optimizer: OptimizerDescription, mixing: [BatchMixing] = [],
    freezing: Freezing = Freezing(), masked: Set<String> = [], batchSize: Int, seed: UInt64,
    team: Team, sharesMemory: Bool = true
  ) throws {
    let counted = Trainer.counted(
      plan, loss: loss, optimizer: optimizer, mixing: mixing, freezing: freezing, masked: masked,
      batchSize: batchSize, workers: team.count, sharesMemory: sharesMemory)
    self.init(
      plan, loss: loss, optimizer: optimizer, mixing: mixing, freezing: freezing, masked: masked,
      batchSize: batchSize, seed: seed, team: team, sharesMemory: sharesMemory,
      arena: try Arena(bytes: counted.memory))
    try TensorLayout(plan).draw(weights.base, seed: seed)
    weightsChanged()
  }

  /// A trainer without its memory, to tell what it would take.
  static func counted(
    _ plan: NetworkPlan, loss: LossDescription = .softmaxCrossEntropy,
    optimizer: OptimizerDescription, mixing: [BatchMixing] = [],
    freezing: Freezing = Freezing(), masked: Set<String> = [], batchSize: Int, workers: Int,
    sharesMemory: Bool = true
  ) -> Trainer {
    Trainer(
      plan, loss: loss, optimizer: optimizer, mixing: mixing, freezing: freezing, masked: masked,
      batchSize: batchSize, seed: 0, team: Team(counting: workers),
      sharesMemory: sharesMemory, arena: Arena())
  }

  private init(
    _ plan: NetworkPlan, loss: LossDescription, optimizer: OptimizerDescription,
    mixing: [BatchMixing], freezing: Freezing, masked: Set<String>, batchSize: Int,
    seed: UInt64, team: Team, sharesMemory: Bool, arena: Arena
  ) {
    precondition(batchSize > 0 && (optimizer.accumulation == 1 || optimizer.sharpness == nil))
    let layout = TensorLayout(plan, freezing)
    precondition(layout.goesBack.last! && (freezing.features == nil || mixing.isEmpty))
    self.freezing = freezing
    sampleShape = plan.read(freezing)
    readsImages = freezing.features == nil
    self.arena = arena
    self.plan = plan
    self.batchSize = batchSize
    self.team = team
    lossDescription = loss
    self.loss = LossFunction(loss, classes: plan.description.classes, in: arena)
    weights = arena.floats(layout.count)
    let builder = NetworkBuilder(
      plan, layout, for: .training(batchSize: batchSize, rule: optimizer.rule, seed: seed),
      weights: weights, workers: team.count, arena: arena)
    layers = builder.layers
    tensors = layout.tensors
    input = builder.input
    logits = builder.logits
    tensorMemory = builder.allocateTensors(isShared: sharesMemory)
    updater = Updater(
      optimizer, of: builder.parameters, weights: weights, gradients: builder.gradients,
      partials: builder.partials, curvatures: builder.curvatures, masked: masked, team: team,
      arena: arena)
    answering = Inference(plan, layout, weights: weights, team: team, arena: arena)
    phases = Phase.training(builder.layers)
    sampleList = arena.take(Int32.self, batchSize)
    mixer =
      mixing.isEmpty
      ? nil
      : Mixer(
        mixing, input: plan.description.input, classes: plan.description.classes, seed: seed,
        workers: team.count, arena: arena)
    losses = arena.floats(batchSize)
    predictions = arena.take(Int32.self, batchSize)
  }

  /// What has been learned so far, as a value.
  public var model: Model {
    get { answering.model }
    set {
      answering.model = newValue
      weightsChanged()
    }
  }

  /// To be called when `parameters` were written from outside: renews kernels in another form.
  public func weightsChanged() { updater.weightsChanged() }

  /// The gradient of the objective by a tensor that learns, in the order of its numbers, as the last step
  /// left it: before any update is made of it.
  package func gradient(of tensor: TensorInfo) -> UnsafeBufferPointer<Float> {
    updater.gradient(of: tensor.name)
  }

  /// Loss and accuracy over some samples; see `Inference.evaluate`.
  public func evaluate(
    _ source: any SampleSource, range: Range<Int>,
    scores: UnsafeMutableBufferPointer<Float>? = nil
  ) -> EvaluationResult {
    inference.evaluate(source, range: range, loss: lossDescription, scores: scores)
  }

  /// Has it learn from what other models make of its images too, from now on.
  /// - Precondition: it reads images, of the teachers' shape and classes.
  /// - Throws: `OutOfMemory`.
  public func learn(
    from teachers: [Model], by description: DistillationDescription
  ) throws(OutOfMemory) {
    precondition(readsImages)
    distillation = try Distillation(
      description, teachers: teachers, of: plan, batchSize: batchSize, team: team)
  }

  /// Takes the weights as they are into their average.
  public func average() { updater.averaging!.take() }

  /// Lends the average of the weights, where there is one yet, in the place of the weights.
  public func withAverage<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard let averaging = updater.averaging, averaging.count > 0 else { return try body() }
    averaging.exchange()
    weightsChanged()
    defer {
      averaging.exchange()
      weightsChanged()
    }
    return try body()
  }

  /// Bytes of all that it holds.
  public var memory: Int {
    ByteCount.sum(arena.bytes, answering.normalizer?.bytes ?? 0, distillation?.memory ?? 0)
  }

  /// Bytes that it holds less because tensors share memory.
  public var memorySaved: Int { tensorMemory.bytesSaved }
}

/// What the phases of one step share.
struct StepState {
  var source: (any SampleSource)?
  /// Of the source.
  var labels = Labels()
  /// How the batch is mixed, if it is.
  var mix: BatchMix?
  var epoch = 0
  var step = 0
  /// Samples in the batch.
  var count = 0
  /// Samples of all passes of the step.
  var total = 1
}
