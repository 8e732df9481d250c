import Experiment
import Report
import Statistics
import Watching

/// What `monitor` prints of the looks at a log.
struct WatchText {
  let looks: [WatchLook]

  /// A row per look.
  var table: TextTable {
    var table = TextTable([
      .init("look", .right), .init("requests", .right), .init("first", isDetail: true),
      .init("last", title: "until"), .init("level", .right), .init("least_p", title: "p", .right),
      .init("moved"), .init("expected_accuracy", title: "expected accuracy", .right),
      .init("expected_low", .right, isDetail: true),
      .init("expected_high", .right, isDetail: true),
      .init("by_temperature", .right, isDetail: true), .init("looks_like", title: "looks like"),
      .init("labels", .right), .init("accuracy", .right),
      .init("accuracy_low", .right, isDetail: true),
      .init("accuracy_high", .right, isDetail: true),
      .init("calibration_error", title: "calibration error", .right),
      .init("calibration_error_low", .right, isDetail: true),
      .init("calibration_error_high", .right, isDetail: true), .init("broken", isDetail: true),
    ])
    for look in looks {
      let least = look.tests.map(\.adjustedP).min() ?? 1
      var cells: [TextTable.Cell] = [
        .integer(look.number), .integer(look.count), look.first.map { .text($0) } ?? .missing(),
        look.last.map { .text($0) } ?? .missing("-"),
        .number(look.level, significant(look.level)), .number(least, significant(least)),
        .text(look.moved.map(\.name).joined(separator: ", "), look.moved.isEmpty ? "-" : nil),
      ]
      cells += estimate(look.expected)
      cells += [
        look.byTemperature.map { .number($0) } ?? .missing(),
        look.condition.map { .text($0.phrase) } ?? .missing("-"),
        .integer(look.accuracy?.count ?? 0),
      ]
      cells += estimate(look.accuracy) + estimate(look.calibrationError)
      cells.append(.flag(!look.broken.isEmpty))
      table.append(cells)
    }
    return table
  }

  private func estimate(_ estimate: Estimate?) -> [TextTable.Cell] {
    guard let estimate else { return [.missing("-"), .missing(), .missing()] }
    let (low, high) = (estimate.interval.low, estimate.interval.high)
    return [
      .number(
        estimate.value,
        "\(percent(estimate.value)) (\(fixed(100 * low, 1)) to \(fixed(100 * high, 1)))"),
      .number(low), .number(high),
    ]
  }

  /// The tests of one look, the most telling first.
  static func tests(of look: WatchLook) -> TextTable {
    var table = TextTable([
      .init("of"), .init("test"), .init("statistic", .right), .init("p", .right),
      .init("adjusted_p", title: "p (Holm)", .right), .init("moved"),
    ])
    for test in look.tests.sorted(by: { $0.adjustedP < $1.adjustedP }) {
      table.append([
        .text(test.name), .text(test.kind.rawValue),
        .number(test.statistic, significant(test.statistic)), .number(test.p, significant(test.p)),
        .number(test.adjustedP, significant(test.adjustedP)), .flag(test.hasMoved),
      ])
    }
    return table
  }

  /// What moved, to be read by people: the quantities of one look.
  static func shifts(of look: WatchLook) -> TextTable {
    var table = TextTable([
      .init("quantity"), .init("validation_median", title: "median in validation", .right),
      .init("median", title: "here", .right),
      .init("stability_index", title: "stability index", .right),
      .init("chance", title: "by chance below", .right), .init("reading", title: ""),
    ])
    for shift in look.shifts {
      let index = shift.stability.index
      let reading =
        index <= max(0.1, shift.stability.chance)
        ? "stable" : index <= 0.25 ? "has moved a little" : "has moved"
      table.append([
        .text(shift.name), .number(shift.referenceMedian, fixed(shift.referenceMedian, 3)),
        .number(shift.windowMedian, fixed(shift.windowMedian, 3)), .number(index, fixed(index, 3)),
        .number(shift.stability.chance, fixed(shift.stability.chance, 3)), .text(reading),
      ])
    }
    return table
  }

  /// Where the quantities of one look lie among the validation images'.
  static func chart(of look: WatchLook, model: String) -> WatchChart {
    let moved = Set(look.moved.map(\.name))
    let quantities = look.shifts.map {
      WatchChart.Quantity(
        $0.name, reference: $0.stability.reference, window: $0.stability.window,
        hasMoved: moved.contains($0.name))
    }
    let answers = quantities.filter { ["log_odds", "energy", "distance"].contains($0.name) }
    let figures = quantities.filter { !["log_odds", "energy", "distance"].contains($0.name) }
    return WatchChart(
      title: "\(model): requests among the validation images",
      subtitle: "look \(look.number), \(grouped(look.count)) requests; "
        + (moved.isEmpty
          ? "all as in validation"
          : "not as in validation: \(look.moved.map(\.name).joined(separator: ", "))")
        + "; expected accuracy \(percent(look.expected.value))",
      groups: [
        .init("share of requests below, by answer", answers),
        .init("share of requests below, by image", figures),
      ])
  }

  /// The looks one after another.
  func history(model: String) -> LineChart {
    func points(_ value: (WatchLook) -> Double?) -> [Series.Point] {
      looks.compactMap { look in value(look).map { .init(Double(look.number), $0) } }
    }
    func band(_ estimate: (WatchLook) -> Estimate?) -> [Series.Range] {
      looks.compactMap { look in
        estimate(look).map { .init(Double(look.number), $0.interval.low, $0.interval.high) }
      }
    }
    var accuracy = [
      Series("expected", points: points { $0.expected.value }, band: band { $0.expected })
    ]
    if looks.contains(where: { $0.accuracy != nil }) {
      accuracy.append(
        Series("by feedback", points: points { $0.accuracy?.value }, band: band { $0.accuracy }))
    }
    // What is 0 has no place on the axis.
    func shown(_ p: Double) -> Double { max(p, 1e-30) }
    let names = looks.last?.shifts.map(\.name) ?? []
    return LineChart(
      title: "\(model): \(looks.count) looks", xLabel: "look", xFormat: .whole,
      panels: [
        Panel("accuracy", format: .percent, series: accuracy),
        Panel(
          "p, after Holm's correction", logarithmic: true,
          series: [
            Series("least p", points: points { shown($0.tests.map(\.adjustedP).min() ?? 1) }),
            Series("level", line: .dashed, points: points { $0.level }),
          ]),
        Panel(
          "stability index",
          series: names.map { name in
            Series(
              name,
              points: points { $0.shifts.first { $0.name == name }?.stability.index })
          }),
      ], bandMeaning: "band: 95 % interval")
  }

  static func significant(_ value: Double) -> String {
    if value == 0 { return "0" }
    if abs(value) >= 0.0001 { return fixed(value, 4) }
    var (mantissa, exponent) = (abs(value), 0)
    while mantissa < 1 {
      mantissa *= 10
      exponent -= 1
    }
    return "\(value < 0 ? "-" : "")\(fixed(mantissa, 1))e\(exponent)"
  }

  private func significant(_ value: Double) -> String { Self.significant(value) }
}
