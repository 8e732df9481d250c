import ConvNet
import Datasets

/// An experiment, as its file declares it: every default filled in, checked, and with no trace of
/// how it was written. A run is a pure function of this value, the dataset and the BLAS kernel.
public struct ExperimentSpec: Hashable, Sendable {
  /// Names the folder of its runs, `results/<name>/`.
  public var name: String
  /// Free text for the reader.
  public var description: String
  public var seed: UInt64
  public var dataset: DatasetSpec
  public var model: [ModelItem]
  /// What it begins with; nil for fresh weights.
  public var initial: InitialSpec?
  /// What it is taught by besides the labels; nil for nothing.
  public var teacher: TeacherSpec?
  /// How it learns to answer in integers; nil for floats.
  public var quantization: TrainingQuantizationSpec?
  /// How it makes weights 0; nil where it makes none.
  public var pruning: TrainingPruningSpec?
  public var loss: LossDescription
  public var optimizer: OptimizerDescription
  public var schedule: Schedule
  public var warmup: Warmup?
  public var augmentation: [AugmentationOp]
  /// What lies around the images that it distorts.
  public var augmentationFill: BorderFill
  public var earlyStopping: EarlyStoppingSpec?
  public var training: TrainingSpec
  public var checkpoint: CheckpointSpec
  public var compute: ComputeSpec
  /// What is measured of the validation and the test images besides loss and accuracy.
  public var metrics: [MetricName]
  /// How the test images are looked at more than once; nil for once.
  public var testTimeAugmentation: TestTimeAugmentation?
  /// Those of `Metric.always` first, in their order.
  public var expect: [Expectation]

  public init(
    name: String, description: String = "", seed: UInt64 = 1, dataset: DatasetSpec,
    model: [ModelItem], initial: InitialSpec? = nil, teacher: TeacherSpec? = nil,
    quantization: TrainingQuantizationSpec? = nil, pruning: TrainingPruningSpec? = nil,
    loss: LossDescription = .softmaxCrossEntropy,
    optimizer: OptimizerDescription,
    schedule: Schedule = .constant, warmup: Warmup? = nil, augmentation: [AugmentationOp] = [],
    augmentationFill: BorderFill = .constant,
    earlyStopping: EarlyStoppingSpec? = nil, training: TrainingSpec,
    checkpoint: CheckpointSpec = CheckpointSpec(), compute: ComputeSpec = ComputeSpec(),
    metrics: [MetricName] = [], testTimeAugmentation: TestTimeAugmentation? = nil,
    expect: [Expectation] = []
  ) {
    self.name = name
    self.description = description
    self.seed = seed
    self.dataset = dataset
    self.model = model
    self.initial = initial
    self.teacher = teacher
    self.quantization = quantization
    self.pruning = pruning
    self.loss = loss
    self.optimizer = optimizer
    self.schedule = schedule
    self.warmup = warmup
    self.augmentation = augmentation
    self.augmentationFill = augmentationFill
    self.earlyStopping = earlyStopping
    self.training = training
    self.checkpoint = checkpoint
    self.compute = compute
    self.metrics = metrics
    self.testTimeAugmentation = testTimeAugmentation
    self.expect = expect
  }

  /// The metrics that decide something while it trains, and where the spec says so.
  public var watched: [(place: String, metric: Metric)] {
    var watched: [(place: String, metric: Metric)] = []
    if let earlyStopping { watched.append(("early_stopping.monitor", earlyStopping.monitor)) }
    if case .reduceOnPlateau(let plateau) = schedule {
      watched.append(("schedule.monitor", plateau.monitor))
    }
    return watched
  }

  /// The network that the model makes of the dataset's images, with what training with quantisation adds.
  public var network: NetworkDescription {
    var network = NetworkDescription(
      input: dataset.sampleShape, model: model, classes: dataset.classCount,
      numerics: compute.numerics, convolution: compute.convolution)
    network.quantization = quantization?.added(to: network)
    return network
  }
}

/// Ends the training when `monitor` has not bettered its best by more than `minDelta` for
/// `patience` epochs.
public struct EarlyStoppingSpec: Hashable, Sendable {
  public var monitor: Metric
  public var patience: Int
  public var minDelta: Double
  /// Whether the run ends with the weights of the best epoch.
  public var restoreBest: Bool

  public init(
    monitor: Metric = .valLoss, patience: Int, minDelta: Double = 0, restoreBest: Bool = true
  ) {
    self.monitor = monitor
    self.patience = patience
    self.minDelta = minDelta
    self.restoreBest = restoreBest
  }
}

public struct TrainingSpec: Hashable, Sendable {
  public var epochs: Int
  public var batchSize: Int
  public init(epochs: Int, batchSize: Int) {
    self.epochs = epochs
    self.batchSize = batchSize
  }
}

public struct CheckpointSpec: Hashable, Sendable {
  /// Besides those at the ends of epochs, one after every so many steps; nil for none.
  public var everySteps: Int?
  public init(everySteps: Int? = nil) { self.everySteps = everySteps }
}

public struct ComputeSpec: Hashable, Sendable {
  /// `auto`, or a name that `OPENBLAS_CORETYPE` takes, in capitals: the kernel decides the bits.
  public var kernel: String
  /// The rules by which sums are taken.
  public var numerics: Numerics
  /// How convolutions become products.
  public var convolution: ConvolutionLowering
  public init(
    kernel: String = "auto", numerics: Numerics = .newest,
    convolution: ConvolutionLowering = .im2col
  ) {
    self.kernel = kernel
    self.numerics = numerics
    self.convolution = convolution
  }

  /// What `kernel` may name: OpenBLAS's cores on x86-64, then on 64-bit ARM.
  public static let kernelNames = [
    "PRESCOTT", "CORE2", "PENRYN", "DUNNINGTON", "NEHALEM", "SANDYBRIDGE", "HASWELL", "SKYLAKEX",
    "COOPERLAKE", "SAPPHIRERAPIDS", "ATOM", "NANO", "ATHLON", "OPTERON", "OPTERON_SSE3",
    "BARCELONA", "BOBCAT", "BULLDOZER", "PILEDRIVER", "STEAMROLLER", "EXCAVATOR", "ZEN",
    "ARMV8", "CORTEXA53", "CORTEXA57", "CORTEXA72", "CORTEXA73", "THUNDERX", "THUNDERX2T99",
    "TSV110", "NEOVERSEN1", "NEOVERSEN2", "NEOVERSEV1", "A64FX",
  ]
}

/// Bounds, both inclusive, that a finished run's figure must keep.
public struct Expectation: Hashable, Sendable {
  public var figure: ExpectedFigure
  public var min: Double?
  public var max: Double?

  public init(_ figure: ExpectedFigure, min: Double? = nil, max: Double? = nil) {
    self.figure = figure
    self.min = min
    self.max = max
  }

  public init(_ metric: Metric, min: Double? = nil, max: Double? = nil) {
    self.init(.metric(metric), min: min, max: max)
  }
}

/// What of a finished run may be bounded: what was measured of its images, and what its model costs.
public enum ExpectedFigure: Hashable, Sendable {
  case metric(Metric)
  /// The share of the test images that the integers of a training with quantisation know.
  case integerAccuracy
  /// Of the file of the model that it is for: of the integers, where it was trained for them.
  case bytes
  /// What an image takes that model alone on one core, the median of some. It depends on the machine, so that it
  /// is no part of summary.json.
  case microseconds

  /// Those that are no metrics.
  static let others: [ExpectedFigure] = [.integerAccuracy, .bytes, .microseconds]

  public var name: String {
    switch self {
    case .metric(let metric): metric.rawValue
    case .integerAccuracy: "int8_test_accuracy"
    case .bytes: "bytes"
    case .microseconds: "microseconds"
    }
  }

  init?(_ name: String) {
    guard
      let figure = Self.others.first(where: { $0.name == name })
        ?? Metric(rawValue: name).map({ .metric($0) })
    else { return nil }
    self = figure
  }

  public var metric: Metric? { if case .metric(let metric) = self { metric } else { nil } }
}
