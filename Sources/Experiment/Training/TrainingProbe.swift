import ConvNet
import Datasets

/// A few training steps on blank images, to tell how long an epoch takes. Of a network that is large, with
/// few images at once: what a step takes grows by as much for every image.
public struct TrainingProbe {
  /// Of a step of the whole batch size.
  public let secondsPerStep: Double
  /// Nil where the spec doesn't say how many images there are.
  public let stepsPerEpoch: Int?
  public let memory: TrainingMemory
  /// Whether the steps were not measured but counted, by their operations and the processors' speed,
  /// since the network is too large to be tried.
  public let isCounted: Bool

  private final class BlankImages: SampleSource {
    let sampleShape: Shape
    let labels: Labels
    init(_ shape: Shape, count: Int) {
      sampleShape = shape
      labels = Labels(repeating: 0, count: count)
    }
    var count: Int { labels.count }
    func fill(
      _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
    ) {
      destination.update(repeating: 0.5, count: sampleShape.count)
    }
  }

  /// What a network that is tried may take: bytes, and operations of a step for each thread, some tenths
  /// of a second.
  private static let mostBytes = 1 << 28
  private static let mostFLOPs = 20_000_000_000

  public init(_ spec: ExperimentSpec, threads: Int) throws {
    let batchSize = spec.training.batchSize
    memory = try TrainingMemory(spec, threads: threads)
    stepsPerEpoch = spec.dataset.split.map { ($0.training + batchSize - 1) / batchSize }
    let plan = try NetworkPlan(spec.network)
    let flops = plan.trainingFLOPs(spec.freezings(of: plan)[0])
    func isSmall(_ images: Int) throws -> Bool {
      try TrainingMemory(spec.with(batchSize: images), threads: threads).network.bytes
        <= Self.mostBytes
        && Double(flops) * Double(images) <= Double(Self.mostFLOPs * threads)
    }
    // In whole rounds of all threads' tiles, so that each has as much to do as in a whole batch.
    let round = NetworkPlan.imagesTogether * threads
    var images = batchSize
    while images > 2 * round, try !isSmall(images) {
      images = (images / 2 + round - 1) / round * round
    }
    let fits = try TrainingMemory(spec.with(batchSize: images), threads: threads).network.bytes
    isCounted = try !isSmall(images) && fits > 4 * Self.mostBytes
    if isCounted {
      secondsPerStep = try Self.count(spec, flops, threads: threads)
    } else if images == batchSize {
      secondsPerStep = try Self.measure(spec, threads: threads)
    } else {
      let half = try Self.measure(spec.with(batchSize: images / 2), threads: threads)
      let whole = try Self.measure(spec.with(batchSize: images), threads: threads)
      let perImage = max(0, whole - half) / Double(images - images / 2)
      secondsPerStep = whole + perImage * Double(batchSize - images)
    }
  }

  /// Seconds of a step, the mean of as many as fit into some tenths of a second.
  private static func measure(_ spec: ExperimentSpec, threads: Int) throws -> Double {
    let batchSize = spec.training.batchSize
    let trainer = try Trainer(
      spec, teachers: Teachers(spec, places: []), team: Team(threads: threads))
    let images = BlankImages(trainer.sampleShape, count: batchSize)
    var batches = Batches(of: batchSize, size: trainer.imagesPerStep, seed: 0)
    func run() { _ = trainer.train(on: batches.take(), of: images, learningRate: 0) }
    run()  // The first step meets cold caches.
    let watch = Stopwatch()
    var count = 0
    repeat {
      run()
      count += 1
    } while watch.seconds < 0.3
    return watch.seconds / Double(count)
  }

  /// Seconds of a step by its operations at `sgemm`'s speed, half of which is what large layers reach.
  private static func count(
    _ spec: ExperimentSpec, _ flops: Int, threads: Int
  ) throws -> Double {
    let watch = Stopwatch()
    let speed = PeakProbe.measure(try Team(threads: threads)) { UInt64(watch.seconds * 1e9) }
    return Double(flops) * Double(spec.training.batchSize) / (speed / 2)
  }
}

extension ExperimentSpec {
  fileprivate func with(batchSize: Int) -> ExperimentSpec {
    var spec = self
    spec.training.batchSize = batchSize
    return spec
  }
}
