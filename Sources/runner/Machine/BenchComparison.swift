import ConvNet
import Experiment
import Report

/// Settings of an experiment measured side by side, an epoch of each in turn.
struct BenchComparison {
  private let names: [String]
  private let benches: [Bench]
  private let evaluations: [(all: Double, one: Double)]

  /// - Parameters:
  ///   - names: what people call the settings.
  ///   - rounds: epochs of each.
  init(_ names: [String], _ benches: [Bench], rounds: Int) throws {
    self.names = names
    self.benches = benches
    for bench in benches { bench.warmUp() }
    for _ in 0..<rounds {
      for bench in benches { bench.measureEpoch() }
    }
    evaluations = try benches.map { try $0.evaluation() }
  }

  /// What options like `key=a,b` come to: a list of `key=value` for each setting, the last key's values
  /// changing fastest.
  /// - Throws: `UsageError` where one names no key, or no value.
  static func settings(_ options: [String]) throws -> [[String]] {
    var settings: [[String]] = [[]]
    for option in options {
      guard let equals = option.firstIndex(of: "="), equals != option.startIndex else {
        throw UsageError(
          "--compare \(option): names no values; write key=value,value, as compute.numerics=1,2")
      }
      let key = option[..<equals]
      let values = Override.pieces(String(option[option.index(after: equals)...]))
      settings = settings.flatMap { before in values.map { before + ["\(key)=\($0)"] } }
    }
    guard settings.count > 1 else {
      throw UsageError("--compare: one setting alone; separate values by commas")
    }
    if let twice = settings.first(where: { one in settings.count { $0 == one } > 1 }) {
      throw UsageError("--compare: \(twice.joined(separator: " ")) is there twice")
    }
    return settings
  }

  var document: TextDocument {
    let bench = benches[0]
    var document = TextDocument()
    document.append([
      .init(
        "spec", .text(bench.spec.name),
        line: "\(bench.spec.name): \(grouped(bench.data.train.count)) images, "
          + "\(counted(bench.epochSeconds.count, "epoch")) of each in turn, "
          + "\(counted(bench.team.count, "thread")), OpenBLAS \(BLAS.version) \(BLASCore.current)"),
      .init("threads", .integer(bench.team.count)),
      .init("openblas", .text(BLAS.version)),
      .init("kernel", .text(BLASCore.current)),
    ])
    document.append(table, key: "settings")
    return document
  }

  private var table: TextTable {
    let hasEnergy = benches.contains { !$0.epochJoules.isEmpty }
    var table = TextTable(
      [
        .init("setting"), .init("seconds_per_epoch", title: "epoch, s", .right),
        .init("least", .right), .init("most", .right),
        .init("ratio", title: "times as fast", .right),
        .init("evaluation_seconds", title: "evaluation, s", .right),
        .init("latency_seconds", title: "one image, s", .right),
      ] + (hasEnergy ? [.init("joules_per_epoch", title: "epoch, J", .right)] : []))
    let first = median(benches[0].epochSeconds)
    for (name, (bench, evaluation)) in zip(names, zip(benches, evaluations)) {
      let seconds = bench.epochSeconds
      func number(_ value: Double, _ decimals: Int) -> TextTable.Cell {
        .number(value, fixed(value, decimals))
      }
      table.append(
        [
          .text(name), number(median(seconds), 3), number(seconds.min()!, 3),
          number(seconds.max()!, 3), number(first / median(seconds), 3),
          number(evaluation.all, 3), number(evaluation.one, 6),
        ]
          + (hasEnergy
            ? [bench.epochJoules.isEmpty ? .missing() : number(median(bench.epochJoules), 1)] : []))
    }
    return table
  }
}
