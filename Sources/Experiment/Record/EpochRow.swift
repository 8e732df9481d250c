import ConvNet
import Storage

/// What an epoch measured: a row of metrics.csv.
public struct EpochRow: Hashable, Sendable {
  /// Counted from 1.
  public var epoch: Int
  /// Training steps since the run began.
  public var step: Int
  /// The learning rate of the epoch's last step.
  public var learningRate: Float
  /// Means over the epoch's training images, each taken in the step that trained on it.
  public var trainLoss: Double
  public var trainAccuracy: Double
  /// Means over the validation images at the end of the epoch; nil without any.
  public var valLoss: Double?
  public var valAccuracy: Double?
  /// What the spec asks for besides, of the validation images too, in its order.
  public var metrics: [MeasuredMetric]

  public init(
    epoch: Int, step: Int, learningRate: Float, trainLoss: Double, trainAccuracy: Double,
    valLoss: Double? = nil, valAccuracy: Double? = nil, metrics: [MeasuredMetric] = []
  ) {
    self.epoch = epoch
    self.step = step
    self.learningRate = learningRate
    self.trainLoss = trainLoss
    self.trainAccuracy = trainAccuracy
    self.valLoss = valLoss
    self.valAccuracy = valAccuracy
    self.metrics = metrics
  }

  /// The columns of every metrics.csv.
  static let names = [
    "epoch", "step", "learning_rate", "train_loss", "train_accuracy", "val_loss", "val_accuracy",
  ]
  static let header = CSV.row(names)

  /// The header of a metrics.csv with the columns that a spec asks for.
  static func header(with metrics: [MetricName]) -> String {
    CSV.row(names + metrics.map { Metric(.validation, $0)!.rawValue })
  }

  /// The columns of a header beyond those of all runs, nil for what is no metric; nil for another header.
  static func metrics(in header: some StringProtocol) -> [MetricName?]? {
    guard header == Self.header || header.hasPrefix("\(Self.header),") else { return nil }
    return CSVDialect.standard.texts(of: header).dropFirst(names.count).map { column in
      Metric(rawValue: column).flatMap { $0.part == .validation ? $0.name : nil }
    }
  }

  /// Numbers as the shortest text that reads back as the same bits; an empty cell for nil.
  public var csv: String { csv(with: metrics.map(\.name)) }

  /// A row with the cells of some metrics, whatever else it has.
  public func csv(with names: [MetricName]) -> String { CSV.row(fields(with: names)) }

  /// The fields of that row.
  package func fields(with names: [MetricName]) -> [String] {
    CSV.fields(epoch, step, learningRate, trainLoss, trainAccuracy, valLoss, valAccuracy)
      + names.map { self[Metric(.validation, $0)!]?.description ?? "" }
  }

  /// Reads a row back; nil if it isn't one.
  /// - Parameter metrics: its columns beyond those of all runs; nil for one that is left out.
  public init?(csv: some StringProtocol, metrics: [MetricName?] = []) {
    self.init(fields: CSVDialect.standard.texts(of: csv)[...], metrics: metrics)
  }

  /// Reads a row back from its fields; nil if they aren't one.
  package init?(fields: ArraySlice<String>, metrics: [MetricName?] = []) {
    let cells = Array(fields)
    guard cells.count == Self.names.count + metrics.count, let epoch = Int(cells[0]),
      let step = Int(cells[1]), let rate = Float(cells[2]), let trainLoss = Double(cells[3]),
      let trainAccuracy = Double(cells[4])
    else { return nil }
    let valLoss = Double(cells[5])
    let valAccuracy = Double(cells[6])
    guard valLoss != nil || cells[5].isEmpty, valAccuracy != nil || cells[6].isEmpty else {
      return nil
    }
    var measured: [MeasuredMetric] = []
    for case (let name?, let cell) in zip(metrics, cells[Self.names.count...]) {
      let value = Double(cell)
      guard value != nil || cell.isEmpty else { return nil }
      measured.append(MeasuredMetric(name: name, value: value))
    }
    self.init(
      epoch: epoch, step: step, learningRate: rate, trainLoss: trainLoss,
      trainAccuracy: trainAccuracy, valLoss: valLoss, valAccuracy: valAccuracy, metrics: measured)
  }

  /// The value of a metric that is measured in every epoch; nil where it has none, or wasn't.
  public subscript(metric: Metric) -> Double? {
    switch metric {
    case .trainLoss: trainLoss
    case .trainAccuracy: trainAccuracy
    case .valLoss: valLoss
    case .valAccuracy: valAccuracy
    default:
      metric.part == .validation ? metrics.first { $0.name == metric.name }?.value : nil
    }
  }

  /// The rows of a metrics.csv, which must be complete lines under the one header. Columns that are no
  /// metric, as another version may have written, are left out.
  public static func read(_ path: String) throws -> [EpochRow] {
    try read(Files.read(path), path: path)
  }

  /// The same from memory; `path` is what messages call the file.
  static func read(_ bytes: [UInt8], path: String) throws -> [EpochRow] {
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.utf8.last == UInt8(ascii: "\n") else {
      throw RecordError(path, "the last line is cut short")
    }
    var rows: [EpochRow] = []
    var metrics: [MetricName?] = []
    for (index, line) in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
      .enumerated()
    {
      if index == 0 {
        guard let others = self.metrics(in: line) else {
          throw RecordError("\(path):1", "the header is not \"\(header)\"")
        }
        metrics = others
      } else if let row = EpochRow(csv: line, metrics: metrics) {
        rows.append(row)
      } else {
        throw RecordError("\(path):\(index + 1)", "is not a row of \"\(header)\"")
      }
    }
    return rows
  }
}

/// How long an epoch took: a row of timing.csv. Kept apart from metrics.csv, whose bytes are
/// reproducible.
public struct TimingRow: Hashable, Sendable {
  public var epoch: Int
  public var trainSeconds: Double
  public var valSeconds: Double
  /// Training images per second.
  public var imagesPerSecond: Double

  static let header = "epoch,train_seconds,val_seconds,images_per_second"

  var csv: String {
    CSV.row(
      CSV.fields(epoch, milli(trainSeconds), milli(valSeconds), imagesPerSecond.rounded()))
  }

  private func milli(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }

  /// The lines of a timing.csv that are the rows of the first epochs before `epoch`, each where its
  /// epoch's is to be; none where the header is damaged.
  static func sound(_ bytes: [UInt8], before epoch: Int) -> [Substring] {
    let text = String(decoding: bytes, as: UTF8.self)
    // What isn't ended by a newline may have lost its end.
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    guard lines.popFirst() == Substring(header) else { return [] }
    return Array(
      lines.prefix(epoch - 1).enumerated().prefix { place, line in
        let cells = CSVDialect.standard.texts(of: line)
        return cells.count == 4 && Int(cells[0]) == place + 1
          && cells.dropFirst().allSatisfy { Double($0).map { $0 >= 0 } ?? false }
      }.map(\.element))
  }
}
