import ConvNet
import Experiment
import Report
import Statistics
import Storage
import Sweep

/// The tables and sentences of `runner compare`.
struct ComparisonText {
  let figure: Figure
  let alpha: Double
  let power: Double
  let groups: [RunGroup]

  private var confidence: String { "\(trimmed(100 * (1 - alpha), 3)) %" }

  /// Key paths in which the specs differ, a column for each configuration; nil where there is one.
  var differences: TextTable? {
    guard groups.count > 1 else { return nil }
    var table = TextTable([.init("key")] + groups.map { .init($0.label) })
    for row in SpecDifferences(groups.map(\.configuration)).rows {
      table.append([.text(row.path)] + row.values.map(cell))
    }
    return table
  }

  private func cell(_ value: JSONValue?) -> TextTable.Cell {
    guard let value else { return .missing("–") }
    let text = SpecDifferences.text(value)
    if let number = value.number { return .number(number.double, number.text) }
    if let flag = value.bool { return .flag(flag, text) }
    if let string = value.string { return .text(string) }
    return .text(value.compact, text)
  }

  /// Each figure of each configuration.
  func configurations(_ figures: [Figure]) -> TextTable {
    var table = TextTable([
      .init("configuration"), .init("figure"), .init("better", isDetail: true), .init("n", .right),
      .init("mean", .right),
      .init("deviation", .right),
      .init("deviation_low", .right, isDetail: true),
      .init("deviation_high", .right, isDetail: true),
      .init("low", title: "\(confidence) from", .right),
      .init("high", title: "to", .right), .init("seeds"),
    ])
    for group in groups {
      for figure in figures {
        let values = group.values(of: figure)
        guard !values.isEmpty else { continue }
        let sample = Sample(values.map(\.value))
        let interval = sample.meanInterval(alpha: alpha)
        let spread = sample.deviationInterval(alpha: alpha)
        func cell(_ value: Double?) -> TextTable.Cell {
          value.map { .number($0, amount($0, of: figure)) } ?? .missing("–")
        }
        table.append([
          .text(group.label), .text(figure.name, title(of: figure)),
          .text(figure.metric.kind.better.rawValue), .integer(sample.count),
          cell(sample.mean), cell(sample.deviation), cell(spread?.low), cell(spread?.high),
          cell(interval?.low), cell(interval?.high),
          .text(Self.ranges(values.map(\.seed))),
        ])
      }
    }
    return table
  }

  /// What the tests say of every two configurations.
  func comparisons(_ comparisons: [Comparison]) -> TextTable {
    var table = TextTable([
      .init("first"), .init("second"), .init("test"), .init("n", .right),
      .init("difference", .right), .init("low", title: "\(confidence) from", .right),
      .init("high", title: "to", .right), .init("t", .right, isDetail: true),
      .init("degrees", .right, isDetail: true), .init("p", .right),
      .init("p_holm", title: "p Holm", .right, isDetail: comparisons.count == 1),
      .init("p_wilcoxon", .right, isDetail: true), .init("d", .right),
      .init("d_low", .right, isDetail: true), .init("d_high", .right, isDetail: true),
      .init("g", .right, isDetail: true), .init("settles", .right, isDetail: true),
      .init("alpha", .right, isDetail: true), .init("power", .right, isDetail: true),
      .init("seeds_more", title: "more seeds", .right),
    ])
    for comparison in comparisons {
      func number(_ value: Double?, _ text: (Double) -> String) -> TextTable.Cell {
        value.map { .number($0, text($0)) } ?? .missing("–")
      }
      func amount(_ value: Double?) -> TextTable.Cell {
        number(value) { self.amount($0, of: figure) }
      }
      let (test, effect) = (comparison.test, comparison.effect)
      let n =
        test?.kind == .paired
        ? comparison.commonSeeds.count
        : comparison.firstSample.count + comparison.secondSample.count
      table.append([
        .text(groups[comparison.first].label), .text(groups[comparison.second].label),
        test.map { .text($0.kind.rawValue) } ?? .missing("none"), .integer(n),
        amount(comparison.difference), amount(test?.interval.low), amount(test?.interval.high),
        number(test?.statistic) { fixed($0, 2) }, number(test?.degrees) { trimmed($0, 1) },
        number(test?.p, probability), number(comparison.adjustedP, probability),
        number(comparison.wilcoxon?.p, probability), number(effect?.d) { fixed($0, 2) },
        number(effect?.interval.low) { fixed($0, 2) },
        number(effect?.interval.high) { fixed($0, 2) }, number(effect?.g) { fixed($0, 2) },
        amount(comparison.further?.difference), number(comparison.further?.alpha, probability),
        number(comparison.further?.power) { fixed($0, 2) },
        comparison.further?.more.map { .integer($0, seeds($0, isShown: isShown(comparison))) }
          ?? .missing("–"),
      ])
    }
    return table
  }

  private func isShown(_ comparison: Comparison) -> Bool {
    comparison.adjustedP.map { $0 < alpha } ?? false
  }

  /// How many more there must be. That none must is said in a word where nothing is shown: there are
  /// enough for the difference asked about, but it was not found.
  private func seeds(_ more: Int, isShown: Bool) -> String {
    more == 0 && !isShown ? "enough" : grouped(more)
  }

  func images(_ images: ImageComparison) -> TextTable {
    var table = TextTable([
      .init("first"), .init("first_seed", title: "seed", .right), .init("second"),
      .init("second_seed", title: "seed", .right),
      .init("both_right", title: "both right", .right),
      .init("first_only", title: "first only", .right),
      .init("second_only", title: "second only", .right),
      .init("both_wrong", title: "both wrong", .right), .init("p_exact", title: "exact p", .right),
      .init("p_mid", title: "mid-p", .right),
    ])
    for pair in images.pairs {
      let test = pair.test
      table.append([
        .text(groups[pair.comparison.first].label), .text(String(pair.first.seed)),
        .text(groups[pair.comparison.second].label), .text(String(pair.second.seed)),
        .integer(test.bothRight, grouped(test.bothRight)), .integer(test.firstOnly),
        .integer(test.secondOnly), .integer(test.bothWrong),
        .number(test.exactP, probability(test.exactP)), .number(test.midP, probability(test.midP)),
      ])
    }
    return table
  }

  // MARK: - Sentences

  /// A sentence on each comparison.
  func verdicts(_ comparisons: [Comparison]) -> [String] {
    if groups.count == 1 {
      let runs = groups[0].runs.count
      return [
        "There is one configuration, with \(runs) seed\(runs == 1 ? "" : "s"): nothing to compare."
      ]
    }
    return comparisons.map { verdict($0, isOneOfMany: comparisons.count > 1) }
  }

  private func verdict(_ comparison: Comparison, isOneOfMany: Bool) -> String {
    let (a, b) = (groups[comparison.first].label, groups[comparison.second].label)
    guard let test = comparison.test, let p = comparison.adjustedP else {
      return
        "\(a) and \(b): nothing can be said of \(figure.name) from one seed; run both with two seeds "
        + "or more."
    }
    let number = comparison.commonSeeds.count
    let how =
      test.kind == .paired
      ? "paired t test over \(number) seeds"
      : "Welch's t test of \(comparison.firstSample.count) and "
        + "\(comparison.secondSample.count) seeds"
    let interval =
      "\(confidence) confidence interval \(amount(test.interval.low, of: figure)) to "
      + amount(test.interval.high, of: figure, unit: true)
    let value = "p = \(probability(p))" + (isOneOfMany ? " after Holm's correction" : "")
    let evidence = "\(interval), \(how), \(value)".replacing("p = <", with: "p <")
    if isShown(comparison) {
      let isBetter = test.difference > 0 ? figure.metric.growsBetter : !figure.metric.growsBetter
      return "\(b) is \(isBetter ? "better" : "worse") than \(a): \(figure.name) is "
        + "\(amount(abs(test.difference), of: figure, unit: true)) "
        + "\(test.difference > 0 ? "higher" : "lower") (\(evidence))."
    }
    let difference = signed(test.difference)
    return "No difference between \(a) and \(b) is shown: \(figure.name) differs by \(difference) "
      + "(\(evidence))\(further(comparison))."
  }

  /// What is shown needs no more seeds.
  private func further(_ comparison: Comparison) -> String {
    guard let further = comparison.further else { return "" }
    let size =
      figure.metric.isPercentage
      ? "\(trimmed(100 * further.difference, 3)) points" : trimmed(further.difference, 5)
    guard let more = further.more else {
      return "; a million more seeds would not settle \(size) with power \(power)"
    }
    if more == 0 {
      let reached = further.power < 0.995 ? fixed(further.power, 2) : "above 0.99"
      return "; these seeds would show \(size) with power \(reached)"
    }
    let each = comparison.test?.kind == .welch ? " of each" : ""
    return "; \(grouped(more)) more seed\(more == 1 ? "" : "s")\(each) would settle \(size) with "
      + "power \(power)"
  }

  /// What the reader must know of the runs.
  var notes: [String] {
    var notes: [String] = []
    for group in groups {
      for run in group.runs where !run.isComplete {
        let ending = run.record.ending.map { ": \($0)" } ?? ""
        let has = run.value(of: figure) != nil
        notes.append(
          "\(run.folder.path) is \(run.record.status.rawValue)\(ending); "
            + (has
              ? "what metrics.csv has of it counts."
              : "it has no \(figure.name) and doesn't count."))
      }
      for run in group.repeats {
        notes.append(
          "\(run.folder.path) repeats seed \(run.seed) of \(group.label) and doesn't count.")
      }
      let kernels = Set(group.runs.map(\.record.environment.kernel)).sorted()
      if kernels.count > 1 {
        notes.append(
          "\(group.label) was computed with different kernels: "
            + "\(kernels.joined(separator: ", ")).")
      }
    }
    return notes
  }

  // MARK: - Numbers

  /// The name with the unit and, as tables of results have it, which way is better.
  private func title(of figure: Figure) -> String {
    figure.name + (figure.metric.isPercentage ? ", %" : "")
      + (figure.metric.growsBetter ? " ↑" : " ↓")
  }

  /// A part in hundredths, with three decimals; all else with five.
  private func amount(_ value: Double, of figure: Figure, unit: Bool = false) -> String {
    guard figure.metric.isPercentage else { return fixed(value, 5) }
    return fixed(100 * value, 3) + (unit ? " points" : "")
  }

  private func signed(_ value: Double) -> String {
    (value > 0 ? "+" : "") + amount(value, of: figure, unit: true)
  }

  /// "0.031", "< 0.001".
  private func probability(_ p: Double) -> String { p < 0.001 ? "< 0.001" : fixed(p, 3) }

  private func trimmed(_ value: Double, _ decimals: Int) -> String {
    var text = fixed(value, decimals)
    while text.contains("."), text.last == "0" || text.last == "." {
      let last = text.removeLast()
      if last == "." { break }
    }
    return text
  }

  /// "1-3, 7"
  static func ranges(_ seeds: [UInt64]) -> String {
    var parts: [String] = []
    var start = 0
    while start < seeds.count {
      var end = start
      while end + 1 < seeds.count, seeds[end + 1] == seeds[end] &+ 1 { end += 1 }
      parts.append(
        end == start
          ? "\(seeds[start])"
          : end == start + 1
            ? "\(seeds[start]), \(seeds[end])" : "\(seeds[start])-\(seeds[end])")
      start = end + 1
    }
    return parts.joined(separator: ", ")
  }
}
