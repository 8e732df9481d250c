import Storage

/// What can be wrong with the text of a metrics.csv, and where.
public struct MetricsError: Error, Hashable, CustomStringConvertible {
  /// Counted from 1; nil where the fault is of the whole text.
  public let line: Int?
  public let message: String

  public var description: String { line.map { "line \($0): \(message)" } ?? message }
}

/// The columns of a metrics.csv: `epoch`, and numbers by name. An empty cell is a thing not
/// measured and becomes NaN.
public struct MetricsTable: Hashable, Sendable {
  /// The columns in the file's order.
  public let names: [String]
  /// As many rows for each name; epochs grow from row to row.
  public let columns: [String: [Double]]

  public var epochs: [Double] { columns["epoch"] ?? [] }

  /// Reads comma-separated numbers under one line of names. A last line that was cut short, as one
  /// that is being written, is left out.
  public init(parsing text: String) throws(MetricsError) {
    // "\r\n" is one character of Swift's.
    var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    let isWhole = lines.last?.isEmpty ?? true
    if isWhole { lines.removeLast() }

    guard var header = lines.first, !header.isEmpty else {
      throw MetricsError(line: nil, message: "it is empty; a header like \"epoch,…\" was expected")
    }
    if header.first == "\u{FEFF}" { header.removeFirst() }
    let names = CSVDialect.commas.texts(of: header)
    guard let epochColumn = names.firstIndex(of: "epoch") else {
      let shown = SVGText.shortened(String(header), to: 480, size: 12)
      throw MetricsError(
        line: 1, message: "no column \"epoch\"; the header is \"\(shown)\"")
    }
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw MetricsError(line: 1, message: "the column \"\(name)\" is there twice")
    }

    var columns = [[Double]](repeating: [], count: names.count)
    for (i, line) in lines.enumerated().dropFirst() {
      let isCut = i == lines.count - 1 && !isWhole
      do throws(MetricsError) {
        let row = try Self.row(line, names: names, number: i + 1)
        let epoch = row[epochColumn]
        guard epoch.isFinite, epoch > columns[epochColumn].last ?? -.infinity else {
          throw MetricsError(
            line: i + 1, message: "its epoch does not come after that of the line before")
        }
        for (column, value) in row.enumerated() { columns[column].append(value) }
      } catch {
        if isCut { break }
        throw error
      }
    }
    self.names = names
    self.columns = Dictionary(uniqueKeysWithValues: zip(names, columns))
  }

  private static func row(
    _ line: Substring, names: [String], number: Int
  ) throws(MetricsError) -> [Double] {
    let cells = CSVDialect.commas.texts(of: line)
    guard cells.count == names.count else {
      throw MetricsError(
        line: number,
        message: "\(cells.count) cells, but the header names \(names.count) columns")
    }
    var row: [Double] = []
    for (cell, name) in zip(cells, names) {
      if cell.isEmpty {
        row.append(.nan)
      } else if let value = Double(cell) {
        row.append(value)
      } else {
        let shown = SVGText.shortened(cell, to: 240, size: 12)
        throw MetricsError(line: number, message: "\(name) is \"\(shown)\", which is not a number")
      }
    }
    return row
  }
}
