import ConvNet
import Datasets
import Storage
import Watching

/// Holds a run's record against the same run carried out again, file by file, and keeps account of
/// what was compared. Each comparison returns the first thing that is not the same.
struct RecordComparison {
  private let record: Verification.Record
  /// What was compared: the figures first, then what run.json says.
  var compared: [String] { figures + claims }
  private var figures: [String] = []
  private var claims: [String] = []
  private(set) var absent: [String] = []
  private(set) var leftOut: [String] = []

  init(_ record: Verification.Record) { self.record = record }

  // MARK: - run.json

  /// What run.json says of the spec, which resolved.json tells, and of the data, which were read.
  mutating func compareClaims(_ data: RunRecord.Data) -> [String] {
    let (run, spec) = (record.run, record.spec)
    func differs(_ key: String, _ now: String?, _ then: String?) -> String? {
      now == then ? nil : "run.json: \(key) is \(now ?? "nothing"), was \(then ?? "nothing")"
    }
    // Of a thousand values the first that differs.
    func differ<Value: Equatable>(_ key: String, _ now: [Value], _ then: [Value]) -> String? {
      if now == then { return nil }
      let place = zip(now, then).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      guard let place, now.count == then.count else {
        return differs(key, "\(now.count) values", "\(then.count)")
      }
      return differs("\(key)[\(place)]", "\(now[place])", "\(then[place])")
    }
    let kernel =
      spec.compute.kernel == "auto" ? run.environment.kernel : spec.compute.kernel.uppercased()
    var differences = [
      differs("name", spec.name, run.name), differs("seed", "\(spec.seed)", "\(run.seed)"),
      differs("environment.kernel", kernel, run.environment.kernel),
    ].compactMap { $0 }
    if differences.isEmpty { claims.append("name, seed and kernel of run.json") }
    if let initial = spec.initial {
      let other = differs(
        "initial.weights_sha256", initial.weightsDigest, run.initial?.weightsDigest)
      if let other { differences.append(other) } else { claims.append("the model it began with") }
    }
    if let teacher = spec.teacher {
      let other = differ(
        "teachers", teacher.weightsDigests ?? [], run.teachers.map(\.weightsDigest))
      if let other { differences.append(other) } else { claims.append("the models that taught it") }
    }
    guard let recorded = run.data else {
      absent.append("dataset of run.json")
      return differences
    }
    // What the data stand in for was read from here, so that it is held against the spec.
    let named = spec.dataset.name.rawValue
    let standsInFor = data.name == named ? nil : named
    let ofData = [
      differs("dataset.name", data.name, recorded.name),
      differs("dataset.test", data.test, recorded.test),
      differs("dataset.sha256", data.digest, recorded.digest),
      differs("dataset.stands_in_for", standsInFor, recorded.standsInFor),
      differs(
        "dataset.skipped", "\(data.skipped.count) files", "\(recorded.skipped.count) files"),
      recorded.training.isEmpty
        ? nil : differs("dataset.training_sha256", data.training, recorded.training),
      recorded.testImages == nil
        ? nil : differs("dataset.test_sha256", data.testImages, recorded.testImages),
      recorded.classNames.isEmpty
        ? nil
        : differ("dataset.classes", data.classNames, recorded.classNames),
      differ("dataset.class_weights", data.classWeights ?? [], recorded.classWeights ?? []),
    ].compactMap { $0 }
    differences += ofData
    if ofData.isEmpty { claims.append("the dataset's digest") }
    if recorded.training.isEmpty { absent.append("dataset.training_sha256 of run.json") }
    return differences
  }

  /// How the run ended.
  mutating func compareEnding(_ outcome: RunOutcome, isWhole: Bool) -> [String] {
    let run = record.run
    guard isWhole else {
      leftOut.append("status and ending of run.json")
      return []
    }
    switch outcome {
    case .interrupted: preconditionFailure("interrupted without a signal")
    case .diverged where run.status != .diverged: return ["the run diverged: \(outcome.ending)"]
    case .completed where run.status == .diverged:
      return ["run.json: status is completed, was diverged"]
    default: break
    }
    // Killed after its summary was written, a run is as good as completed.
    guard run.status == .completed || run.status == .diverged else {
      leftOut.append("status and ending of run.json, which is \(run.status.rawValue)")
      return []
    }
    guard run.ending == outcome.ending else {
      return ["run.json: ending is \"\(outcome.ending)\", was \"\(run.ending ?? "nothing")\""]
    }
    claims.append("status and ending of run.json")
    return []
  }

  // MARK: - metrics.csv

  mutating func compareMetrics(
    _ folder: RunFolder, epochs: Int, isWhole: Bool
  ) throws -> [String] {
    let text = try Files.readText(folder.metrics)
    let rows = text.split(separator: "\n").dropFirst().map(String.init)
    let names = CSVDialect.standard.texts(of: EpochRow.header(with: record.spec.metrics))
    var differences: [String] = []
    var unlike = 0
    for (index, recorded) in record.rows.prefix(epochs).enumerated() {
      guard index < rows.count else {
        // After a difference it need not have gone on.
        if unlike == 0 {
          differences.append("epoch \(index + 1) is recorded, but the run ended before it")
        }
        break
      }
      if rows[index] == recorded { continue }
      unlike += 1
      guard unlike == 1 else { continue }
      let (now, then) = (
        CSVDialect.standard.texts(of: rows[index]), CSVDialect.standard.texts(of: recorded)
      )
      let column = names.indices.first { now[$0] != (then.indices.contains($0) ? then[$0] : "") }
      let detail = column.map {
        ": \(names[$0]) is \(now[$0]), was \(then.indices.contains($0) ? then[$0] : "missing")"
      }
      differences.append("epoch \(index + 1) is the first that differs\(detail ?? "")")
    }
    if unlike > 0 {
      let trained = min(rows.count, epochs)
      differences[0] +=
        trained < epochs
        ? "; the epochs from \(trained + 1) on were not trained again"
        : unlike > 1 ? "; \(unlike) of \(epochs) epochs differ" : ""
    }
    if isWhole, rows.count > epochs { differences.append("the run went on after epoch \(epochs)") }
    guard differences.isEmpty else { return differences }
    if epochs == record.rows.count, text != record.metrics {
      return ["metrics.csv: its rows are the same, but not its bytes"]
    }
    figures.append("\(epochs == 1 ? "1 epoch" : "\(epochs) epochs") of metrics.csv")
    if epochs < record.rows.count {
      leftOut.append("the \(record.rows.count - epochs) epochs after these")
    }
    return []
  }

  // MARK: - summary.json

  /// Keys that were called otherwise in earlier versions.
  private static let formerNames = [
    "test_time_augmentation.test_loss": "test_time_augmentation.test_cross_entropy"
  ]

  mutating func compareSummary(_ outcome: RunOutcome, isWhole: Bool) -> [String] {
    guard let summary = record.summary else {
      if record.run.status == .completed { absent.append("summary.json") }
      return []
    }
    guard isWhole else {
      leftOut.append("summary.json")
      return []
    }
    guard case .completed(let again) = outcome else { return ["summary.json: the run diverged"] }
    let recorded = summary.leaves.map { (Self.formerNames[$0.path] ?? $0.path, $0.value) }
    let then = Dictionary(recorded, uniquingKeysWith: { first, _ in first })
    guard then.count == recorded.count else { return ["summary.json: a figure is given twice"] }
    let now = again.json.leaves
    var missing: [String] = []
    var differences: [String] = []
    for (path, value) in now {
      guard let figure = then[path] else {
        if !value.isNull { missing.append(path) }
        continue
      }
      if figure != value {
        differences.append(
          "summary.json: \(path) is \(value.compact), was \(figure.compact)")
      }
    }
    for (path, value) in recorded where !now.contains(where: { $0.path == path }) {
      differences.append("summary.json: \(path) is not there, was \(value.compact)")
    }
    guard differences.isEmpty else { return differences }
    let count = recorded.count
    figures.append("\(count) figure\(count == 1 ? "" : "s") of summary.json")
    if !missing.isEmpty { absent.append("\(missing.joined(separator: ", ")) of summary.json") }
    return []
  }

  // MARK: - checkpoints

  /// - Parameter isWhole: whether as many epochs were trained as the record has.
  mutating func compareCheckpoints(_ folder: RunFolder, isWhole: Bool) throws -> [String] {
    var differences: [String] = []
    for (recorded, again) in [
      (record.folder.last, folder.last), (record.folder.best, folder.best),
    ] {
      let name = "checkpoints/\(Files.name(of: recorded))"
      guard Files.exists(recorded) else {
        if Files.exists(again) { absent.append(name) }
        continue
      }
      guard isWhole else {
        leftOut.append(name)
        continue
      }
      guard Files.exists(again) else {
        differences.append("\(name): the run has none")
        continue
      }
      if let difference = try compare(recorded, again, name) { differences.append(difference) }
    }
    return differences
  }

  private mutating func compare(
    _ recorded: String, _ again: String, _ name: String
  ) throws -> String? {
    let then: CheckpointFile
    let plan = try NetworkPlan(record.spec.network)
    do { then = try CheckpointFile(reading: recorded, of: plan) } catch let error as RecordError {
      return "\(name): \(error.message)"
    }
    let now = try CheckpointFile(reading: again, of: plan)
    if then.metadata["step"] != now.metadata["step"], !record.isWhole {
      leftOut.append("\(name), of step \(then.metadata["step"] ?? "unknown") within an epoch")
      return nil
    }
    for tensor in now.tensors where then[tensor.name] != tensor {
      return "\(name): \(tensor.name) is not the same"
    }
    // What one version keeps and another doesn't is no difference.
    let ofTheVersion =
      then.isOlder ? ["format", Safetensors.digestKey, "metrics_sha256"] : [Safetensors.digestKey]
    for key in Set(now.metadata.keys).union(then.metadata.keys).sorted()
    where now.metadata[key] != then.metadata[key] && !ofTheVersion.contains(key) {
      return "\(name): \(key) is \(now.metadata[key] ?? "not there"), "
        + "was \(then.metadata[key] ?? "not there")"
    }
    guard then.tensors.count == now.tensors.count else {
      return "\(name): it has \(then.tensors.count) tensors, not \(now.tensors.count)"
    }
    guard try then.isOlder || Files.read(recorded) == Files.read(again) else {
      return "\(name): its tensors are the same, but not its bytes"
    }
    figures.append(then.isOlder ? "the tensors and counters of \(name)" : name)
    return nil
  }

  // MARK: - The model

  /// What a run leaves of its model, each of which may be there without the others.
  /// - Parameter isWhole: whether the run came to its end, where it leaves a model.
  mutating func compareModel(_ folder: RunFolder, isWhole: Bool) throws -> [String] {
    guard isWhole else {
      let then = record.folder
      var left = [then.model, then.profile]
      if record.spec.quantization != nil { left.append(then.integerModel) }
      leftOut += left.filter(Files.exists).map { Files.name(of: $0) }
      return []
    }
    return try compareFloats(folder) + compareIntegers(folder) + compareProfile(folder)
  }

  private mutating func compareFloats(_ folder: RunFolder) throws -> [String] {
    let name = "model.safetensors"
    guard Files.exists(record.folder.model) else {
      if Files.exists(folder.model) { absent.append(name) }
      return []
    }
    guard Files.exists(folder.model) else { return ["\(name): the run has none"] }
    let then: ModelFile
    do { then = try ModelFile(reading: record.folder.model) } catch let error as RecordError {
      return ["\(name): \(error.message)"]
    }
    let now = try ModelFile(reading: folder.model)
    guard then.weightsDigest == now.weightsDigest else {
      return ["\(name): its weights are not the same"]
    }
    guard then.encoded == now.encoded else {
      return ["\(name): its weights are the same, but not its bytes"]
    }
    figures.append(name)
    return []
  }

  /// The integers that a training with quantisation leaves; of another run they are none of its own.
  private mutating func compareIntegers(_ folder: RunFolder) throws -> [String] {
    guard record.spec.quantization != nil else { return [] }
    let name = Files.name(of: folder.integerModel)
    guard Files.exists(record.folder.integerModel) else {
      absent.append(name)
      return []
    }
    guard try Files.read(record.folder.integerModel) == Files.read(folder.integerModel) else {
      return ["\(name): its bytes are not the same"]
    }
    figures.append(name)
    return []
  }

  /// What was observed of the validation images, bit for bit. What is fitted on it goes through the C
  /// library's exponential, which is none of ours.
  private mutating func compareProfile(_ folder: RunFolder) throws -> [String] {
    let name = Files.name(of: folder.profile)
    guard Files.exists(record.folder.profile) else {
      if Files.exists(folder.profile) { absent.append(name) }
      return []
    }
    guard Files.exists(folder.profile) else { return ["\(name): the run has none"] }
    let then: ValidationProfile
    do { then = try ValidationProfile(reading: record.folder.profile) } catch let error
      as RecordError
    {
      return ["\(name): \(error.message)"]
    }
    guard try then.hasSameObservations(as: ValidationProfile(reading: folder.profile)) else {
      return ["\(name): the validation images do not look the same"]
    }
    figures.append(name)
    return []
  }

  // MARK: - The rest

  /// Names what else is in the folder.
  mutating func nameTheRest() {
    let known =
      [
        "resolved.json", "run.json", "metrics.csv", "summary.json", "checkpoints",
        "model.safetensors", "model.profile",
      ] + (record.spec.quantization == nil ? [] : [Files.name(of: record.folder.integerModel)])
    let names = (try? Files.names(in: record.folder.path)) ?? []
    leftOut += names.filter { !known.contains($0) && !$0.hasPrefix(".") }
  }
}

extension JSONValue {
  /// All that is neither an object nor a list, or is empty, by its path: "expected[0].min".
  fileprivate var leaves: [(path: String, value: JSONValue)] { leaves(Path()) }

  private func leaves(_ path: Path) -> [(path: String, value: JSONValue)] {
    switch self {
    case .object(let object) where !object.isEmpty:
      object.members.flatMap { $0.value.leaves(path + $0.key) }
    case .array(let items) where !items.isEmpty:
      items.enumerated().flatMap { $1.leaves(path + $0) }
    default: [(path.description, self)]
    }
  }
}
