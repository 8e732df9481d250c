/// Loss, accuracy and what else was measured over the epochs of one or several runs, as their
/// metrics.csv tell it.
///
/// Runs of one configuration are one line, the mean over its seeds, in a band from their least to their
/// greatest value. The mean ends where the first of them does; the band goes on.
public struct CurvesChart: Hashable, Sendable {
  public struct Run: Hashable, Sendable {
    public var name: String
    public var metrics: MetricsTable
    /// What it shares with the runs of other seeds; nil for a run that stands by itself.
    public var configuration: String?
    /// The epoch whose weights were tested.
    public var testedEpoch: Double?

    public init(
      name: String, metrics: MetricsTable, configuration: String? = nil,
      testedEpoch: Double? = nil
    ) {
      self.name = name
      self.metrics = metrics
      self.configuration = configuration
      self.testedEpoch = testedEpoch
    }
  }

  /// What has a panel: the columns of what is validated, and of what is trained on.
  public struct Measure: Hashable, Sendable {
    public var title: String
    public var format: AxisFormat
    public var solid: String
    public var dashed: String?

    public init(_ title: String, _ format: AxisFormat, solid: String, dashed: String? = nil) {
      self.title = title
      self.format = format
      self.solid = solid
      self.dashed = dashed
    }

    public static let loss = Measure("Loss", .number, solid: "val_loss", dashed: "train_loss")
    public static let accuracy = Measure(
      "Accuracy", .percent, solid: "val_accuracy", dashed: "train_accuracy")
  }

  /// One run, or those of a configuration: what has a line of its own.
  struct Group: Hashable {
    let name: String
    var runs: [Run]
  }

  public var title: String
  public var runs: [Run]
  /// What there is to draw, loss and accuracy first.
  public var measures: [Measure]
  /// A logarithmic axis for the loss.
  public var logarithmicLoss: Bool
  /// A panel with the learning rate.
  public var showsLearningRate: Bool

  /// How many panels there are at most besides those of loss and accuracy.
  static let mostMetrics = 9

  public init(
    title: String, runs: [Run], measures: [Measure] = [.loss, .accuracy],
    logarithmicLoss: Bool = false, showsLearningRate: Bool = false
  ) {
    self.title = title
    self.runs = runs
    self.measures = measures
    self.logarithmicLoss = logarithmicLoss
    self.showsLearningRate = showsLearningRate
  }

  public func chart() -> LineChart {
    let groups = groups
    func panel(_ measure: Measure) -> Panel {
      self.panel(
        measure.title, measure.format, of: groups, solid: measure.solid, dashed: measure.dashed,
        logarithmic: measure == .loss && logarithmicLoss)
    }
    var panels = measures.filter { $0 == .loss || $0 == .accuracy }.map(panel)
    if showsLearningRate {
      panels.append(
        self.panel("Learning rate", of: groups, solid: "learning_rate", logarithmic: true))
    }
    panels += others.prefix(Self.mostMetrics).map(panel)
    return LineChart(
      title: title, subtitle: subtitle, xLabel: "epoch", xFormat: .whole, panels: panels,
      solidMeaning: "validation", dashedMeaning: "train",
      bandMeaning: "least to greatest of the seeds", markMeaning: "tested")
  }

  public func svg() -> String { chart().svg() }

  /// What there is besides loss and accuracy.
  private var others: [Measure] { measures.filter { $0 != .loss && $0 != .accuracy } }

  private var groups: [Group] {
    var groups: [Group] = []
    for run in runs {
      if let name = run.configuration,
        let place = groups.firstIndex(where: { $0.runs[0].configuration == name })
      {
        groups[place].runs.append(run)
      } else {
        groups.append(Group(name: run.configuration ?? run.name, runs: [run]))
      }
    }
    return groups
  }

  private func panel(
    _ title: String, _ format: AxisFormat = .number, of groups: [Group], solid: String,
    dashed: String? = nil, logarithmic: Bool = false
  ) -> Panel {
    var series: [Series] = []
    for group in groups {
      var isMarked = false
      for (column, line) in [(solid, Series.Line.solid), (dashed, .dashed)] {
        guard let column, var one = Self.series(of: group, column, line) else { continue }
        // Many bands would hide each other.
        if line == .dashed && groups.count > 1 { one.band = [] }
        if isMarked { one.marks = [] }
        isMarked = isMarked || !one.marks.isEmpty
        series.append(one)
      }
    }
    return Panel(title, format: format, logarithmic: logarithmic, series: series)
  }

  /// What a group measured, as a line; nil where it has no value.
  private static func series(of group: Group, _ column: String, _ line: Series.Line) -> Series? {
    let runs = group.runs.compactMap { run in
      run.metrics.columns[column].map { values in
        (run: run, points: zip(run.metrics.epochs, values).map { Series.Point($0, $1) })
      }
    }.filter { $0.points.contains { $0.y.isFinite } }
    guard let first = runs.first else { return nil }
    let marks = runs.compactMap { run, points in
      points.first { $0.x == run.testedEpoch && $0.y.isFinite }
    }
    guard runs.count > 1 else {
      return Series(group.name, line: line, points: first.points, marks: marks)
    }
    var values: [Double: [Double]] = [:]
    for point in runs.flatMap(\.points) where point.y.isFinite {
      values[point.x, default: []].append(point.y)
    }
    let epochs = values.keys.sorted()
    let points = epochs.map { epoch in
      let all = values[epoch]!
      return Series.Point(
        epoch, all.count == runs.count ? all.reduce(0, +) / Double(all.count) : .nan)
    }
    return Series(
      group.name, line: line, points: points,
      band: epochs.map { Series.Range($0, values[$0]!.min()!, values[$0]!.max()!) }, marks: marks)
  }

  /// The best of what was reached: by validation where a run has one, else in training; then what is
  /// not obvious in the picture.
  private var subtitle: String {
    var clauses = [best]
    if let epoch = runs.first?.testedEpoch, runs.count == 1 {
      clauses.append("tested: epoch \(DecimalText.text(epoch, decimals: 0))")
    }
    let groups = groups
    let seeds = Set(groups.map(\.runs.count)).filter { $0 > 1 }.sorted().map(String.init)
    if !seeds.isEmpty {
      clauses.append("lines are means over \(seeds.joined(separator: " or ")) seeds")
    }
    let leftOut = others.dropFirst(Self.mostMetrics).map(\.solid)
    if !leftOut.isEmpty { clauses.append("not drawn: \(leftOut.joined(separator: ", "))") }
    return clauses.filter { !$0.isEmpty }.joined(separator: "; ")
  }

  private var best: String {
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
