import ConvNet
import Datasets
import Experiment
import Glibc
import Search
import Storage

/// How the lines of a journal are written, which depends on the parameters of its sweep and on what its
/// trials measure.
public struct JournalFormat: Sendable {
  private let space: SearchSpace
  private let measured: [MetricName]

  /// - Parameter measured: what the trials measure besides loss and accuracy.
  public init(_ space: SearchSpace, measured: [MetricName] = []) {
    self.space = space
    self.measured = measured
  }

  public init(_ spec: SweepSpec) { self.init(spec.space, measured: spec.measured) }

  /// How many cells an epoch takes.
  private var width: Int { 7 + measured.count }

  var header: String {
    let epoch =
      ["epoch", "step", "learning_rate"] + SweepSpec.figures(measured).map(\.rawValue)
    let fixed =
      ["trial", "seed", "stage", "status", "stop_reason"] + epoch.map { "best_\($0)" }
      + epoch.map { "last_\($0)" } + ["curve", "key"]
    return CSV.row(fixed + space.parameters.map(\.path) + ["checksum"])
  }

  func line(_ entry: JournalEntry) -> String {
    let result = entry.result
    let nothing = [String](repeating: "", count: width)
    let row: (EpochRow?) -> [String] = { $0?.fields(with: measured) ?? nothing }
    let reason = result.reason.split(whereSeparator: \.isNewline).joined(separator: " ")
    let (id, curve) = (result.id, result.curve.map(\.description).joined(separator: " "))
    let fields =
      CSV.fields(id.trial, id.seed, id.stage, result.status.rawValue, reason)
      + row(result.best) + row(result.last) + [curve, result.key]
      + space.labels(of: entry.configuration).map { $0 ?? "" }
    let text = CSV.row(fields)
    return "\(text),\(Array(text.utf8).withUnsafeBytes(Self.checksum))"
  }

  /// Eight hexadecimal digits of SHA-256.
  private static func checksum(_ text: UnsafeRawBufferPointer) -> Substring {
    SHA256.hex(of: text).prefix(checksumLength)
  }

  private static let checksumLength = 8

  /// The whole entries of a file, and how many bytes they and the header take.
  /// - Parameter hasRows: whether the epochs' rows are read too, half of a line; else the entries have none.
  /// - Throws: `RecordError` for a line that is damaged, unless it is the last, which a kill may have
  ///   torn.
  func read(
    _ path: String, hasRows: Bool = true
  ) throws -> (entries: [JournalEntry], wholeLength: Int) {
    let bytes = try Files.read(path)
    return try bytes.withUnsafeBytes { bytes in
      var entries: [JournalEntry] = []
      var start = 0
      var line = 0
      while let length = Self.lineLength(bytes, from: start) {
        let text = UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
        line += 1
        if line == 1 {
          guard text.elementsEqual(header.utf8) else {
            throw RecordError(
              "\(path):1",
              "is the journal of another search space: its columns are not \"\(header)\"")
          }
        } else if let entry = entry(text, hasRows: hasRows) {
          entries.append(entry)
        } else if start + length == bytes.count - 1 {
          break
        } else {
          throw RecordError(
            "\(path):\(line)",
            "the line is damaged; remove it, and what it told of is run again")
        }
        start += length + 1
      }
      return (entries, start)
    }
  }

  /// How long the line is that begins at a place; nil where no line ends behind it.
  private static func lineLength(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard start < bytes.count, let base = bytes.baseAddress,
      let end = memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start)
    else { return nil }
    return UnsafeRawPointer(end) - (base + start)
  }

  /// Reads a line back; nil when it is torn or not as it was written.
  private func entry(_ line: UnsafeRawBufferPointer, hasRows: Bool) -> JournalEntry? {
    let comma = line.count - Self.checksumLength - 1
    guard comma >= 0, line[comma] == UInt8(ascii: ",") else { return nil }
    let text = UnsafeRawBufferPointer(rebasing: line[..<comma])
    guard Self.checksum(text).utf8.elementsEqual(line[(comma + 1)...]) else { return nil }
    return entry(of: text, hasRows: hasRows)
  }

  private func entry(of text: UnsafeRawBufferPointer, hasRows: Bool) -> JournalEntry? {
    let (rows, parameters) = (5..<5 + 2 * width, space.parameters.count)
    var fields: [String] = []
    fields.reserveCapacity(7 + 2 * width + parameters)
    var curve: [Double] = []
    var remaining = CSVDialect.standard.fields(of: text)
    while let field = remaining.next() {
      if fields.count == rows.upperBound {
        curve = numbers(field)
        fields.append("")
      } else {
        fields.append(hasRows || !rows.contains(fields.count) ? field.unquotedText : "")
      }
    }
    guard fields.count == 7 + 2 * width + parameters, let trial = Int(fields[0]),
      let seed = UInt64(fields[1]), let stage = Int(fields[2]),
      let status = StageResult.Status(rawValue: fields[3]),
      let configuration = space.configuration(
        labelled: fields[(7 + 2 * width)...].map { $0.isEmpty ? nil : $0 })
    else { return nil }
    func row(_ first: Int) -> EpochRow? {
      hasRows ? EpochRow(fields: fields[first..<first + width], metrics: measured) : nil
    }
    let result = StageResult(
      id: StageID(trial: trial, seed: seed, stage: stage), status: status,
      reason: fields[4], curve: curve, best: row(rows.lowerBound), last: row(5 + width),
      key: fields[6 + 2 * width])
    return JournalEntry(result: result, configuration: configuration)
  }

  /// Numbers with a space between them.
  private func numbers(_ text: UnsafeRawBufferPointer) -> [Double] {
    var numbers: [Double] = []
    var start = 0
    while start < text.count {
      var end = start
      while end < text.count, text[end] != UInt8(ascii: " ") { end += 1 }
      if let number = Double(UnsafeRawBufferPointer(rebasing: text[start..<end]).text) {
        numbers.append(number)
      }
      start = end + 1
    }
    return numbers
  }
}
