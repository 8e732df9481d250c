import Report

/// Sweeps of every kind that a user may draw, pleasant and hostile.
enum SweepGallery {
  typealias Parameter = SweepTable.Parameter
  typealias TrialRow = SweepTable.TrialRow

  static let accuracy = SweepTable.Metric(
    "val_accuracy", higherIsBetter: true, format: .percent)
  static let loss = SweepTable.Metric("val_loss", higherIsBetter: false)

  static let rate = Parameter(
    "optimizer.learning_rate", .number(logarithmic: true), bounds: 1e-4...1e-2)
  static let layers = Parameter(
    "model", .choice(["2 layers", "3 layers", "4 layers", "5 layers"]))
  static let eight = [
    rate,
    Parameter("training.batch_size", .choice(["32", "64", "128", "256", "512"])),
    layers,
    Parameter("$dropout", .number(logarithmic: false), bounds: 0.2...0.5),
    Parameter("model[2].regularization.l2", .number(logarithmic: true), bounds: 1e-6...1e-3),
    Parameter("optimizer.name", .choice(["adam", "sgd"])),
    Parameter("optimizer.momentum", .number(logarithmic: false), bounds: 0...0.99),
    Parameter("model[0].filters", .whole(logarithmic: true), bounds: 8...128),
  ]

  /// A point of a parameter at `part` of its way.
  private static func value(_ parameter: Parameter, _ part: Double) -> Double {
    let (low, high) = (parameter.bounds?.lowerBound ?? 0, parameter.bounds?.upperBound ?? 1)
    switch parameter.kind {
    case .choice(let labels): return Double(Int(part * Double(labels.count) * 0.999_999))
    case .number(logarithmic: false): return low + part * (high - low)
    case .whole(logarithmic: false): return (low + part * (high - low)).rounded()
    case .number(logarithmic: true): return low * power(high / low, part)
    case .whole(logarithmic: true): return (low * power(high / low, part)).rounded()
    }
  }

  /// baseᵖᵃʳᵗ for a part of 1, by square roots.
  private static func power(_ base: Double, _ part: Double) -> Double {
    var (result, root, rest) = (1.0, base, part)
    for _ in 0..<40 {
      root = root.squareRoot()
      rest *= 2
      if rest >= 1 {
        result *= root
        rest -= 1
      }
    }
    return result
  }

  /// A random search in which few diverge and a third is stopped early, its metric a smooth
  /// function of the first few parameters.
  static func table(
    _ title: String, _ parameters: [Parameter], trials: Int, metric: SweepTable.Metric = accuracy,
    seed: UInt64 = 5
  ) -> SweepTable {
    var noise = Noise(state: seed)
    func part() -> Double { (noise.next() + 1) / 2 }
    for _ in 0..<20 { _ = noise.next() }
    let optimizer = parameters.firstIndex { $0.name == "optimizer.name" }
    let rows = (0..<trials).map { number in
      var parts = parameters.map { _ in part() }
      if number > trials / 3 { parts[0] = 0.45 + 0.5 * (parts[0] - 0.5) }
      var values: [Double?] = zip(parameters, parts).map { value($0, $1) }
      if let optimizer, values[optimizer] == 0,
        let momentum = parameters.firstIndex(where: { $0.name == "optimizer.momentum" })
      {
        values[momentum] = nil
      }
      var badness = 0.0
      for (i, part) in parts.enumerated() {
        let weight = [1, 0.35, 0.5, 0.2, 0.05, 0.3, 0.1, 0.25][i % 8]
        badness += weight * (part - 0.55) * (part - 0.55)
      }
      badness = 0.008 + 0.05 * badness + 0.004 * part()
      let fate = part()
      let state: TrialRow.State =
        fate < 0.05 ? .failed : fate < 0.38 && badness > 0.014 ? .stoppedEarly : .completed
      if state == .stoppedEarly { badness = badness * 1.8 + 0.01 }
      if fate > 0.97 { badness = 0.9 }
      let result = metric.higherIsBetter ? 1 - badness : badness * 3.1
      return TrialRow(
        number: number, values: values, metric: state == .failed ? nil : result, state: state)
    }
    return SweepTable(title: title, metric: metric, parameters: parameters, trials: rows)
  }

  /// As many trials as are wanted, by repeating those of a table.
  static func repeated(_ table: SweepTable, count: Int) -> SweepTable {
    SweepTable(
      title: table.title, metric: table.metric, parameters: table.parameters,
      trials: (0..<count).map { number in
        var trial = table.trials[number % table.trials.count]
        trial.number = number
        return trial
      })
  }

  private static func uniform(
    _ title: String, _ parameters: [Parameter], count: Int, metric: (Int) -> Double?,
    state: (Int) -> TrialRow.State = { _ in .completed }, of kind: SweepTable.Metric = accuracy
  ) -> SweepTable {
    SweepTable(
      title: title, metric: kind, parameters: parameters,
      trials: (0..<count).map { i in
        TrialRow(
          number: i,
          values: parameters.map { value($0, (Double(i) + 0.5) / Double(count)) },
          metric: metric(i), state: state(i))
      })
  }

  static let tables = makeTables()

  static func makeTables() -> [(name: String, table: SweepTable)] {
    let nan = Double.nan
    let thousand = (0..<1000).map { "option \($0)" }
    let long = [
      "conv 32, pool, conv 64, pool, dense 128", "conv 32, pool, conv 64, pool, dense 256",
      "conv 16, conv 16, pool, conv 32, conv 32, pool, dense 64", "none",
    ]
    let wide = (0..<40).map {
      Parameter("model[\($0)].regularization.l2", .number(logarithmic: true), bounds: 1e-6...1e-3)
    }
    let table: [(String, SweepTable)] = [
      ("one-parameter", table("lenet-lr", [rate], trials: 30)),
      ("two-parameters", table("lenet", [rate, layers], trials: 30)),
      ("three-parameters", table("lenet", Array(eight.prefix(3)), trials: 30)),
      ("t0", table("t0-sweep", Array(eight.prefix(5)), trials: 30)),
      ("eight-parameters", table("eight", eight, trials: 30)),
      ("forty-parameters", table("forty", wide, trials: 100)),
      ("one-trial", table("one trial", Array(eight.prefix(4)), trials: 1)),
      ("two-trials", table("two trials", Array(eight.prefix(4)), trials: 2)),
      ("thousand-trials", table("a thousand", eight, trials: 1000)),
      ("thousand-trials-loss", table("a thousand", eight, trials: 1000, metric: loss)),
      ("loss", table("by loss", eight, trials: 60, metric: loss)),
      (
        "all-failed",
        uniform("all failed", eight, count: 12, metric: { _ in nil }, state: { _ in .failed })
      ),
      (
        "all-stopped",
        uniform(
          "all stopped", Array(eight.prefix(3)), count: 12, metric: { 0.9 + Double($0) * 0.001 },
          state: { _ in .stoppedEarly })
      ),
      ("equal", uniform("equal", Array(eight.prefix(3)), count: 20, metric: { _ in 0.987 })),
      ("all-right", uniform("all right", [rate], count: 5, metric: { _ in 1 })),
      (
        "one-category",
        uniform(
          "one category", [rate, Parameter("optimizer.name", .choice(["adam"]))], count: 15,
          metric: { 0.97 + Double($0 % 7) * 0.002 })
      ),
      (
        "long-labels",
        uniform(
          "long labels", [Parameter("model", .choice(long)), rate], count: 24,
          metric: { 0.97 + Double($0 % 7) * 0.002 })
      ),
      (
        "many-options",
        uniform(
          "many options", [Parameter("model", .choice(thousand)), rate], count: 400,
          metric: { 0.97 + Double($0 % 7) * 0.002 })
      ),
      ("no-trials", SweepTable(title: "begun", metric: accuracy, parameters: eight, trials: [])),
      (
        "no-parameters",
        uniform("seeds alone", [], count: 5, metric: { 0.98 + Double($0) * 0.001 })
      ),
      ("nothing", SweepTable(title: "", metric: accuracy, parameters: [], trials: [])),
      (
        "bad-ones",
        uniform(
          "a few bad ones", Array(eight.prefix(3)), count: 30,
          metric: { $0 % 6 == 0 ? 0.0980 + Double($0) * 0.001 : 0.985 + Double($0) * 0.0002 })
      ),
      (
        "exploded",
        uniform(
          "a few exploded", Array(eight.prefix(3)), count: 30,
          metric: { $0 % 6 == 0 ? 1e5 * Double($0 + 1) : 0.05 - Double($0) * 0.0002 }, of: loss)
      ),
      (
        "extreme",
        uniform(
          "extreme", [Parameter("x", .number(logarithmic: false), bounds: -1e300...1e300), rate],
          count: 8,
          metric: { [1e300, -1e300, 1e301, nan, .infinity, .leastNonzeroMagnitude, 0, 1][$0] },
          of: SweepTable.Metric("f", higherIsBetter: false))
      ),
      (
        "undefined",
        SweepTable(
          title: "undefined", metric: accuracy, parameters: eight,
          trials: ([nan, .infinity, -1, 1e9, nil, 0.5] as [Double?]).enumerated().map {
            number, value in
            TrialRow(
              number: number, values: eight.map { _ in value }, metric: 0.9, state: .completed)
          })
      ),
      (
        "hostile",
        uniform(
          Gallery.hostile,
          [
            Parameter(Gallery.hostile, .choice([Gallery.hostile, "損失 – δοκιμή – 🎉", ""])),
            Parameter(String(repeating: "W", count: 5000), .whole(logarithmic: false)),
            Parameter("a.b.", .number(logarithmic: false), bounds: 0...1),
          ], count: 9, metric: { Double($0) },
          of: SweepTable.Metric(Gallery.hostile, higherIsBetter: true))
      ),
    ]
    return table.map { (name: $0.0, table: $0.1) }
  }
}
