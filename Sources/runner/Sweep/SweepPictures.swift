import ConvNet
import Datasets
import Experiment
import Report
import Search
import Storage
import Sweep

/// The pictures of a sweep's folder.
struct SweepPictures {
  let table: SweepTable
  /// Nil where too few trials have a value.
  let importance: Importance?

  /// - Parameter title: what stands above the pictures; the sweep's name where nil.
  init(_ folder: SweepFolder, title: String? = nil) throws {
    self.init(try RecordedTrials(folder), title: title)
  }

  init(_ recorded: RecordedTrials, title: String? = nil) {
    let spec = recorded.spec
    importance = recorded.importance
    table = SweepTable(
      title: title ?? spec.name,
      metric: SweepTable.Metric(
        spec.metric.rawValue, higherIsBetter: spec.maximizes,
        format: spec.metric.isPercentage ? .percent : .number),
      parameters: spec.space.parameters.map(Self.parameter),
      trials: recorded.trials.map(Self.trial),
      importance: importance.map { $0.shares.map(\.fraction) })
  }

  private static func parameter(_ parameter: Parameter) -> SweepTable.Parameter {
    switch parameter.domain {
    case .choice(let options):
      SweepTable.Parameter(parameter.path, .choice(options.map(\.label)))
    case .range(let lower, let upper, let scale):
      SweepTable.Parameter(
        parameter.path, .number(logarithmic: scale == .log), bounds: lower...upper)
    case .integers(let lower, let upper, let scale):
      SweepTable.Parameter(
        parameter.path, .whole(logarithmic: scale == .log), bounds: Double(lower)...Double(upper))
    }
  }

  private static func trial(_ trial: RecordedTrial) -> SweepTable.TrialRow {
    let values = trial.configuration.values.map { value -> Double? in
      switch value {
      case .option(let place): Double(place)
      case .number(let number): number
      case .integer(let number): Double(number)
      case nil: nil
      }
    }
    let state: SweepTable.TrialRow.State =
      switch trial.status {
      case .completed: .completed
      case .reached, .stopped: .stoppedEarly
      case .diverged, .failed, .crashed: .failed
      }
    return SweepTable.TrialRow(
      number: trial.number, values: values, metric: trial.value, state: state)
  }

  /// Writes parallel.svg, parameters.svg, best-so-far.svg and, where there are trials enough for it,
  /// importance.svg, and returns their paths.
  func write(to folder: String) throws -> [String] {
    try Files.makeFolders(folder)
    var pictures = [
      ("parallel", ParallelCoordinates(table).svg()),
      ("parameters", ParameterPanels(table).svg()),
      ("best-so-far", BestSoFarChart(table).svg()),
    ]
    if let importance {
      let bars = ImportanceBars(
        title: "\(table.title): what \(table.metric.name) depends on",
        subtitle: "share of the variance ± its deviation from tree to tree; \(Importance.method); "
          + "\(importance.used) trials",
        bars: importance.shares.map { .init($0.path, $0.fraction, deviation: $0.deviation) } + [
          .init(
            "interactions", importance.interactions,
            deviation: importance.interactionsDeviation)
        ])
      pictures.append(("importance", bars.svg()))
    }
    return try pictures.map { name, svg in
      let path = "\(folder)/\(name).svg"
      try AtomicFile.write(svg, to: path)
      return path
    }
  }
}
