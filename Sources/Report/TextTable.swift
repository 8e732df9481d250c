import Storage
import TerminalText

/// How a table is printed.
public enum TableFormat: String, Hashable, Sendable, CaseIterable {
  /// Aligned columns, for people.
  case table
  /// Full precision, quoted as RFC 4180 says; lines end with a line feed, as metrics.csv's do.
  case csv
  /// Full precision, an array with an object for each row.
  case json
  /// A table of GitHub's Markdown, with the same text as `table`.
  case markdown
}

/// Rows under named columns, to be printed in any format.
public struct TextTable: Hashable, Sendable {
  public struct Column: Hashable, Sendable {
    public enum Alignment: Hashable, Sendable { case left, right }
    /// The key in JSON and the header in CSV.
    public let name: String
    /// The header for people.
    public let title: String
    public let alignment: Alignment
    /// Whether it is for programs only: in CSV and JSON.
    public let isDetail: Bool

    /// - Parameter title: the name, unless it is given.
    public init(
      _ name: String, title: String? = nil, _ alignment: Alignment = .left, isDetail: Bool = false
    ) {
      self.name = name
      self.title = title ?? name
      self.alignment = alignment
      self.isDetail = isDetail
    }
  }

  /// A value for programs, and its text for people.
  public struct Cell: Hashable, Sendable, ExpressibleByStringLiteral {
    enum Value: Hashable, Sendable {
      case text(String)
      case number(Double)
      case integer(Int)
      case flag(Bool)
      case missing
    }

    let value: Value
    public let text: String

    public static func text(_ value: String, _ text: String? = nil) -> Cell {
      Cell(value: .text(value), text: text ?? value)
    }
    /// NaN and the infinities are missing where a format has no word for them.
    public static func number(_ value: Double, _ text: String? = nil) -> Cell {
      Cell(value: value.isFinite ? .number(value) : .missing, text: text ?? value.description)
    }
    public static func integer(_ value: Int, _ text: String? = nil) -> Cell {
      Cell(value: .integer(value), text: text ?? String(value))
    }
    public static func flag(_ value: Bool, _ text: String? = nil) -> Cell {
      Cell(value: .flag(value), text: text ?? (value ? "yes" : "no"))
    }
    /// Nothing: null in JSON, an empty cell elsewhere.
    public static func missing(_ text: String = "") -> Cell { Cell(value: .missing, text: text) }

    public init(stringLiteral value: String) { self = .text(value) }

    private init(value: Value, text: String) {
      self.value = value
      self.text = text
    }
  }

  public let columns: [Column]
  public private(set) var rows: [[Cell]] = []

  /// - Precondition: no two columns have one name.
  public init(_ columns: [Column]) {
    precondition(Set(columns.map(\.name)).count == columns.count, "two columns of one name")
    self.columns = columns
  }

  public var isEmpty: Bool { rows.isEmpty }

  /// Adds a row; cells that aren't given are missing.
  /// - Precondition: there are no more cells than columns.
  public mutating func append(_ cells: [Cell]) {
    precondition(cells.count <= columns.count, "more cells than columns")
    rows.append(cells + Array(repeating: Cell.missing(), count: columns.count - cells.count))
  }

  /// The whole table; ends with a line feed.
  ///
  /// - Parameter width: the columns of the terminal that `table` is for, and is made to fit; nil where
  ///   nothing has to.
  public func text(as format: TableFormat, columns width: Int? = nil) -> String {
    switch format {
    case .table: AlignedTable(self).text(columns: width)
    case .csv: csv
    case .json: json(indentation: "") + "\n"
    case .markdown: markdown
    }
  }

  private var csv: String {
    let body = rows.map { row in
      row.map { cell in
        switch cell.value {
        case .text(let text): text
        case .number(let number): number.description
        case .integer(let integer): String(integer)
        case .flag(let flag): flag.description
        case .missing: ""
        }
      }
    }
    return CSV.text([columns.map(\.name)] + body)
  }

  private var markdown: String {
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
    func escaped(_ text: String) -> String {
      Self.oneLine(text).map { $0 == "|" ? "\\|" : String($0) }.joined()
    }
    let shown = columns.indices.filter { !columns[$0].isDetail }
    return line(shown.map { escaped(columns[$0].title) })
      + line(shown.map { columns[$0].alignment == .left ? "---" : "---:" })
      + rows.map { row in line(shown.map { escaped(row[$0].text) }) }.joined()
  }

  /// An object on a line for each row.
  func json(indentation: String) -> String {
    guard !rows.isEmpty else { return "[]" }
    let objects = rows.map { row in
      let members = zip(columns, row).map { column, cell in
        "\(JSONValue.quoted(column.name)): \(cell.json.compact)"
      }
      return "\(indentation)  { \(members.joined(separator: ", ")) }"
    }
    return "[\n\(objects.joined(separator: ",\n"))\n\(indentation)]"
  }

  static func oneLine(_ text: String) -> String {
    String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
  }
}

extension TextTable.Cell {
  var json: JSONValue {
    switch value {
    case .text(let text): .string(text)
    case .number(let number): JSONValue(number)
    case .integer(let integer): JSONValue(integer)
    case .flag(let flag): .bool(flag)
    case .missing: .null
    }
  }
}
