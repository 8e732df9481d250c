import ConvNet
import Datasets
import Experiment
import Storage

/// sweep.json: how a sweep was started, on what, where it stands and how it ended.
struct SweepRecord {
  private var json: JSONValue

  /// Reads what the folder records, after checking that it is this very sweep's; or makes a new record.
  /// Nothing is written yet.
  static func open(
    _ folder: SweepFolder, _ spec: SweepSpec, images: RunImages
  ) throws -> SweepRecord {
    var record = SweepRecord(json: .object(JSONObject()))
    let now = Timestamp.now.iso8601
    if Files.exists(folder.record) {
      record.json = try JSONValue(
        parsing: Files.read(folder.record, limit: Files.documentLimit), name: folder.record)
      try record.check("identity", spec.identity, folder) {
        _, _ in
        "holds another sweep of the same name; give this one a name of its own, or another --output"
      }
      try record.check("kernel", BLASCore.current, folder) { was, now in
        "was begun with the kernel \(was), which decides the bits; this machine would go on with "
          + "\(now). Set compute.kernel in the base experiment to \"\(was)\""
      }
      try record.check("images", images.record.training, folder) { was, now in
        "was begun on other training images (\(was.prefix(12))…, here are \(now.prefix(12))…)"
      }
      record.json["continued"] = .array((record.json["continued"]?.array ?? []) + [.string(now)])
    } else {
      record.json["name"] = .string(spec.name)
      record.json["identity"] = .string(spec.identity)
      record.json["kernel"] = .string(BLASCore.current)
      record.json["images"] = .string(images.record.training)
      record.json["dataset"] = .string(images.record.name)
      record.json["stands_in_for"] = JSONValue(images.record.standsInFor)
      record.json["started"] = .string(now)
      record.json["continued"] = .array([])
    }
    return record
  }

  /// Notes that the sweep is under way, and keeps its spec beside the record.
  mutating func begin(
    _ folder: SweepFolder, _ loaded: LoadedSweep, _ options: SweepOptions
  ) throws {
    json["command"] = .array(options.command.map { .string($0) })
    json["environment"] = options.environment.json
    json["jobs"] = JSONValue(options.jobs)
    try AtomicFile.write(loaded.verbatim, to: folder.spec)
    try AtomicFile.write(loaded.resolved.pretty, to: folder.resolved)
    try write("running", nil, folder)
  }

  private func check(
    _ key: String, _ value: String, _ folder: SweepFolder, _ message: (String, String) -> String
  ) throws {
    let recorded = json[key]?.string ?? ""
    if recorded != value { throw RecordError(folder.path, message(recorded, value)) }
  }

  private mutating func write(_ status: String, _ ending: String?, _ folder: SweepFolder) throws {
    json["status"] = .string(status)
    json["ending"] = JSONValue(ending)
    json["ended"] = status == "running" ? .null : .string(Timestamp.now.iso8601)
    try AtomicFile.write(json.pretty, to: folder.record)
  }

  /// - Parameter lacking: what a sweep that went through to its end did not come to.
  mutating func end(_ outcome: SweepOutcome, lacking: String?, _ folder: SweepFolder) throws {
    switch outcome {
    case .completed: try write(lacking == nil ? "completed" : "failed", lacking, folder)
    case .interrupted(let signal): try write("interrupted", "signal \(signal)", folder)
    case .timeUp(let trials):
      try write("interrupted", "the time limit, after \(trials) trials", folder)
    case .gaveUp(let failures): try write("failed", "\(failures) failures", folder)
    }
  }

  /// Notes an error, where that can still be written.
  mutating func fail(_ reason: String, _ folder: SweepFolder) {
    try? write("failed", reason, folder)
  }
}
