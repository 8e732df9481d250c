import Experiment
import Search
import Storage

/// A trial of a sweep and what it came to.
public struct RecordedTrial: Hashable, Sendable {
  public let number: Int
  public let configuration: Configuration
  /// That of the worst of its seeds.
  public let status: StageResult.Status
  /// How many epochs it was trained, with the seed that was trained longest.
  public let epochs: Int
  /// The sweep's metric in its best epoch, by seed.
  public let values: [(seed: UInt64, value: Double?)]

  /// The mean over its seeds; nil unless it is sound and every seed has a finite value.
  public var value: Double? {
    guard status.isSound, !values.isEmpty else { return nil }
    var sum = 0.0
    for (_, value) in values {
      guard let value, value.isFinite else { return nil }
      sum += value
    }
    return sum / Double(values.count)
  }

  public static func == (a: RecordedTrial, b: RecordedTrial) -> Bool {
    a.number == b.number && a.configuration == b.configuration && a.status == b.status
      && a.epochs == b.epochs
      && a.values.elementsEqual(b.values) { $0.seed == $1.seed && $0.value == $1.value }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(number)
    hasher.combine(configuration)
  }
}

/// The trials of a sweep and what they came to, as its resolved.json and trials.csv tell it.
///
/// It needs nothing else of the folder, so that a sweep can be looked at whose runs were removed.
public struct RecordedTrials: Sendable {
  public let spec: SweepSpec
  /// Those that are over, in the order of their numbers.
  public let trials: [RecordedTrial]

  /// Reads a sweep's folder, which may be at work meanwhile.
  /// - Throws: `RecordError` for what isn't a sweep's folder, or damaged; `SpecErrors` for a spec
  ///   that this program doesn't read; `FileError`.
  public init(_ folder: SweepFolder) throws {
    guard Files.isFolder(folder.path), Files.exists(folder.resolved) else {
      throw RecordError(folder.path, "is not the folder of a sweep: it has no resolved.json")
    }
    let spec = try SweepSpec(
      resolved: JSONValue(parsing: Files.read(folder.resolved), name: folder.resolved),
      name: folder.resolved)
    self.spec = spec
    trials =
      Files.exists(folder.trials)
      ? try Self.read(Files.read(folder.trials), path: folder.trials, spec: spec) : []
  }

  /// The trials of a trials.csv.
  static func read(_ bytes: [UInt8], path: String, spec: SweepSpec) throws -> [RecordedTrial] {
    var records = CSVDialect.standard.records(of: bytes)[...]
    guard let header = records.popFirst() else { return [] }
    let reader = try RowReader(header.fields, path: path, spec: spec)
    var trials: [RecordedTrial] = []
    while let first = records.first {
      var row = try reader.row(first.fields, line: first.line)
      let (number, configuration) = (row.trial, row.configuration)
      var (status, epochs) = (row.status, row.epochs)
      var values = [(row.seed, row.value)]
      records.removeFirst()
      while let next = records.first, next.fields.first == first.fields.first {
        row = try reader.row(next.fields, line: next.line)
        if row.status.gravity > status.gravity { status = row.status }
        epochs = max(epochs, row.epochs)
        values.append((row.seed, row.value))
        records.removeFirst()
      }
      if let last = trials.last, last.number >= number {
        throw RecordError(
          "\(path):\(first.line)", "trial \(number) is not behind the one before it")
      }
      trials.append(
        RecordedTrial(
          number: number, configuration: configuration, status: status, epochs: epochs,
          values: values))
    }
    return trials
  }
}

extension StageResult.Status {
  /// How bad it is for a trial that one of its seeds ended so.
  fileprivate var gravity: Int { Self.allCases.firstIndex(of: self)! }
}

/// Reads the rows of a trials.csv by the names of its columns.
private struct RowReader {
  struct Row {
    var trial: Int
    var seed: UInt64
    var status: StageResult.Status
    var configuration: Configuration
    var epochs: Int
    var value: Double?
  }

  private let path: String
  private let columnCount: Int
  private let trial: Int
  private let seed: Int
  private let status: Int
  private let epochs: Int
  private let value: Int
  private let firstParameter: Int
  private let parameters: [Parameter]
  /// The options of each choice by their labels.
  private let options: [[String: Int]]

  init(_ header: [String], path: String, spec: SweepSpec) throws {
    self.path = path
    columnCount = header.count
    func column(_ name: String) throws -> Int {
      guard let place = header.firstIndex(of: name) else {
        throw RecordError(
          "\(path):1", "has no column \"\(name)\"; the trials of a sweep were expected")
      }
      return place
    }
    trial = try column("trial")
    status = try column("status")
    seed = try column("seed")
    firstParameter = seed + 1
    let paths = spec.space.parameters.map(\.path)
    guard header.dropFirst(firstParameter).starts(with: paths) else {
      throw RecordError("\(path):1", "its parameters are not those of the sweep's resolved.json")
    }
    // Behind the parameters, whose names are free.
    let fixed = header[(firstParameter + paths.count)...]
    guard let epochs = fixed.firstIndex(of: "epochs"),
      let value = fixed.firstIndex(of: "best_\(spec.metric.rawValue)")
    else {
      throw RecordError(
        "\(path):1", "has no columns \"epochs\" and \"best_\(spec.metric.rawValue)\"")
    }
    self.epochs = epochs
    self.value = value
    parameters = spec.space.parameters
    options = parameters.map { parameter in
      guard case .choice(let options) = parameter.domain else { return [:] }
      return Dictionary(
        options.enumerated().map { ($0.element.label, $0.offset) }, uniquingKeysWith: { a, _ in a })
    }
  }

  func row(_ fields: [String], line: Int) throws -> Row {
    guard fields.count == columnCount, let trial = Int(fields[trial]), trial >= 0,
      let seed = UInt64(fields[seed]),
      let status = StageResult.Status(rawValue: fields[status])
    else { throw RecordError("\(path):\(line)", "is not a row of a sweep's trials") }
    var values: [Configuration.Value?] = []
    values.reserveCapacity(parameters.count)
    for (place, parameter) in parameters.enumerated() {
      let text = fields[firstParameter + place]
      guard !text.isEmpty else {
        values.append(nil)
        continue
      }
      let value =
        options[place].isEmpty
        ? parameter.domain.value(labelled: text)
        : options[place][text].map(Configuration.Value.option)
      guard let value else {
        throw RecordError(
          "\(path):\(line)", "\"\(text)\" is no value of \(parameter.path) in resolved.json")
      }
      values.append(value)
    }
    return Row(
      trial: trial, seed: seed, status: status, configuration: Configuration(values),
      epochs: Int(fields[epochs]) ?? 0, value: Double(fields[value]))
  }
}

extension RecordedTrials {
  /// The trials from the best to the worst: by their value the completed before those that were ended
  /// early, then those without a value; of equals the first.
  public var ranking: [RecordedTrial] {
    func tier(_ trial: RecordedTrial) -> Int {
      trial.value == nil ? 2 : trial.status == .completed ? 0 : 1
    }
    return trials.sorted { a, b in
      let (first, second) = (tier(a), tier(b))
      guard first == second else { return first < second }
      let (x, y) = (a.value ?? 0, b.value ?? 0)
      if x != y { return spec.maximizes ? x > y : x < y }
      return a.number < b.number
    }
  }

  /// How much each parameter matters for the value; nil where too few trials have one.
  public var importance: Importance? {
    let observations = trials.map {
      Observation(
        trial: $0.number, configuration: $0.configuration, loss: $0.value.flatMap(spec.loss),
        budget: $0.epochs)
    }
    return Importance(of: observations, in: spec.space, seed: spec.seed)
  }
}
