import CAllocations
import ConvNet
import Experiment
import Storage

/// A network at work on its training images, to be measured.
final class Bench {
  let spec: ExperimentSpec
  let data: RunData
  let team: Team
  let trainer: Trainer
  private let source: any SampleSource
  private var batches: Batches
  private(set) var epochSeconds: [Double] = []
  /// Joules of each epoch, where they can be read.
  private(set) var epochJoules: [Double] = []
  private let energy = EnergyCounter()

  /// - Throws: `OutOfMemory`.
  init(_ spec: ExperimentSpec, _ data: RunData, team: Team) throws {
    self.spec = spec
    self.data = data
    self.team = team
    trainer = try Trainer(spec, trainedOn: data, team: team)
    source = try trainer.read(data.train)
    batches = Batches(of: data.train.count, size: trainer.imagesPerStep, seed: spec.seed)
  }

  private var stepsPerEpoch: Int {
    (data.train.count + trainer.imagesPerStep - 1) / trainer.imagesPerStep
  }

  private func train() {
    _ = trainer.train(
      on: batches.take(), of: source, learningRate: spec.optimizer.learningRate)
  }

  /// Fifty steps, after which pages, caches and threads are warm.
  func warmUp() {
    for _ in 0..<min(50, stepsPerEpoch) { train() }
  }

  /// Trains an epoch, and notes what it took.
  func measureEpoch() {
    let before = energy?.read()
    epochSeconds.append(Self.seconds { for _ in 0..<stepsPerEpoch { train() } })
    if let energy, let before, let after = energy.read() {
      epochJoules.append(energy.joules(from: before, to: after))
    }
  }

  var peak: Double { PeakProbe.measure(team, clock: monotonicNanoseconds) }

  /// What a training step allocates.
  func allocations() -> UInt64 {
    let batch = batches.take()
    allocations_start()
    _ = trainer.train(on: batch, of: source, learningRate: spec.optimizer.learningRate)
    return allocations_stop()
  }

  /// Seconds for all test images, the median of five times, and for one alone, of a thousand.
  func evaluation() throws -> (all: Double, one: Double) {
    let test = try data.testImages.required().source
    let inference = trainer.inference
    func evaluate(_ range: Range<Int>) {
      _ = inference.evaluate(test, range: range, loss: spec.loss)
    }
    evaluate(0..<test.count)
    let all = (0..<5).map { _ in Self.seconds { evaluate(0..<test.count) } }
    let single = (0..<min(1000, test.count)).map { i in Self.seconds { evaluate(i..<i + 1) } }
    return (median(all), median(single))
  }

  /// Where the time of some steps goes, and how many images they took.
  func profile() -> (profile: Profile, images: Int) {
    let profile = Profile(trainer, clock: monotonicNanoseconds)
    trainer.profile = profile
    let steps = min(300, stepsPerEpoch)
    for _ in 0..<steps { train() }
    trainer.profile = nil
    return (profile, min(steps * trainer.imagesPerStep, data.train.count))
  }

  private static func seconds(_ work: () -> Void) -> Double {
    let start = monotonicNanoseconds()
    work()
    return Double(monotonicNanoseconds() - start) * 1e-9
  }
}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
