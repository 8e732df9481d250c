import Datasets
import Experiment
import Storage

/// How the lines of a journal are written, which depends on the parameters of its sweep.
public struct JournalFormat: Sendable {
  private let space: SearchSpace

  public init(_ space: SearchSpace) { self.space = space }

  private static let figures = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]

  var header: String {
    let fixed =
      ["trial", "seed", "stage", "status", "stop_reason"]
      + ["best_epoch", "best_step", "best_learning_rate"] + Self.figures.map { "best_\($0)" }
      + ["last_epoch", "last_step", "last_learning_rate"] + Self.figures.map { "last_\($0)" }
      + ["curve", "key"]
    return CSV.row(fixed + space.parameters.map(\.path) + ["checksum"])
  }

  func line(_ entry: JournalEntry) -> String {
    let result = entry.result
    let none = [String](repeating: "", count: 7)
    let reason = result.reason.split(whereSeparator: \.isNewline).joined(separator: " ")
    let (id, curve) = (result.id, result.curve.map(\.description).joined(separator: " "))
    let fields =
      CSV.fields(id.trial, id.seed, id.stage, result.status.rawValue, reason)
      + (result.best?.fields ?? none) + (result.last?.fields ?? none) + [curve, result.key]
      + space.labels(of: entry.configuration).map { $0 ?? "" }
    let text = CSV.row(fields)
    return "\(text),\(Self.checksum(Array(text.utf8)[...]))"
  }

  /// Eight hexadecimal digits of SHA-256.
  private static func checksum(_ text: ArraySlice<UInt8>) -> Substring {
    text.withUnsafeBytes { SHA256.hex(of: $0) }.prefix(8)
  }

  /// The whole entries of a file, and how many bytes they and the header take.
  /// - Throws: `RecordError` for a line that is damaged, unless it is the last, which a kill may have
  ///   torn.
  func read(_ path: String) throws -> (entries: [JournalEntry], wholeLength: Int) {
    let bytes = try Files.read(path)
    var entries: [JournalEntry] = []
    var start = 0
    var line = 0
    while start < bytes.count {
      line += 1
      guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { break }
      if line == 1 {
        guard bytes[start..<end].elementsEqual(header.utf8) else {
          throw RecordError(
            "\(path):1", "is the journal of another search space: its columns are not \"\(header)\""
          )
        }
      } else if let entry = entry(bytes[start..<end]) {
        entries.append(entry)
      } else if end == bytes.count - 1 {
        break
      } else {
        throw RecordError(
          "\(path):\(line)",
          "the line is damaged; remove it, and what it told of is run again")
      }
      start = end + 1
    }
    return (entries, start)
  }

  /// Reads a line back; nil when it is torn or not as it was written.
  private func entry(_ line: ArraySlice<UInt8>) -> JournalEntry? {
    guard let comma = line.lastIndex(of: UInt8(ascii: ",")),
      Self.checksum(line[..<comma]).utf8.elementsEqual(line[(comma + 1)...]),
      case let fields = line[..<comma].withUnsafeBytes({ CSVDialect.standard.texts(of: $0) }),
      fields.count == 21 + space.parameters.count,
      let trial = Int(fields[0]), let seed = UInt64(fields[1]), let stage = Int(fields[2]),
      let status = StageResult.Status(rawValue: fields[3]),
      let configuration = space.configuration(
        labelled: fields[21...].map { $0.isEmpty ? nil : $0 })
    else { return nil }
    func row(_ first: Int) -> EpochRow? { EpochRow(fields: fields[first..<first + 7]) }
    let curve = fields[19].utf8.split(separator: UInt8(ascii: " ")).compactMap {
      Double(Substring($0))
    }
    let result = StageResult(
      id: StageID(trial: trial, seed: seed, stage: stage), status: status,
      reason: fields[4], curve: curve, best: row(5), last: row(12), key: fields[20])
    return JournalEntry(result: result, configuration: configuration)
  }
}
