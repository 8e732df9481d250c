import Datasets
import Storage

/// run.json: how a run was started, on what, where it stands and how it ended.
public struct RunRecord: Hashable, Sendable {
  public enum Status: String, Hashable, Sendable, CaseIterable {
    /// Being worked on; or killed, when no process holds the run's lock.
    case running
    case completed
    /// Stopped by a signal at a checkpoint; `runner resume` goes on.
    case interrupted
    /// The loss stopped being finite.
    case diverged
    case failed
  }

  public struct Data: Hashable, Sendable {
    public var name: String
    /// The dataset whose test images were used, if another.
    public var test: String?
    /// SHA-256 of what was trained and tested on.
    public var digest: String
    /// SHA-256 of the training images alone, those held out of them included.
    public var training: String
    /// SHA-256 of the test images alone; nil where there are none, and in records of earlier versions.
    public var testImages: String?
    /// Where it was found, or "built in".
    public var source: String
    /// The dataset that the spec names, when this one stood in for it.
    public var standsInFor: String?
    /// Image files that could not be read and were left out, each with the reason.
    public var skipped: [String]
    /// What was taken for granted when the files were read, as sentences to the user.
    public var notes: [String]
    /// In the order of the labels; none in records of earlier versions.
    public var classNames: [String]
    /// What the weights of the classes came to where the spec has them balanced.
    public var classWeights: [Float]?

    public init(
      name: String, test: String? = nil, digest: String, training: String,
      testImages: String? = nil, source: String, standsInFor: String? = nil, skipped: [String] = [],
      notes: [String] = [],
      classNames: [String] = []
    ) {
      self.name = name
      self.test = test
      self.digest = digest
      self.training = training
      self.testImages = testImages
      self.source = source
      self.standsInFor = standsInFor
      self.skipped = skipped
      self.notes = notes
      self.classNames = classNames
    }
  }

  public var status: Status
  /// How it ended, as a sentence; nil while it runs.
  public var ending: String?
  public var name: String
  public var id: String
  public var command: [String]
  public var started: String
  /// When it was taken up again, each time.
  public var resumed: [String] = []
  public var ended: String?
  public var seed: UInt64
  /// The run whose checkpoint this one began with; nil for one that began with fresh weights.
  public var continues: String?
  /// The run that had trained the first epochs of this one, under a spec of fewer; nil for one that trained
  /// all of them itself. Either has the same bits.
  public var extends: String?
  /// The run that this one is a copy of, made because it would have come to the same.
  public var reused: String?
  /// What it began with instead of fresh weights.
  public var initial: Initial?
  /// What it was taught by besides the labels.
  public var teachers: [Teacher] = []
  public var data: Data?
  public var environment: Environment

  public init(
    status: Status = .running, name: String, id: String, command: [String], started: String,
    seed: UInt64, environment: Environment
  ) {
    self.status = status
    self.name = name
    self.id = id
    self.command = command
    self.started = started
    self.seed = seed
    self.environment = environment
  }

  public func write(to path: String) throws(FileError) {
    try AtomicFile.write(json.pretty, to: path)
  }

  var json: JSONValue {
    var dataset: JSONValue = .null
    if let data {
      dataset = [
        "name": JSONValue(data.name), "test": JSONValue(data.test),
        "sha256": JSONValue(data.digest), "training_sha256": JSONValue(data.training),
        "source": JSONValue(data.source), "stands_in_for": JSONValue(data.standsInFor),
      ]
      if let testImages = data.testImages { dataset["test_sha256"] = .string(testImages) }
      if !data.skipped.isEmpty {
        dataset["skipped"] = .array(data.skipped.map { JSONValue($0) })
      }
      if !data.notes.isEmpty { dataset["notes"] = .array(data.notes.map { JSONValue($0) }) }
      if !data.classNames.isEmpty {
        dataset["classes"] = .array(data.classNames.map { JSONValue($0) })
      }
      if let weights = data.classWeights {
        dataset["class_weights"] = .array(weights.map { JSONValue($0) })
      }
    }
    var json: JSONValue = [
      "status": JSONValue(status.rawValue),
      "ending": JSONValue(ending),
      "name": JSONValue(name),
      "id": JSONValue(id),
      "command": .array(command.map { JSONValue($0) }),
      "started": JSONValue(started),
      "resumed": .array(resumed.map { JSONValue($0) }),
      "ended": JSONValue(ended),
      "seed": JSONValue(seed),
      "continues": JSONValue(continues),
      "reused": JSONValue(reused),
      "dataset": dataset,
      "environment": environment.json,
    ]
    if let extends { json["extends"] = .string(extends) }
    if let initial { json["initial"] = initial.json }
    if !teachers.isEmpty { json["teachers"] = .array(teachers.map(\.json)) }
    return json
  }

  public init(reading path: String) throws {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: try Files.read(path, limit: Files.documentLimit), name: path)
    } catch let error as SpecErrors {
      throw RecordError(path, "is damaged: \(error)")
    }
    func text(_ key: String) throws(RecordError) -> String {
      guard let value = json[key]?.string else {
        throw RecordError(path, "is damaged: it has no text \"\(key)\"")
      }
      return value
    }
    guard let status = Status(rawValue: try text("status")) else {
      throw RecordError(path, "is damaged: status \"\(try text("status"))\" is not known")
    }
    guard let seed = json["seed"]?.uint64 else {
      throw RecordError(path, "is damaged: it has no number \"seed\"")
    }
    self.init(
      status: status, name: try text("name"), id: try text("id"),
      command: json["command"]?.array?.compactMap(\.string) ?? [], started: try text("started"),
      seed: seed, environment: Environment(json: json["environment"] ?? .null))
    ending = json["ending"]?.string
    resumed = json["resumed"]?.array?.compactMap(\.string) ?? []
    ended = json["ended"]?.string
    continues = json["continues"]?.string
    extends = json["extends"]?.string
    reused = json["reused"]?.string
    initial = Initial(json["initial"])
    teachers = json["teachers"]?.array?.compactMap { Teacher($0) } ?? []
    if let dataset = json["dataset"], let name = dataset["name"]?.string {
      data = Data(
        name: name, test: dataset["test"]?.string, digest: dataset["sha256"]?.string ?? "",
        training: dataset["training_sha256"]?.string ?? "",
        testImages: dataset["test_sha256"]?.string,
        source: dataset["source"]?.string ?? "",
        standsInFor: dataset["stands_in_for"]?.string,
        skipped: dataset["skipped"]?.array?.compactMap(\.string) ?? [],
        notes: dataset["notes"]?.array?.compactMap(\.string) ?? [],
        classNames: dataset["classes"]?.array?.compactMap(\.string) ?? [])
      data?.classWeights = dataset["class_weights"]?.array?.compactMap { $0.number?.float }
    }
  }
}
