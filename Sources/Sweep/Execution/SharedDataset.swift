import Experiment
import Storage

/// What a worker is told of the images that it shares with the others: one line of JSON.
public struct SharedDataset: Sendable {
  /// The section of a trial's spec that they are for.
  let section: DatasetSpec
  let classNames: [String]
  /// How many of the training images, the last of them, are there to validate on.
  let validationCount: Int
  let record: RunRecord.Data
  /// A trial's resolved experiment, whose section it is.
  private let experiment: JSONValue

  init(_ spec: SweepSpec, _ images: RunImages) throws {
    let first = try spec.firstExperiment()
    section = first.dataset
    experiment = first.resolved()
    classNames = images.classNames
    validationCount = images.validationCount
    record = images.record
  }

  var line: String {
    let json: JSONValue = [
      "experiment": experiment, "class_names": .array(classNames.map { .string($0) }),
      "name": .string(record.name), "digest": .string(record.digest),
      "training": .string(record.training), "source": .string(record.source),
      "stands_in_for": JSONValue(record.standsInFor),
      "skipped": .array(record.skipped.map { .string($0) }),
      "notes": .array(record.notes.map { .string($0) }),
      "validation_count": JSONValue(validationCount),
    ]
    return json.compact
  }

  public init(line: String) throws {
    let json = try JSONValue(parsing: Array(line.utf8), name: "worker")
    experiment = json["experiment"] ?? .null
    section = try ExperimentSpec(resolved: experiment, name: "worker").dataset
    classNames = json["class_names"]?.array?.compactMap(\.string) ?? []
    validationCount = json["validation_count"]?.int ?? 0
    func text(_ key: String) -> String { json[key]?.string ?? "" }
    record = RunRecord.Data(
      name: text("name"), digest: text("digest"), training: text("training"),
      source: text("source"), standsInFor: json["stands_in_for"]?.string,
      skipped: json["skipped"]?.array?.compactMap(\.string) ?? [],
      notes: json["notes"]?.array?.compactMap(\.string) ?? [], classNames: classNames)
  }
}

extension SweepSpec {
  /// The experiment of the first trial: its dataset and kernel are those of the whole sweep.
  public func firstExperiment() throws -> ExperimentSpec {
    try TrialTemplate(self).trial(Plan.configurationOfFirst(self), seed: seeds[0])
  }
}
