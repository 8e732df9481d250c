import ConvNet
import Experiment
import Glibc
import Report
import Storage

/// What a bench found of one setting.
struct BenchResult {
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
  /// Of each epoch, where they can be read.
  let epochJoules: [Double]
  let profile: Profile
  let profiledImages: Int

  /// Trains for so many epochs, and measures what else there is to measure.
  init(measuring bench: Bench, epochs: Int) throws {
    bench.warmUp()
    var peaks = [bench.peak]
    for _ in 0..<epochs {
      bench.measureEpoch()
      peaks.append(bench.peak)
    }
    let trainer = bench.trainer
    (spec, plan, self.peaks) = (bench.spec, trainer.plan, peaks)
    flops = trainer.plan.trainingFLOPs(trainer.freezing)
    threads = bench.team.count
    (images, testImages) = (
      bench.data.train.count, try bench.data.testImages.required().source.count
    )
    (epochSeconds, epochJoules) = (bench.epochSeconds, bench.epochJoules)
    allocations = bench.allocations()
    (evaluationSeconds, latencySeconds) = try bench.evaluation()
    (profile, profiledImages) = bench.profile()
  }

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
    if !epochJoules.isEmpty { object["joules_per_epoch"] = JSONValue(median(epochJoules)) }
    object["products"] = .array(
      zip(profile.names, profile.ways).compactMap { name, ways in
        guard let ways else { return nil }
        var layer = JSONObject()
        layer["layer"] = .string(name)
        for (key, _, name) in Self.ways {
          layer[key] = name(ways).map { .string($0) } ?? .null
        }
        return .object(layer)
      })
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
          + "\(counted(threads, "thread")), OpenBLAS \(BLAS.version) "
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
    if !epochJoules.isEmpty {
      let joules = median(epochJoules)
      document.append([
        .init(
          "joules_per_epoch", .number(joules),
          line: "energy           \(fixed(joules, 1)) J an epoch, "
            + "\(fixed(joules / Double(images) * 1e3, 3)) mJ an image, all packages with all they did"
        )
      ])
    }
    document.append(
      layerTable(hasTotal: format == .table || format == .markdown), key: "layers")
    return document
  }

  /// What is told of a layer's products.
  private static var ways: [(key: String, title: String, name: (ProductWays) -> String?)] {
    [
      ("forward_by", "forward by", { $0.forward }),
      ("input_gradient_by", "dX by", { $0.inputGradient }),
      ("kernel_gradient_by", "dW by", { $0.kernelGradient }),
    ]
  }

  /// Microseconds per image and worker, GFLOP/s by the textbook's count, and by what the products are
  /// made, layer by layer.
  /// - Parameter hasTotal: whether a last row sums the others up.
  private func layerTable(hasTotal: Bool) -> TextTable {
    let share = 1e3 * Double(profiledImages)
    let ways = Self.ways.map { TextTable.Column($0.key, title: $0.title) }
    var table = TextTable(
      [
        .init("layer", title: "worker µs per image"), .init("forward", .right),
        .init("backward", .right), .init("gradients", .right),
        .init("gflops", title: "GFLOP/s", .right),
      ] + ways)
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
      let ways = Self.ways.map { way -> TextTable.Cell in
        guard let name = profile.ways[i].flatMap(way.name) else { return .missing() }
        return .text(name)
      }
      table.append(
        [.text(name)] + parts.map { number($0, 2) }
          + [flops == 0 ? .missing() : number(work / sum / 1e3, 1)] + ways)
    }
    for (name, time) in [
      ("input", profile.fill), ("teachers", profile.teachers), ("loss", profile.loss),
      ("update", profile.update),
    ] where name != "teachers" || time > 0 {
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
