import Images

/// Which column of a table holds the labels.
public enum LabelColumn: Hashable, Sendable {
  /// By the header's name for it.
  case name(String)
  /// Counted from 0, or back from the last, −1.
  case number(Int)
  /// None does: the images are to be classified.
  case absent
}

/// What the columns of a table of images are: one of labels, those of pixels, and others that are left
/// out. Where that isn't certain it is refused.
struct CSVLayout {
  /// Nil where there are no labels.
  let label: Int?
  /// In the order of the pixels.
  let pixels: [Int]
  let shape: ImageShape
  private(set) var notes: [String] = []

  /// - Parameters:
  ///   - asked: what the spec says of the column of labels.
  ///   - expected: the shape that the spec gives; nil where it is for the table to tell.
  init(
    _ survey: CSVSurvey, asked: LabelColumn?, expected: ImageShape?, classes: ClassNames
  ) throws(DatasetError) {
    let columns = survey.columns
    let header = survey.header
    func refuse(_ message: String) -> DatasetError {
      DatasetError(.damaged, "\(survey.path): \(message)")
    }
    func described(_ column: Int) -> String {
      let place =
        column == 0
        ? "the first column"
        : column == columns.count - 1 ? "the last column" : "column \(column) (from 0)"
      return header.map { "\(place), \"\($0[column].prefix(40))\"," } ?? place
    }
    func list(_ columns: Set<Int>) -> String {
      columns.sorted().prefix(4).map(described).joined(separator: " and ")
        + (columns.count > 4 ? " and \(columns.count - 4) more" : "")
    }
    /// Whether the shape of a row of so many pixels is known.
    func fits(_ count: Int) -> Bool {
      count > 0 && ImageShape(flat: count, expected: expected) != nil
    }

    let hasLabels = asked != LabelColumn.absent
    var label = try asked.flatMap { (asked) throws(DatasetError) in
      try Self.column(asked, in: survey)
    }
    if label == nil, hasLabels, let header {
      let named = header.indices.filter { CSVSurvey.isLabelName(header[$0]) }
      guard named.count <= 1 else {
        throw refuse(
          "the header has several names of labels: "
            + "\(named.prefix(8).map { "\"\(header[$0])\"" }.joined(separator: ", ")); give "
            + "dataset.label_column one of them")
      }
      label = named.first
    }
    if let expected, label == nil, hasLabels, columns.count == expected.count {
      throw refuse(
        "\(columns.count) fields are as many as \(expected) has pixels: there is no label")
    }

    // What can be no pixel, and what only counts the rows.
    var others = Set(
      columns.indices.filter {
        $0 != label
          && (columns[$0].isEmpty || columns[$0].isText
            || header != nil && Self.isIndexName(header![$0]))
      })
    /// How many columns are pixels without these.
    func left(_ others: Set<Int>) -> Int {
      columns.count - (hasLabels ? 1 : 0) - others.count
    }

    if label == nil, hasLabels, let odd = header.flatMap({ Self.odd(in: $0, without: others) }) {
      label = odd
      notes.append("\(described(odd)) is taken for the labels: the others are named as pixels")
    }
    if label == nil, hasLabels {
      // A text that is no pixel is perhaps the label itself.
      let texts = columns.indices.filter { others.contains($0) && columns[$0].isText }
      if texts.count == 1,
        columns[texts[0]].mayBeLabel || left(others) + 1 == expected?.count
          || !fits(left(others)) && fits(left(others) + 1)
      {
        label = texts[0]
        others.remove(texts[0])
        if texts[0] > 0 {
          notes.append("\(described(texts[0])) is taken for the labels: it is the one of texts")
        }
      }
    }
    if let first = columns.indices.first(where: { !others.contains($0) }), first != label,
      columns[first].countsUp, columns[first].numbers > 1, fits(left(others) - 1),
      !fits(left(others)) || left(others) - 1 == expected?.count
    {
      others.insert(first)
    }
    if !fits(left(others)) || left(others) != expected?.count && left([]) == expected?.count {
      if let expected, left([]) == expected.count, !others.isEmpty {
        throw refuse(
          "\(list(others)) looks like no pixel, but without it there are \(left(others)) where "
            + "\(expected) takes \(expected.count); take it out of the file, or give another "
            + "dataset.shape")
      }
      others.removeAll()
    }
    guard fits(left(others)) else {
      throw DatasetError(
        .damaged,
        "\(survey.path):\(survey.firstLine): \(columns.count) fields are a label and "
          + "\(left([])) pixels, which make "
          + (expected.map { "neither \($0) nor a square image" }
            ?? "no square image; give dataset.shape"))
    }
    if label == nil, hasLabels {
      let kept = columns.indices.filter { !others.contains($0) }
      let (first, last) = (kept.first!, kept.last!)
      switch Self.end(columns[first], columns[last]) {
      case .first: label = first
      case .last:
        label = last
        notes.append(
          "\(described(last)) is taken for the labels: its values are classes, as those of "
            + "\(described(first)) aren't, or don't differ")
      case nil:
        throw refuse(
          "\(described(first)) and \(described(last)) could both be the labels: \(classes.described); "
            + "the one is \(columns[first].range.description), the other "
            + "\(columns[last].range.description). Give dataset.label_column \(first) or -1, or a "
            + "header that says \"label\"")
      }
    }
    self.label = label
    pixels = columns.indices.filter { $0 != label && !others.contains($0) }
    shape = ImageShape(flat: pixels.count, expected: expected)!
    try shape.check(survey.path)
    if !others.isEmpty {
      notes.append(
        "\(list(others)) "
          + "\(others.count == 1 ? "is" : "are") left out, "
          + (others.contains { columns[$0].countsUp }
            ? "a count of the rows"
            : "\(others.count == 1 ? "a column" : "columns") without pixels"))
    }
    if shape.channels == 3 {
      notes.append(
        "\(pixels.count) pixels are read as \(shape.height) rows of \(shape.width) with red, green and "
          + "blue side by side")
    }
  }

  private enum End { case first, last }

  /// At which end of the rows the labels are: the first is the known form, so the last must be certain.
  private static func end(_ first: CSVSurvey.Column, _ last: CSVSurvey.Column) -> End? {
    switch (first.mayBeLabel, last.mayBeLabel) {
    case (true, false): return .first
    case (true, true):
      return first.varies == last.varies ? nil : first.varies ? .first : .last
    case (false, true):
      // A first column of labels, one of which is beyond the classes, is a mistake to be told.
      let isPixel = !first.varies || first.range.greatest >= 128 || first.range.hasFractions
      return isPixel && first.empties == 0 && last.varies ? .last : .first
    case (false, false): return .first
    }
  }

  private static func column(
    _ asked: LabelColumn, in survey: CSVSurvey
  ) throws(DatasetError) -> Int? {
    let count = survey.columns.count
    func refuse(_ message: String) -> DatasetError {
      DatasetError(.invalid, "\(survey.path): dataset.label_column \(message)")
    }
    switch asked {
    case .absent: return nil
    case .number(let number):
      guard (-count..<count).contains(number) else {
        throw refuse(
          "is \(number), but there are \(count) columns, from 0 to \(count - 1) or from -\(count) to -1"
        )
      }
      return number < 0 ? count + number : number
    case .name(let name):
      guard let header = survey.header else {
        throw refuse(
          "is \"\(name)\", but the first line is no header; count the column: 0 is the first, -1 the "
            + "last")
      }
      let exact = header.indices.filter { header[$0] == name }
      let found =
        exact.isEmpty
        ? header.indices.filter { header[$0].lowercased() == name.lowercased() } : exact
      guard found.count == 1 else {
        let shown = header.prefix(4).map { "\"\($0.prefix(40))\"" }.joined(separator: ", ")
        throw refuse(
          found.isEmpty
            ? "is \"\(name)\", which the header lacks: \(shown), …, \"\(header.last!.prefix(40))\""
            : "is \"\(name)\", which the header has \(found.count) times; count the column: 0 is the "
              + "first, -1 the last")
      }
      return found[0]
    }
  }

  /// Whether a header's name is one of an index: what pandas writes for its own, or what people do.
  private static func isIndexName(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.isEmpty || name.hasPrefix("unnamed:")
      || ["id", "index", "idx", "image_id", "imageid", "row", "row_id", "rowid", "nr", "no"]
        .contains(name)
  }

  /// The one column whose name is not that of the others but for their numbers.
  private static func odd(in header: [String], without others: Set<Int>) -> Int? {
    func stem(_ name: String) -> String { String(name.filter { !$0.isNumber }) }
    var columns: [String: [Int]] = [:]
    for column in header.indices where !others.contains(column) {
      columns[stem(header[column]), default: []].append(column)
    }
    guard columns.count == 2 else { return nil }
    let (a, b) = (columns.values.first!, columns.values.dropFirst().first!)
    guard min(a.count, b.count) == 1, max(a.count, b.count) > 1 else { return nil }
    return a.count == 1 ? a[0] : b[0]
  }
}
