/// Loss and accuracy over the epochs of one or several runs, as their metrics.csv tell it.
public struct CurvesChart: Hashable, Sendable {
  public struct Run: Hashable, Sendable {
    public var name: String
    public var metrics: MetricsTable
    public init(name: String, metrics: MetricsTable) {
      self.name = name
      self.metrics = metrics
    }
  }

  public var title: String
  public var runs: [Run]
  /// A logarithmic axis for the loss.
  public var logarithmicLoss: Bool
  /// A third panel with the learning rate.
  public var showsLearningRate: Bool

  public init(
    title: String, runs: [Run], logarithmicLoss: Bool = false, showsLearningRate: Bool = false
  ) {
    self.title = title
    self.runs = runs
    self.logarithmicLoss = logarithmicLoss
    self.showsLearningRate = showsLearningRate
  }

  public func chart() -> LineChart {
    var panels = [
      panel("Loss", solid: "val_loss", dashed: "train_loss", logarithmic: logarithmicLoss),
      panel("Accuracy", .percent, solid: "val_accuracy", dashed: "train_accuracy"),
    ]
    if showsLearningRate {
      panels.append(panel("Learning rate", solid: "learning_rate", logarithmic: true))
    }
    return LineChart(
      title: title, subtitle: subtitle, xLabel: "epoch", xFormat: .whole, panels: panels,
      solidMeaning: "validation", dashedMeaning: "train")
  }

  public func svg() -> String { chart().svg() }

  private func panel(
    _ title: String, _ format: AxisFormat = .number, solid: String, dashed: String? = nil,
    logarithmic: Bool = false
  ) -> Panel {
    var series: [Series] = []
    for run in runs {
      for (column, line) in [(solid, Series.Line.solid), (dashed, .dashed)] {
        guard let column, let values = run.metrics.columns[column] else { continue }
        let points = zip(run.metrics.epochs, values).map { Series.Point($0, $1) }
        guard points.contains(where: { $0.y.isFinite }) else { continue }
        series.append(Series(run.name, line: line, points: points))
      }
    }
    return Panel(title, format: format, logarithmic: logarithmic, series: series)
  }

  /// The best of what was reached: by validation where a run has one, else in training.
  private var subtitle: String {
    let validated = runs.contains { run in
      run.metrics.columns["val_accuracy"]?.contains(where: \.isFinite) ?? false
    }
    let kind = validated ? "validation" : "training"
    let column = validated ? "val_accuracy" : "train_accuracy"
    var best: (value: Double, epoch: Double, run: String)?
    for run in runs {
      for (epoch, value) in zip(run.metrics.epochs, run.metrics.columns[column] ?? [])
      where value.isFinite && value > best?.value ?? -.infinity {
        best = (value, epoch, run.name)
      }
    }
    guard let best else { return runs.count > 1 ? "\(runs.count) runs" : "" }
    let reached =
      "best \(kind) accuracy \(DecimalText.text(best.value * 100, decimals: 2))%"
    let epoch = "epoch \(DecimalText.text(best.epoch, decimals: 0))"
    return runs.count > 1
      ? "\(runs.count) runs, \(reached) (\(best.run), \(epoch))" : "\(reached) (\(epoch))"
  }
}

/// Names that tell folders apart.
public enum RunNames {
  /// The parts of `paths` in which they differ, and what they share: `lenet/a1` and `lenet/b2` are
  /// `a1` and `b2` of `lenet`. A path alone keeps its last two parts. Equal paths are numbered.
  public static func short(for paths: [String]) -> (shared: String, names: [String]) {
    var parts = paths.map { path in
      path.split(separator: "/").map(String.init).filter { $0 != "." }
    }
    guard parts.count > 1 else {
      return ("", parts.map { $0.isEmpty ? "/" : $0.suffix(2).joined(separator: "/") })
    }
    var shared: [String] = []
    while let first = parts[0].first, parts.allSatisfy({ $0.count > 1 && $0[0] == first }) {
      shared.append(first)
      for i in parts.indices { parts[i].removeFirst() }
    }
    while let last = parts[0].last, parts.allSatisfy({ $0.count > 1 && $0.last == last }) {
      for i in parts.indices { parts[i].removeLast() }
    }
    var counts: [String: Int] = [:]
    let names = parts.map { part in
      let name = part.joined(separator: "/")
      counts[name, default: 0] += 1
      return counts[name]! == 1 ? name : "\(name) (\(counts[name]!))"
    }
    return (shared.last ?? "", names)
  }
}
