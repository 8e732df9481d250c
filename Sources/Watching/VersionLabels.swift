import Datasets
import Storage

/// labels.json in a folder of model versions: which version each label, as `stable` or `canary`, means,
/// and how it came to that. A server reads it; `runner promote` moves labels.
public struct VersionLabels: Hashable, Sendable {
  /// One move of a label.
  public struct Move: Hashable, Sendable {
    public var time: String
    public var label: String
    /// Nil where the label was new.
    public var from: Int?
    public var to: Int
    /// The digest of the weights that it was moved to.
    public var model: String
    /// Why, as a sentence.
    public var reason: String
    /// Whether it was moved although the comparison did not say that it is better.
    public var isForced: Bool

    public init(
      time: String, label: String, from: Int?, to: Int, model: String, reason: String,
      isForced: Bool
    ) {
      self.time = time
      self.label = label
      self.from = from
      self.to = to
      self.model = model
      self.reason = reason
      self.isForced = isForced
    }
  }

  /// By name, in the order of the file.
  public private(set) var labels: [String: Int] = [:]
  public private(set) var history: [Move] = []

  public init() {}

  public static func path(in folder: String) -> String { "\(folder)/labels.json" }

  /// Where the model of a version lies.
  public static func model(_ version: Int, in folder: String) -> String {
    "\(folder)/\(version)/model.safetensors"
  }

  /// The versions in a folder, in ascending order: its folders with a whole number as their name, and a
  /// model in them.
  public static func versions(in folder: String) throws(FileError) -> [Int] {
    try Files.names(in: folder).compactMap { name in
      Int(name).flatMap { version in
        version >= 0 && String(version) == name && Files.exists(model(version, in: folder))
          ? version : nil
      }
    }.sorted()
  }

  /// Whether a label can be called so: letters, digits, "_", "-" and ".", beginning with a letter.
  public static func isName(_ text: String) -> Bool {
    let letters = text.utf8
    func isLetter(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    return letters.count <= 64 && letters.first.map(isLetter) == true
      && letters.allSatisfy {
        isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains($0)
      }
  }

  public mutating func move(_ move: Move) {
    labels[move.label] = move.to
    history.append(move)
  }

  /// The labels of a folder; none where it has no labels.json.
  /// - Throws: `RecordError` for what is damaged; `FileError`.
  public init(reading folder: String) throws {
    let path = Self.path(in: folder)
    guard Files.exists(path) else {
      self.init()
      return
    }
    try self.init(parsing: Files.read(path, limit: Files.documentLimit), path: path)
  }

  init(parsing bytes: [UInt8], path: String) throws(RecordError) {
    func damaged(_ what: String) -> RecordError { RecordError(path, "is damaged: \(what)") }
    let json: JSONValue
    do { json = try JSONValue(parsing: bytes, name: path) } catch { throw damaged("\(error)") }
    guard let labels = json["labels"]?.object else { throw damaged("it has no \"labels\"") }
    for member in labels.members {
      guard Self.isName(member.key), let version = member.value.int, version >= 0 else {
        throw damaged("labels.\(member.key) is not a version's number")
      }
      self.labels[member.key] = version
    }
    for (place, item) in (json["history"]?.array ?? []).enumerated() {
      guard let time = item["time"]?.string, let label = item["label"]?.string,
        let to = item["to"]?.int, let model = item["model"]?.string,
        let reason = item["reason"]?.string, let isForced = item["forced"]?.bool
      else { throw damaged("history[\(place)] is not whole") }
      history.append(
        Move(
          time: time, label: label, from: item["from"]?.int, to: to, model: model,
          reason: reason, isForced: isForced))
    }
  }

  public func write(in folder: String) throws(FileError) {
    try AtomicFile.write(text, to: Self.path(in: folder))
  }

  /// The file.
  var text: String {
    var object = JSONObject()
    for label in labels.keys.sorted() { object[label] = JSONValue(labels[label]!) }
    let json: JSONValue = [
      "labels": .object(object),
      "history": .array(
        history.map {
          [
            "time": .string($0.time), "label": .string($0.label), "from": JSONValue($0.from),
            "to": JSONValue($0.to), "forced": .bool($0.isForced), "model": .string($0.model),
            "reason": .string($0.reason),
          ]
        }),
    ]
    return json.pretty
  }
}
