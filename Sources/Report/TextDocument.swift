import Storage
import TerminalText

/// Tables, facts and sentences that a command prints together, in any format.
///
/// For people it is blocks with an empty line between them. As JSON it is one object: a member for each
/// fact, an array for each table and each list of sentences. As CSV it is one table, the main one or the
/// one that is asked for.
public struct TextDocument: Hashable, Sendable {
  /// A value for programs, and the line that tells it to people.
  public struct Fact: Hashable, Sendable {
    public let key: String
    public let value: TextTable.Cell
    /// Nil where another fact's line tells this one too.
    public let line: String?

    public init(_ key: String, _ value: TextTable.Cell, line: String? = nil) {
      self.key = key
      self.value = value
      self.line = line
    }
  }

  enum Part: Hashable, Sendable {
    case facts([Fact])
    case table(key: String, title: String?, TextTable)
    case sentences(key: String, [String])
  }

  /// What the facts are called among the tables: a table of one row.
  public static let facts = "facts"

  private var parts: [Part] = []
  /// The table that CSV holds where none is asked for; nil for the first.
  public var mainTable: String?

  public init() {}

  /// What the tables are called, in their order; the last are the facts, where there are any.
  public var tableNames: [String] { tables.map(\.key) }

  private var tables: [(key: String, title: String?, rows: TextTable)] {
    var tables: [(key: String, title: String?, rows: TextTable)] = []
    for case .table(let key, let title, let rows) in parts { tables.append((key, title, rows)) }
    var facts: [Fact] = []
    for case .facts(let some) in parts { facts += some }
    guard !facts.isEmpty else { return tables }
    var row = TextTable(facts.map { .init($0.key) })
    row.append(facts.map(\.value))
    return tables + [(Self.facts, nil, row)]
  }

  /// Which of the tables CSV holds where none is asked for; nil where there are none.
  public var nameForCSV: String? { mainTable ?? tableNames.first }

  /// One of the tables by its name; nil where there is none such.
  public func table(_ name: String) -> TextTable? { tables.first { $0.key == name }?.rows }

  public mutating func append(_ facts: [Fact]) { parts.append(.facts(facts)) }

  /// - Parameters:
  ///   - key: its member in JSON.
  ///   - title: a line above it, for people.
  public mutating func append(_ table: TextTable, key: String, title: String? = nil) {
    parts.append(.table(key: key, title: title, table))
  }

  /// - Parameter key: its member in JSON.
  public mutating func append(_ sentences: [String], key: String) {
    parts.append(.sentences(key: key, sentences))
  }

  /// The whole document; ends with a line feed.
  ///
  /// - Parameter columns: those of the terminal that `table` is for, and is made to fit; nil where
  ///   nothing has to.
  public func text(as format: TableFormat, columns: Int? = nil) -> String {
    switch format {
    case .table: blocks(columns: columns)
    case .markdown: markdown
    case .csv: csv
    case .json: json
    }
  }

  private func blocks(columns: Int?) -> String {
    func lines(_ texts: [String]) -> String? {
      texts.isEmpty
        ? nil : texts.map { WrappedText.fitted($0, columns: columns) + "\n" }.joined()
    }
    return parts.compactMap { part in
      switch part {
      case .facts(let facts): lines(facts.compactMap(\.line))
      case .table(_, let title, let rows):
        (lines(title.map { [$0] } ?? []) ?? "") + rows.text(as: .table, columns: columns)
      case .sentences(_, let sentences): lines(sentences)
      }
    }.joined(separator: "\n")
  }

  private var markdown: String {
    parts.compactMap { part in
      switch part {
      case .facts(let facts):
        let lines = facts.compactMap(\.line)
        // Columns of spaces mean nothing there.
        return lines.isEmpty
          ? nil
          : lines.map {
            "- " + $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
              + "\n"
          }.joined()
      case .table(_, let title, let rows):
        return (title.map { "### \($0)\n\n" } ?? "") + rows.text(as: .markdown)
      case .sentences(_, let sentences):
        return sentences.isEmpty ? nil : sentences.joined(separator: "\n\n") + "\n"
      }
    }.joined(separator: "\n")
  }

  private var csv: String { nameForCSV.flatMap { table($0) }?.text(as: .csv) ?? "" }

  private var json: String {
    var members: [String] = []
    for part in parts {
      switch part {
      case .facts(let facts):
        members += facts.map { "  \(JSONValue.quoted($0.key)): \($0.value.json.compact)" }
      case .table(let key, _, let rows):
        members.append("  \(JSONValue.quoted(key)): \(rows.json(indentation: "  "))")
      case .sentences(let key, let sentences):
        let lines = sentences.map { "    \(JSONValue.quoted($0))" }
        members.append(
          "  \(JSONValue.quoted(key)): "
            + (lines.isEmpty ? "[]" : "[\n\(lines.joined(separator: ",\n"))\n  ]"))
      }
    }
    return members.isEmpty ? "{}\n" : "{\n\(members.joined(separator: ",\n"))\n}\n"
  }
}
