import Glibc
import Storage

/// What a server logged: the requests in the order of their times, and what was said of answers.
///
/// Lines that are no such lines are counted and passed over, as the last may be, where the server was
/// killed while it wrote.
public struct RequestLog: Sendable {
  public private(set) var requests: [LoggedRequest] = []
  /// In the order of their times.
  public private(set) var feedback: [LoggedFeedback] = []
  /// The files that were read.
  public private(set) var files: [String] = []
  /// Lines that could not be read, and where the first of them is.
  public private(set) var unread = 0
  public private(set) var firstUnread: String?

  static let ending = ".jsonl"

  /// Reads a file, or all files of a folder whose names end in .jsonl, by name.
  /// - Throws: `DatasetError` where there are none, or they cannot be read.
  public init(reading path: String) throws(DatasetError) {
    files = try Self.files(of: path)
    for file in files { try read(file) }
    requests = Self.sorted(requests, by: \.time)
    feedback = Self.sorted(feedback, by: \.time)
  }

  /// The files of a log.
  static func files(of path: String) throws(DatasetError) -> [String] {
    guard FileDescriptor.isFolder(path) else { return [path] }
    let names: [String]
    do throws(FileError) { names = try FolderNames(of: path).names } catch {
      throw DatasetError(error)
    }
    let files = names.filter { $0.hasSuffix(ending) && !$0.hasPrefix(".") }
    guard !files.isEmpty else {
      throw DatasetError(
        .invalid, "\(path): there is no file \(ending) in it, as a server's log has")
    }
    return files.map { "\(path)/\($0)" }
  }

  /// Equal times stay in the order of the lines.
  private static func sorted<Line>(_ lines: [Line], by time: KeyPath<Line, String>) -> [Line] {
    lines.enumerated().sorted {
      let (a, b) = ($0.element[keyPath: time], $1.element[keyPath: time])
      return a != b ? isBefore(a, b) : $0.offset < $1.offset
    }.map(\.element)
  }

  /// Decimals may be fewer in one of them; "Z" is no digit.
  private static func isBefore(_ a: String, _ b: String) -> Bool {
    let (a, b) = (a.dropLast(), b.dropLast())
    return a.prefix(19) != b.prefix(19)
      ? a.prefix(19) < b.prefix(19) : a.dropFirst(19) < b.dropFirst(19)
  }

  private mutating func read(_ file: String) throws(DatasetError) {
    var lines = LineStream(try PlainStream(file))
    while let line = try lines.next() {
      if line.isEmpty { continue }
      if let json = try? JSONValue(parsing: Array(line), name: file), let line = LogLine(json) {
        switch line {
        case .request(let request): requests.append(request)
        case .feedback(let said): feedback.append(said)
        }
      } else {
        unread += 1
        if firstUnread == nil { firstUnread = "\(file):\(lines.number)" }
      }
    }
  }

  /// The last that was said of each request, by its id.
  public var labels: [String: Int] {
    Dictionary(feedback.map { ($0.request, $0.label) }, uniquingKeysWith: { $1 })
  }

  /// "3 lines are no lines of a log and are passed over, the first at log.jsonl:17"; nil where there
  /// are none.
  public var note: String? {
    guard let firstUnread else { return nil }
    return unread == 1
      ? "one line is none of a request log and is passed over: \(firstUnread)"
      : "\(unread) lines are none of a request log and are passed over, the first at \(firstUnread)"
  }
}
