import ArgumentParser
import ConvNet
import Datasets
import Exchange
import Experiment
import Quantization
import Report
import Statistics
import Storage

struct TradeoffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tradeoff",
    abstract: "What models reach, and what they cost: accuracy, bytes, time, operations, energy.",
    discussion: """
      Models are folders of runs or sweeps, model.safetensors, or what runner quantize made of them. Each is \
      tested on the test images of its run, or all of them on those that --on names, and asked about one \
      image at a time on one core, the models in turn, round after round: the time is the median. Bytes are \
      those of the model's file; where weights were made 0, which saves bytes and not time, their share is told. \
      Where the system counts energy (RAPL), it is told of the whole package, the models at work one after \
      another.

      The front are the models that no other beats: in time, where none is as accurate at no more time and \
      better in one of both; in size likewise. A difference of accuracies within their intervals (Wilson, 95 \
      %) is not said to be more than chance: runner compare tells that of runs.

        runner tradeoff results/t0/latest results/t0/latest/model.int8.safetensors
        runner tradeoff results/*/latest --on mnist --picture tradeoff.svg
      """)

  @Argument(
    help: ArgumentHelp(
      "Folders of runs or sweeps, or model files.", valueName: "model"),
    transform: Arguments.path)
  var models: [String]

  @Option(
    name: .customLong("on"),
    help: ArgumentHelp(
      "Test all models on these images instead of their runs' own, as evaluate takes them.",
      valueName: "images"), transform: Arguments.path)
  var other: String?

  @Option(help: ArgumentHelp("How many times each model answers for its time.", valueName: "n"))
  var rounds = AnswerTimes.usualRounds

  @Option(
    help: ArgumentHelp(
      "Draw accuracy over time and over bytes, as an SVG file.", valueName: "file"),
    transform: Arguments.path)
  var picture: String?

  @OptionGroup var output: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard (1...10_000).contains(rounds) else {
      throw ValidationError("--rounds takes 1 to 10000, not \(rounds)")
    }
    guard !models.isEmpty else { throw ValidationError("name the models") }
  }

  func run() throws {
    if let picture, !picture.lowercased().hasSuffix(".svg") {
      throw UsageError("--picture writes an SVG file; \(picture) doesn't end with .svg")
    }
    let path = try IntegerPath.chosen()
    let opened = try models.map { (name: $0, model: try openAnswering($0)) }
    try useCore(of: opened)
    var measured = try opened.map { name, model in
      try MeasuredModel(name, model, on: other, compute, path: path)
    }
    let sets = Set(measured.map(\.images.images.digest))
    if sets.count > 1 {
      Display.say(
        "note: the models are tested on \(sets.count) different sets of images; --on names one for all"
      )
    }
    // One after another in each round, so that what else the machine does is shared.
    for _ in 0..<rounds { for place in measured.indices { measured[place].answer() } }
    let energy = EnergyCounter()
    for place in measured.indices { measured[place].spend(energy) }
    let table = table(measured)
    if let picture {
      let names = RunNames.short(for: measured.map(\.name)).names
      let chart = TradeoffChart(
        title: "What models reach, and what they cost",
        subtitle: subtitle(measured),
        models: zip(names, measured).map { name, model in
          let interval = model.proportion.interval()
          return TradeoffChart.Model(
            name, accuracy: model.proportion.value,
            interval: interval.low...interval.high, microseconds: model.microseconds,
            bytes: model.bytes)
        })
      try AtomicFile.write(chart.svg(), to: picture)
    }
    var document = TextDocument()
    document.append(table, key: "models")
    var notes = [subtitle(measured)]
    if !isEnergyKnown(measured) { notes.append("energy is not counted by this system") }
    document.append(notes, key: "notes")
    try output.print(document)
    if let picture { Display.say("picture: \(picture)") }
  }

  /// The kernel that all were trained with, or that of this processor.
  private func useCore(of opened: [(name: String, model: AnsweringModel)]) throws {
    let kernels = Set(opened.map(\.model.kernel))
    if kernels.count == 1 { return try runner.useCore(ofKernel: kernels.first!) }
    Display.say(
      "note: the models were trained with \(kernels.sorted().joined(separator: ", ")); all are asked with "
        + "this processor's kernel")
    try runner.useCore(ofKernel: BLASCore.automatic)
  }

  private func subtitle(_ measured: [MeasuredModel]) -> String {
    let images = Set(measured.map(\.images.name)).sorted().joined(separator: ", ")
    let times = measured[0].answers
    return "\(grouped(measured[0].images.count)) test images of \(images); medians of "
      + "\(grouped(times)) single images on one core of \(Environment.cpu)"
  }

  private func isEnergyKnown(_ measured: [MeasuredModel]) -> Bool {
    measured.contains { $0.joules != nil }
  }

  private func table(_ measured: [MeasuredModel]) -> TextTable {
    let accuracies = measured.map(\.proportion.value)
    let inTime = TradeoffChart.front(costs: measured.map(\.microseconds), values: accuracies)
    let inSize = TradeoffChart.front(costs: measured.map { Double($0.bytes) }, values: accuracies)
    var table = TextTable([
      .init("model"), .init("weights"),
      .init("accuracy", .right), .init("accuracy_low", isDetail: true),
      .init("accuracy_high", isDetail: true),
      .init("interval", title: "95 %", .right), .init("images", isDetail: true),
      .init("zeros", .right, isDetail: !measured.contains { $0.zeros > 0 }),
      .init("bytes", .right), .init("microseconds", title: "µs an image", .right),
      .init("multiply_adds", title: "multiply-adds", .right),
      .init("millijoules", title: "mJ an image", .right, isDetail: !isEnergyKnown(measured)),
      .init("front"), .init("front_time", isDetail: true), .init("front_bytes", isDetail: true),
    ])
    for (place, model) in measured.enumerated() {
      let interval = model.proportion.interval()
      let front =
        switch (inTime[place], inSize[place]) {
        case (true, true): "time, bytes"
        case (true, false): "time"
        case (false, true): "bytes"
        case (false, false): ""
        }
      table.append([
        .text(model.name), .text(model.weights),
        .number(model.proportion.value, percent(model.proportion.value)),
        .number(interval.low), .number(interval.high),
        .text("\(percent(interval.low)) to \(percent(interval.high))"),
        .integer(model.images.count), .number(model.zeros, percent(model.zeros)),
        .integer(model.bytes, grouped(model.bytes)),
        .number(model.microseconds, fixed(model.microseconds, 1)),
        .integer(model.multiplyAdds, grouped(model.multiplyAdds)),
        model.joules.map { .number(1000 * $0, fixed(1000 * $0, 3)) } ?? .missing(),
        .text(front), .flag(inTime[place]), .flag(inSize[place]),
      ])
    }
    return table
  }
}

/// A model, what it reached on its test images, and what it takes to ask it.
private struct MeasuredModel {
  let name: String
  /// "float", "int8", "int4"
  let weights: String
  let images: TestImages
  let proportion: Proportion
  /// Of the weights of a pruned model, the share that is 0; 0 of any other.
  let zeros: Double
  let bytes: Int
  let multiplyAdds: Int
  private(set) var joules: Double?
  private var times: AnswerTimes

  init(
    _ name: String, _ model: AnsweringModel, on other: String?, _ compute: ComputeOptions,
    path: IntegerPath
  ) throws {
    self.name = name
    images = try Self.testImages(name, model, on: other, compute)
    let report = try model.test(on: images, threads: compute.threadCount, path: path)
    let right = zip(report.predictions, report.labels).count { $0 == $1 }
    proportion = Proportion(right, of: images.count)
    switch model {
    case .floats(let file):
      weights = "float"
      zeros = file.isPruned ? file.model.shareOfZeros : 0
      bytes = file.encoded.count
      multiplyAdds = file.model.plan.forwardFLOPs / 2
    case .integers(let file):
      let bits = file.model.operations.compactMap { $0.kind.kernel?.bits }.min() ?? 8
      weights = "int\(bits)"
      zeros = file.isPruned ? file.model.shareOfZeros : 0
      bytes = file.encoded.count
      multiplyAdds = file.model.multiplyAdds
    }
    times = AnswerTimes(
      of: try model.network(threads: 1, path: path), on: ImageSource(images.images))
  }

  private static func testImages(
    _ path: String, _ model: AnsweringModel, on other: String?, _ compute: ComputeOptions
  ) throws -> TestImages {
    if let other {
      return try EvaluatedImages(other, values: [], for: model, compute).images
    }
    guard let images = try CheckedImages.testImages(of: path, model, compute) else {
      throw UsageError(
        "\(path): says of no run whose test images it could be tested on; --on names others")
    }
    return images
  }

  /// Answers some images for its time.
  mutating func answer() { times.answer() }

  var answers: Int { times.nanoseconds.count }
  var microseconds: Double { times.microseconds }

  /// Answers for half a second, and notes what that took of energy, where it is counted.
  mutating func spend(_ counter: EnergyCounter?) {
    guard let counter, let before = counter.read() else { return }
    let start = monotonicNanoseconds()
    var count = 0
    while monotonicNanoseconds() - start < 500_000_000 {
      for _ in 0..<AnswerTimes.imagesPerRound { times.ask() }
      count += AnswerTimes.imagesPerRound
    }
    guard let after = counter.read() else { return }
    joules = counter.joules(from: before, to: after) / Double(count)
  }
}
