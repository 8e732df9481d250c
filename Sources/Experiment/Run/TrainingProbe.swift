import ConvNet

/// A few training steps on blank images, to tell how long an epoch takes.
public struct TrainingProbe {
  public let secondsPerStep: Double
  /// Nil where the spec doesn't say how many images there are.
  public let stepsPerEpoch: Int?
  /// Bytes that the network and its optimizer take.
  public let memory: Int
  /// Bytes that they take less because tensors share memory.
  public let memorySaved: Int
  /// Bytes of the tensors of a checkpoint: the weights and what the optimizer remembers.
  public let checkpoint: Int

  private final class BlankImages: SampleSource {
    let sampleShape: Shape
    let count: Int
    init(_ shape: Shape, count: Int) {
      sampleShape = shape
      self.count = count
    }
    func label(of sample: Int) -> Int { 0 }
    func fill(
      _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
    ) {
      destination.update(repeating: 0.5, count: sampleShape.count)
    }
  }

  public init(_ spec: ExperimentSpec, threads: Int) throws {
    let batchSize = spec.training.batchSize
    let network = try Network(spec, team: Team(threads: threads))
    memory = network.memory
    memorySaved = network.memorySaved
    checkpoint =
      MemoryLayout<Float>.stride
      * network.optimizerState.reduce(network.parameters.count) { $0 + $1.values.count }
    stepsPerEpoch = spec.dataset.split.map { ($0.training + batchSize - 1) / batchSize }
    let images = BlankImages(spec.network.input, count: batchSize)
    let samples = (0..<Int32(batchSize)).map { $0 }
    var step = 0
    func run() {
      step += 1
      _ = samples.withUnsafeBufferPointer {
        network.trainStep(images, samples: $0, epoch: 1, step: step, learningRate: 0)
      }
    }
    run()  // The first step meets cold caches.
    let watch = Stopwatch()
    var count = 0
    repeat {
      run()
      count += 1
    } while watch.seconds < 0.3
    secondsPerStep = watch.seconds / Double(count)
  }
}
