import Report

/// Charts of every kind that a user may draw, pleasant and hostile.
enum Gallery {
  static let header = "epoch,step,learning_rate,train_loss,train_accuracy,val_loss,val_accuracy\n"

  /// The metrics of a run that learns as a small network does; `phase` makes it another's.
  static func metrics(epochs: Int, phase: Double = 0, rate: Double = 0.001) -> String {
    var text = header
    var noise = Noise(state: UInt64(phase * 1000) + 7)
    for epoch in 1...epochs {
      let e = Double(epoch)
      let train = (0.22 + phase * 0.1) / (e * e * 0.35 + 0.65) + 0.004 + noise.next() * 0.003
      let validation = 0.045 + 0.03 / e + phase * 0.02 + noise.next() * 0.006 + e * 0.0006
      let learningRate = rate * (epoch > epochs / 2 ? 0.5 : 1)
      text += "\(epoch),\(epoch * 750),\(learningRate),\(train),\(1 - train * 0.31),"
      text += "\(validation),\(1 - validation * 0.27)\n"
    }
    return text
  }

  static func run(_ name: String, _ text: String) -> CurvesChart.Run {
    CurvesChart.Run(name: name, metrics: try! MetricsTable(parsing: text))
  }

  static func runs(_ count: Int, epochs: Int = 10) -> [CurvesChart.Run] {
    (0..<count).map {
      run("lr=\($0 + 1)e-4", metrics(epochs: epochs, phase: Double($0) * 0.37))
    }
  }

  static let hostile = "</text><script>alert(\"1\")</script>&amp;'\u{0}\u{1B}[31m\u{202E}\n\t]]>"

  static func charts() -> [(name: String, chart: LineChart)] {
    let nan = Double.nan
    func points(_ values: [Double]) -> [Series.Point] {
      values.enumerated().map { Series.Point(Double($0.offset + 1), $0.element) }
    }
    func single(_ values: [Double], _ format: AxisFormat = .number, log: Bool = false) -> LineChart
    {
      LineChart(
        title: "One line", xLabel: "epoch", xFormat: .whole,
        panels: [
          Panel(
            "Value", format: format, logarithmic: log,
            series: [
              Series("run", points: points(values))
            ])
        ])
    }
    var table: [(String, LineChart)] = [
      ("one-run", CurvesChart(title: "lenet", runs: [run("lenet", metrics(epochs: 10))]).chart()),
      ("twenty-epochs", CurvesChart(title: "t3", runs: runs(1, epochs: 20)).chart()),
      ("hundred-epochs", CurvesChart(title: "long", runs: runs(2, epochs: 100)).chart()),
      ("three-runs", CurvesChart(title: "lenet, learning rates", runs: runs(3)).chart()),
      ("seven-runs", CurvesChart(title: "lenet, learning rates", runs: runs(7)).chart()),
      ("sixty-runs", CurvesChart(title: "sweep", runs: runs(60)).chart()),
      (
        "log-and-rate",
        CurvesChart(
          title: "lenet", runs: runs(3), logarithmicLoss: true, showsLearningRate: true
        ).chart()
      ),
      ("one-epoch", CurvesChart(title: "quick", runs: runs(2, epochs: 1)).chart()),
      ("no-rows", CurvesChart(title: "begun", runs: [run("begun", header)]).chart()),
      ("no-runs", CurvesChart(title: "nothing", runs: []).chart()),
      ("constant", single([0.5, 0.5, 0.5])),
      ("zero", single([0, 0, 0])),
      ("all-right", single([1, 1, 1], .percent)),
      ("gaps", single([1, nan, 0.8, nan, 0.6, 0.5, .infinity, 0.4, 0.3])),
      ("single-point", single([0.25])),
      ("negative", single([-3, -1, 2, 5, -4])),
      ("decades", single([1000, 1, 0, 1e-3, -5, 1e-6], log: true)),
      ("narrow-log", single([0.2, 0.21, 0.25], log: true)),
      ("two-decades", single([5, 1, 0.3, 0.08], log: true)),
      ("extreme", single([1e300, -1e300, 1e301, Double.leastNonzeroMagnitude, 1e200])),
      ("extreme-log", single([1e300, 1e-300, Double.leastNonzeroMagnitude], log: true)),
      ("nearly-equal", single([1, 1.000000001, 1.000000002])),
      ("large-offset", single([1e6, 1e6 + 10, 1e6 + 30])),
      ("tiny", single([1e-9, 3e-9, 2e-9])),
      (
        "hostile",
        LineChart(
          title: hostile, subtitle: hostile, xLabel: hostile,
          panels: [
            Panel(
              hostile,
              series: [
                Series(hostile, points: points([1, 2])),
                Series(String(repeating: "W", count: 5000), points: points([2, 1])),
                Series("", line: .dashed, points: points([1.5, 1.5])),
                Series("損失 – δοκιμή – 🎉", points: points([1.2, 1.4])),
              ])
          ])
      ),
    ]
    var stacked = CurvesChart(title: "stacked", runs: runs(3)).chart()
    stacked.arrangement = .stacked
    table.append(("stacked", stacked))
    var named = runs(12)
    for i in named.indices {
      named[i].name = "lenet/optimizer.learning_rate=3e-4,model[0].filters=\(i + 8),seed=\(i)"
    }
    table.append(("long-names", CurvesChart(title: "a sweep of names", runs: named).chart()))
    return table.map { (name: $0.0, chart: $0.1) }
  }
}

/// Reproducible numbers in −1 … 1.
struct Noise {
  var state: UInt64
  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(Int64(bitPattern: state) >> 11) * 0x1p-52
  }
}
