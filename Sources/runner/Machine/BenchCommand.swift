import ArgumentParser
import ConvNet
import Experiment
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
      each layer's time goes and by what its products are made (im2col, direct, winners, \
      winograd 4x4 and so on), the evaluation of the test images, one image's latency, the \
      memory taken, and how many allocations a training step makes (none). Where the system \
      lets it be read (Linux's powercap, which needs root), the energy of an epoch too.

      --compare measures settings side by side: an epoch of each in turn, round after round, so \
      that what else the machine does falls on all of them alike; each must differ in its spec. \
      A kernel is of a whole process: for two kernels, run bench twice.

        runner bench experiments/t0.json --compare compute.numerics=1,2 --epochs 5

      experiments/bench/bench.sh measures the same beside PyTorch and Keras.
      """)

  @Argument(
    help: ArgumentHelp("The experiment, a JSON file.", valueName: "spec"), transform: Arguments.path
  )
  var spec = "experiments/t0.json"

  @Argument(help: ArgumentHelp("Values to replace in the spec.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      How many epochs are measured, after a warm-up of 50 steps. (default: 1; with --compare 5 of each)
      """, valueName: "n"))
  var epochs: Int?

  @Option(
    help: ArgumentHelp(
      """
      Values of a key to measure side by side; given several times, each with each. Commas within \
      brackets, braces or quotes separate nothing.
      """, valueName: "key=value,…"))
  var compare: [String] = []

  @Flag(help: "Measure with the spec's augmentation.")
  var augmentation = false

  @Flag(help: "Print one JSON object on one line, without the layers' times.")
  var json = false

  @OptionGroup var output: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if let epochs, !(1...1000).contains(epochs) {
      throw ValidationError("--epochs must be from 1 to 1000, not \(epochs)")
    }
    if json, !compare.isEmpty {
      throw ValidationError("--json is of one setting; of several --format json prints a table")
    }
  }

  func run() throws {
    if compare.isEmpty { return try measureOne() }
    let settings = try BenchComparison.settings(compare)
    let specs = try settings.map { try load(overrides + $0) }
    let kernel = specs[0].compute.kernel
    guard specs.allSatisfy({ $0.compute.kernel == kernel }) else {
      throw UsageError(
        "--compare compute.kernel: a kernel is of a whole process; run bench once for each")
    }
    try compute.useCore(kernel)
    let team = try Team(threads: compute.threadCount)
    var data: [RunData] = []
    for (i, spec) in specs.enumerated() {
      // Images are read once where they are the same.
      let same = specs[..<i].firstIndex {
        $0.dataset == spec.dataset && $0.augmentation == spec.augmentation && $0.seed == spec.seed
      }
      data.append(try same.map { data[$0] } ?? compute.load(spec))
    }
    let benches = try zip(specs, data).map { try Bench($0, $1, team: team) }
    let comparison = try BenchComparison(
      settings.map { $0.joined(separator: " ") }, benches, rounds: epochs ?? 5)
    try output.print(comparison.document)
  }

  private func measureOne() throws {
    let spec = try load(overrides)
    try compute.useCore(spec.compute.kernel)
    let bench = try Bench(
      spec, compute.load(spec), team: Team(threads: compute.threadCount))
    let result = try BenchResult(measuring: bench, epochs: epochs ?? 1)
    if json {
      try Output.print(result.json.compact)
    } else {
      try output.print(result.document(for: output.format))
    }
  }

  /// The spec as it is measured: all training images train, as they are unless asked otherwise.
  private func load(_ overrides: [String]) throws -> ExperimentSpec {
    var spec = try ExperimentSpec.load(
      path: spec, overrides: overrides, locator: compute.locator
    ).spec
    spec.dataset.validation = .none
    if !augmentation { spec.augmentation = [] }
    return spec
  }
}
