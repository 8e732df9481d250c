import ArgumentParser
import CAllocations
import ConvNet
import Experiment
import Glibc
import Report
import Storage

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure how fast a spec's network trains and evaluates here.",
    discussion: """
      Trains on all training images of the spec's dataset, without validation and, unless \
      --augmentation is given, without augmentation; nothing is recorded. Prints seconds per \
      epoch, GFLOP/s by the textbook's count against this machine's measured sgemm peak, where \
      each layer's time goes, the evaluation of the test images, one image's latency, the memory \
      taken, and how many allocations a training step makes (none).

      experiments/bench/bench.sh measures the same beside PyTorch and Keras.
      """)

  @Argument(
    help: ArgumentHelp("The experiment, a JSON file.", valueName: "spec"), transform: Arguments.path
  )
  var spec = "experiments/t0.json"

  @Argument(help: ArgumentHelp("Values to replace in the spec.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(help: "How many epochs are measured, after a warm-up of 50 steps.")
  var epochs = 1

  @Flag(help: "Measure with the spec's augmentation.")
  var augmentation = false

  @Flag(help: "Print one JSON object on one line, without the layers.")
  var json = false

  @OptionGroup var output: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if !(1...1000).contains(epochs) {
      throw ValidationError("--epochs must be from 1 to 1000, not \(epochs)")
    }
  }

  func run() throws {
    var spec = try ExperimentSpec.load(
      path: spec, overrides: overrides, locator: compute.locator
    ).spec
    try compute.useCore(spec.compute.kernel)
    spec.dataset.validation = .none
    if !augmentation { spec.augmentation = [] }
    let data = try compute.load(spec)
    let bench = try Bench(spec, data, threads: compute.threadCount)
    let result = try bench.measure(epochs: epochs)
    if json {
      try Output.print(result.json.compact)
    } else {
      try output.print(result.document(for: output.format))
    }
  }
}

/// A network with its data, to be measured.
private struct Bench {
  let spec: ExperimentSpec
  let data: RunData
  let team: Team
  let trainer: Trainer

  init(_ spec: ExperimentSpec, _ data: RunData, threads: Int) throws {
    self.spec = spec
    self.data = data
    team = try Team(threads: threads)
    trainer = try Trainer(spec, trainedOn: data, team: team)
  }

  func measure(epochs: Int) throws -> BenchResult {
    let test = try data.testImages.required().source
    let (images, size) = (data.train.count, trainer.imagesPerStep)
    let stepsPerEpoch = (images + size - 1) / size
    var batches = Batches(of: images, size: size, seed: spec.seed)
    let source = try trainer.read(data.train)
    func train(on batch: Batch) {
      _ = trainer.train(
        on: batch, of: source, learningRate: spec.optimizer.learningRate)
    }
    func pass(steps: Int) {
      for _ in 0..<steps { train(on: batches.take()) }
    }
    func seconds(_ work: () -> Void) -> Double {
      let start = monotonicNanoseconds()
      work()
      return Double(monotonicNanoseconds() - start) * 1e-9
    }

    pass(steps: min(50, stepsPerEpoch))
    var peaks = [PeakProbe.measure(team, clock: monotonicNanoseconds)]
    var epochSeconds: [Double] = []
    for _ in 0..<epochs {
      epochSeconds.append(seconds { pass(steps: stepsPerEpoch) })
      peaks.append(PeakProbe.measure(team, clock: monotonicNanoseconds))
    }
    let batch = batches.take()
    allocations_start()
    train(on: batch)
    let allocations = allocations_stop()

    let inference = trainer.inference
    func evaluate(_ range: Range<Int>) {
      _ = inference.evaluate(test, range: range, loss: spec.loss)
    }
    evaluate(0..<test.count)
    let evaluations = (0..<5).map { _ in
      seconds { evaluate(0..<test.count) }
    }
    let latencies = (0..<min(1000, test.count)).map { i in
      seconds { evaluate(i..<i + 1) }
    }

    let profile = Profile(trainer, clock: monotonicNanoseconds)
    trainer.profile = profile
    let profiled = min(300, stepsPerEpoch)
    pass(steps: profiled)
    trainer.profile = nil
    return BenchResult(
      spec: spec, plan: trainer.plan, flops: trainer.plan.trainingFLOPs(trainer.freezing),
      threads: team.count, images: data.train.count,
      testImages: test.count, epochSeconds: epochSeconds, peaks: peaks,
      allocations: allocations, evaluationSeconds: median(evaluations),
      latencySeconds: median(latencies), profile: profile,
      profiledImages: min(profiled * size, images))
  }
}

private func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// What a bench found.
private struct BenchResult {
  let spec: ExperimentSpec
  let plan: NetworkPlan
  /// Of one image's training step.
  let flops: Int
  let threads: Int
  let images: Int
  let testImages: Int
  let epochSeconds: [Double]
  let peaks: [Double]
  let allocations: UInt64
  let evaluationSeconds: Double
  let latencySeconds: Double
  let profile: Profile
  let profiledImages: Int

  private var epoch: Double { median(epochSeconds) }
  private var rate: Double { Double(flops) * Double(images) / epoch }
  private var peak: Double { median(peaks) }

  /// The most memory that this process held, bytes.
  private var residentPeak: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }

  var json: JSONValue {
    var object = JSONObject()
    object["spec"] = JSONValue(spec.name)
    object["kernel"] = JSONValue(BLASCore.current)
    object["openblas"] = JSONValue(BLAS.version)
    object["threads"] = JSONValue(threads)
    object["images"] = JSONValue(images)
    object["seconds_per_epoch"] = JSONValue(epoch)
    object["epoch_seconds"] = .array(epochSeconds.map { JSONValue($0) })
    object["gflops"] = JSONValue(rate / 1e9)
    object["sgemm_peak_gflops"] = JSONValue(peak / 1e9)
    object["evaluation_seconds"] = JSONValue(evaluationSeconds)
    object["latency_seconds"] = JSONValue(latencySeconds)
    object["allocations_per_step"] = JSONValue(Int(allocations))
    object["peak_memory_bytes"] = JSONValue(residentPeak)
    return .object(object)
  }

  /// What people read of it, and programs.
  func document(for format: TableFormat) -> TextDocument {
    let batch = spec.training.batchSize
    var document = TextDocument()
    document.append([
      .init(
        "spec", .text(spec.name),
        line: "\(spec.name): \(grouped(images)) images in batches of \(batch), "
          + "\(threads) thread\(threads == 1 ? "" : "s"), OpenBLAS \(BLAS.version) "
          + BLASCore.current),
      .init("images", .integer(images)),
      .init("batch_size", .integer(batch)),
      .init("threads", .integer(threads)),
      .init("openblas", .text(BLAS.version)),
      .init("kernel", .text(BLASCore.current)),
    ])
    document.append([
      .init(
        "seconds_per_epoch", .number(epoch),
        line: "epoch            \(fixed(epoch, 3)) s"
          + (epochSeconds.count > 1
            ? " (median of \(epochSeconds.count); \(fixed(epochSeconds.min()!, 3)) to "
              + "\(fixed(epochSeconds.max()!, 3)))" : "")
          + ", \(grouped(Int(Double(images) / epoch))) images/s"),
      .init(
        "gflops", .number(rate / 1e9),
        line: "speed            \(fixed(rate / 1e9, 1)) GFLOP/s by the textbook's count, "
          + "\(fixed(100 * rate / peak, 0)) % of the sgemm peak of \(fixed(peak / 1e9, 1)) GFLOP/s"),
      .init("sgemm_peak_gflops", .number(peak / 1e9)),
      .init(
        "evaluation_seconds", .number(evaluationSeconds),
        line: "evaluation       \(fixed(evaluationSeconds, 3)) s for \(grouped(testImages)) images"
      ),
      .init(
        "latency_seconds", .number(latencySeconds),
        line: "one image        \(fixed(latencySeconds * 1e3, 3)) ms"),
      .init(
        "allocations_per_step", .integer(Int(allocations)),
        line: "allocations      \(allocations) in a training step"),
      .init(
        "peak_memory_bytes", .integer(residentPeak),
        line: "memory           \(fixed(Double(residentPeak) / 1e6, 0)) MB at the most"),
    ])
    document.append(
      layerTable(hasTotal: format == .table || format == .markdown), key: "layers")
    return document
  }

  /// Microseconds per image and worker, and GFLOP/s by the textbook's count, layer by layer.
  /// - Parameter hasTotal: whether a last row sums the others up.
  private func layerTable(hasTotal: Bool) -> TextTable {
    let share = 1e3 * Double(profiledImages)
    var table = TextTable([
      .init("layer", title: "worker µs per image"), .init("forward", .right),
      .init("backward", .right), .init("gradients", .right),
      .init("gflops", title: "GFLOP/s", .right),
    ])
    func number(_ value: Double, _ decimals: Int) -> TextTable.Cell {
      .number(value, fixed(value, decimals))
    }
    var total = 0.0
    var isFirst = true
    for (i, name) in profile.names.enumerated() {
      let time = profile.time(ofLayer: i)
      let parts = [time.forward, time.backward, time.gradient].map { Double($0) / share }
      let flops = profile.flops(ofLayer: i, plan)
      let work = Double(flops) * (isFirst && flops > 0 ? 2 : 3)
      if flops > 0 { isFirst = false }
      let sum = parts.reduce(0, +)
      total += sum
      table.append(
        [.text(name)] + parts.map { number($0, 2) }
          + [flops == 0 ? .missing() : number(work / sum / 1e3, 1)])
    }
    for (name, time) in [
      ("input", profile.fill), ("loss", profile.loss), ("update", profile.update),
    ] {
      total += Double(time) / share
      table.append([.text(name), number(Double(time) / share, 2)])
    }
    guard hasTotal else { return table }
    table.append([
      "all", number(total, 2), .missing(), .missing(),
      number(Double(flops) / total / 1e3, 1),
    ])
    return table
  }
}
