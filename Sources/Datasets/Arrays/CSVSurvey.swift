import Images
import Storage

/// What a table of images was found to be, every line of it read, before any of it is taken for a pixel
/// or a label.
struct CSVSurvey {
  /// One column, over all rows.
  struct Column {
    var rows = 0
    var numbers = 0
    var empties = 0
    var range = PixelRange()
    var first = 0.0
    /// Whether the values differ.
    var varies = false
    /// Whether each value is one more than that before it.
    var countsUp = true
    /// Whether each value could be a label of the classes.
    var mayBeLabel = true

    var isText: Bool { rows > 0 && numbers == 0 && empties < rows }
    var isEmpty: Bool { rows > 0 && empties == rows }
  }

  let path: String
  var dialect: CSVDialect
  /// The line of the first row, or of the header.
  private(set) var firstLine = 0
  /// The names of the columns, where a first line names them.
  private(set) var header: [String]?
  /// A first image that pandas took for a header and wrote as one, its digits as they were.
  private(set) var mangledFirst: [String]?
  private(set) var columns: [Column] = []
  private(set) var rows = 0
  /// Lines without content that content follows.
  private(set) var blankLines: (count: Int, first: Int) = (0, 0)
  private(set) var usesComma = false
  private(set) var usesWindows1252 = false
  private var usesPoint = false

  /// - Throws: `.damaged` for rows of different lengths, and for what is no table.
  init(_ path: String, classes: ClassNames) throws(DatasetError) {
    self.path = path
    var lines = LineStream(try TextStream(path))
    var dialect: CSVDialect?
    var pending = 0
    var reader = CSVRowReader(classes)
    self.dialect = CSVDialect(of: UnsafeRawBufferPointer(start: nil, count: 0))
    while let line = try lines.next() {
      if dialect == nil, let declared = CSVDialect(declaredBy: line) {
        dialect = declared
        continue
      }
      if (dialect ?? CSVDialect(of: line)).isBlank(line) {
        if pending == 0 {
          blankLines.first = blankLines.count == 0 ? lines.number : blankLines.first
        }
        pending += 1
        continue
      }
      blankLines.count += pending
      pending = 0
      if firstLine == 0 {
        self.dialect = dialect ?? CSVDialect(of: line)
        dialect = self.dialect
        firstLine = lines.number
        let texts = self.dialect.texts(of: line)
        columns = [Column](repeating: Column(), count: texts.count)
        if let image = Self.unmangled(texts) {
          mangledFirst = image
        } else if let names = Self.header(texts, self.dialect, classes) {
          header = names
          continue
        }
      }
      let found = row(line, lines.number) { row in
        columns.withUnsafeMutableBufferPointer {
          reader.read(row, self.dialect, into: $0)
        }
      }
      guard found == columns.count else {
        throw DatasetError(
          .damaged,
          "\(path):\(lines.number): it has \(found) field\(found == 1 ? "" : "s") where "
            + "\(firstLine == 1 ? "the first line" : "line \(firstLine)") has \(columns.count)")
      }
      rows += 1
      guard rows <= Limit.images, rows * columns.count <= Limit.content else {
        throw DatasetError(.damaged, "\(path): the images are more than the limit of 4 GiB")
      }
    }
    (usesComma, usesPoint) = (reader.usesComma, reader.usesPoint)
    usesWindows1252 = reader.usesWindows1252
    guard rows > 0 else { throw DatasetError(.damaged, "\(path): it holds no images") }
    guard !(usesComma && usesPoint) else {
      throw DatasetError(
        .damaged,
        "\(path): it holds numbers with a decimal comma and others with a decimal point; one of them "
          + "is something else")
    }
  }
}

/// Takes the numbers of rows into account, column by column.
private struct CSVRowReader {
  private(set) var usesComma = false
  private(set) var usesPoint = false
  private(set) var usesWindows1252 = false
  private let classes: ClassNames
  /// Whether a small whole number could be a label.
  private let isLabel: [Bool]

  init(_ classes: ClassNames) {
    self.classes = classes
    isLabel = (0..<1024).map { classes.mayHold($0) }
  }

  /// - Returns: how many fields the line has.
  mutating func read(
    _ line: UnsafeRawBufferPointer, _ dialect: CSVDialect,
    into columns: UnsafeMutableBufferPointer<CSVSurvey.Column>
  ) -> Int {
    var fields = dialect.fields(of: line)
    let allowsComma = dialect.allowsDecimalComma
    var count = 0
    while let field = fields.next() {
      defer { count += 1 }
      guard count < columns.count else { continue }
      let column = columns.baseAddress! + count
      column.pointee.rows += 1
      guard let number = field.number(allowsComma: allowsComma) else {
        if field.isEmpty { column.pointee.empties += 1 }
        if !usesWindows1252, !field.isUTF8 { usesWindows1252 = true }
        if column.pointee.mayBeLabel {
          column.pointee.mayBeLabel = classes.named(field.unquotedText) != nil
        }
        // Of texts it isn't asked whether they differ: they are no pixels.
        column.pointee.varies = true
        column.pointee.countsUp = false
        continue
      }
      switch number.mark {
      case .none: break
      case .comma: usesComma = true
      case .point: usesPoint = true
      }
      column.pointee.add(number)
      if column.pointee.mayBeLabel {
        // -0 and 7.0 are whole.
        if let whole = number.whole, whole >= 0 {
          let isOne = whole < isLabel.count ? isLabel[whole] : classes.mayHold(whole)
          column.pointee.mayBeLabel = isOne || classes.named(field.unquotedText) != nil
        } else {
          column.pointee.mayBeLabel = classes.named(field.unquotedText) != nil
        }
      }
    }
    return count
  }
}

extension CSVSurvey.Column {
  @inline(__always)
  mutating func add(_ number: CSVNumber) {
    let value = number.value
    if numbers == 0 {
      first = value
    } else {
      varies = varies || value != first
    }
    countsUp = countsUp && value == first + Double(numbers)
    numbers += 1
    range.least = min(range.least, value)
    range.greatest = max(range.greatest, value)
    range.isReal = range.isReal || number.mark != .none
    range.hasFractions = range.hasFractions || value != value.rounded()
  }
}

extension CSVSurvey {
  /// A line as the row that it stands for.
  func row<R>(
    _ line: UnsafeRawBufferPointer, _ number: Int, _ body: (UnsafeRawBufferPointer) -> R
  ) -> R {
    guard number == firstLine, let mangledFirst else { return body(line) }
    let delimiter = String(Unicode.Scalar(dialect.delimiter))
    return Array(mangledFirst.joined(separator: delimiter).utf8).withUnsafeBytes(body)
  }
}

// MARK: - The first line

extension CSVSurvey {
  /// What a column of labels is called.
  static let labelNames: Set<String> = [
    "label", "labels", "class", "classes", "class_name", "class_id", "target", "targets", "digit",
    "y", "category",
  ]

  /// Whether a header names a column of labels.
  static func isLabelName(_ name: String) -> Bool { labelNames.contains(name.lowercased()) }

  /// The names that a first line gives to the columns: it is one of texts, or one of numbers that count,
  /// as pandas names columns; nil where it is a row.
  private static func header(
    _ texts: [String], _ dialect: CSVDialect, _ classes: ClassNames
  ) -> [String]? {
    var texts = texts
    // NumPy's savetxt puts "# " before its header.
    if texts[0].hasPrefix("#") {
      texts[0] = String(texts[0].drop { $0 == "#" || $0 == " " })
      return texts
    }
    let numbers = texts.map { text in
      Array(text.utf8).withUnsafeBytes {
        $0.number(allowsComma: dialect.allowsDecimalComma)
      }
    }
    let words = zip(texts, numbers).filter { $1 == nil && !$0.isEmpty }.map(\.0)
    if 2 * words.count > texts.count, !words.allSatisfy({ classes.named($0) != nil }) {
      return texts
    }
    if words.contains(where: { isLabelName($0) && classes.named($0) == nil }) { return texts }
    // 0, 1, 2, … beside at most a few words or an empty field.
    let counted = numbers.compactMap { $0?.whole }
    guard counted.count == numbers.count(where: { $0 != nil }), counted.count >= 2,
      let first = counted.first, first == 0 || first == 1,
      counted.enumerated().allSatisfy({ $1 == first + $0 })
    else { return nil }
    let isNamed =
      texts[0].isEmpty || !words.isEmpty && words.allSatisfy { classes.named($0) == nil }
    return isNamed || counted.count >= 10 ? texts : nil
  }

  /// The numbers of a row that pandas took for a header: it tells equal names apart as `0`, `0.1`,
  /// `0.2`, …, `0.10`. Nil where they are not of that form for certain.
  private static func unmangled(_ texts: [String]) -> [String]? {
    var seen: [String: Int] = [:]
    var result: [String] = []
    for text in texts {
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count <= 2, let number = parts.first, Int(number) != nil else { return nil }
      let times = seen[String(number)] ?? 0
      guard parts.count == 1 ? times == 0 : parts[1] == String(times) else { return nil }
      seen[String(number)] = times + 1
      result.append(String(number))
    }
    // A number is never written as 0.10.
    return seen.values.contains { $0 > 10 } ? result : nil
  }
}
