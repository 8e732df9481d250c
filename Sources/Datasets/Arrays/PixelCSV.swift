import Elements
import Images
import Storage

/// Images as rows of a table, as Kaggle's digits: `label,pixel0,…,pixel783` and then a row per image.
///
/// The header may be missing, the labels elsewhere; fields are parted by commas, semicolons, tabs or
/// spaces; pixels are bytes, or parts of white. What a table is, is decided by all of its lines; what
/// isn't certain is refused.
enum PixelCSV {
  static func read(
    _ path: String, expected shape: ImageShape, classes: ClassNames,
    labelColumn: LabelColumn? = nil,
    pixelMax: Double? = nil
  ) throws(DatasetError) -> (StoredImages, labels: Labels, notes: [String]) {
    try read(
      CSVSurvey(path, classes: classes), expected: shape, classes: classes,
      labelColumn: labelColumn, pixelMax: pixelMax)
  }

  /// The same of a table that needs no labels: it has none where its columns are as many as an image has
  /// pixels; those that the classes don't know are left out, and that is noted.
  static func readAsked(
    _ path: String, expected shape: ImageShape, classes: ClassNames, labelColumn: LabelColumn?,
    pixelMax: Double?
  ) throws(DatasetError) -> (StoredImages, labels: Labels, notes: [String]) {
    let survey = try CSVSurvey(path, classes: classes)
    let hasNone = labelColumn == nil && survey.columns.count == shape.count
    return try read(
      survey, expected: shape, classes: classes,
      labelColumn: hasNone ? LabelColumn.absent : labelColumn, pixelMax: pixelMax,
      needsLabels: false)
  }

  private static func read(
    _ survey: CSVSurvey, expected shape: ImageShape, classes: ClassNames,
    labelColumn: LabelColumn?, pixelMax: Double?, needsLabels: Bool = true
  ) throws(DatasetError) -> (StoredImages, labels: Labels, notes: [String]) {
    let path = survey.path
    let layout = try CSVLayout(survey, asked: labelColumn, expected: shape, classes: classes)
    var range = PixelRange()
    for column in layout.pixels { range.merge(survey.columns[column].range) }
    let scale: PixelScale
    var refusal: String?
    do throws(PixelScale.Refusal) {
      scale = try PixelScale(range, given: pixelMax)
    } catch {
      // The first pixel that is wrong is named first.
      refusal = error.message
      scale = .bytes
    }
    var table = PixelTable(survey, layout, scale, classes)
    var lines = LineStream(try TextStream(path))
    while let line = try lines.next() {
      if survey.isNoRow(line, lines.number) { continue }
      let problem = survey.row(line, lines.number) { table.read($0, lines.number) }
      if let problem {
        throw DatasetError(
          .damaged, "\(path):\(lines.number): \(problem)" + (refusal.map { "; \($0)" } ?? ""))
      }
    }
    if let refusal { throw DatasetError(.damaged, "\(path): \(refusal)") }
    guard table.lines.count == survey.rows else {
      throw DatasetError(.damaged, "\(path): it changed while it was being read")
    }
    var notes = survey.notes + layout.notes
    var labels = Labels()
    do throws(DatasetError) {
      if layout.label != nil {
        labels = try table.labels.classes(of: classes) {
          "\(path):\(table.lines[$0]): the label"
        } noted: {
          notes.append($0)
        }
      }
    } catch {
      if needsLabels { throw error }
      notes.append(AskedImagesReader.unused(error.message))
    }
    if let note = scale.note(range, worst: table.worst) { notes.append(note) }
    return (StoredImages(shape: layout.shape, pixels: table.pixels), labels, notes)
  }
}

extension PixelCSV {
  /// The shape and the classes of a table's images, where nobody says one of them or both.
  static func survey(
    _ path: String, expected: ImageShape?, classes: ClassNames?, labelColumn: LabelColumn?
  ) throws(DatasetError) -> (shape: ImageShape, classes: OwnFiles.Classes?) {
    let names = classes ?? .unknown
    let survey = try CSVSurvey(path, classes: names)
    let layout = try CSVLayout(survey, asked: labelColumn, expected: expected, classes: names)
    var labels = ClassLabels()
    if classes == nil {
      var lines = LineStream(try TextStream(path))
      while let line = try lines.next() {
        if survey.isNoRow(line, lines.number) { continue }
        survey.row(line, lines.number) { row in
          var fields = survey.dialect.fields(of: row)
          for _ in 0..<layout.label! { _ = fields.next() }
          guard let field = fields.next() else { return }
          labels.append(field, survey.dialect.allowsDecimalComma, names)
        }
      }
    }
    return (layout.shape, classes == nil ? try labels.found(path) : nil)
  }
}

/// The pixels and labels of the rows that were read.
private struct PixelTable {
  private(set) var pixels: [UInt8] = []
  private(set) var labels = ClassLabels()
  /// The line of each row.
  private(set) var lines: [Int32] = []
  /// The most that a pixel was moved by its rounding.
  private(set) var worst = 0.0

  private enum Role { case pixel, label, other }
  private let roles: [Role]
  private let dialect: CSVDialect
  private let scale: PixelScale
  private let classes: ClassNames

  init(
    _ survey: CSVSurvey, _ layout: CSVLayout, _ scale: PixelScale, _ classes: ClassNames
  ) {
    var roles = [Role](repeating: .other, count: survey.columns.count)
    for column in layout.pixels { roles[column] = .pixel }
    if let label = layout.label { roles[label] = .label }
    self.roles = roles
    self.scale = scale
    self.classes = classes
    dialect = survey.dialect
    pixels.reserveCapacity(survey.rows * layout.pixels.count)
  }

  /// - Returns: what is wrong with the row.
  mutating func read(_ line: UnsafeRawBufferPointer, _ number: Int) -> String? {
    var fields = dialect.fields(of: line)
    let allowsComma = dialect.allowsDecimalComma
    lines.append(Int32(clamping: number))
    var column = 0
    while let field = fields.next() {
      guard column < roles.count else { break }
      switch roles[column] {
      case .other: break
      case .label:
        labels.append(field, allowsComma, classes)
      case .pixel:
        guard let number = field.number(allowsComma: allowsComma),
          let byte = scale.byte(number.value, worst: &worst)
        else {
          return "field \(column + 1) is \"\(field.unquotedText.prefix(40))\"; pixels are "
            + (scale.maximum == 255
              ? "whole numbers from 0 to 255"
              : "numbers from 0 to \(PixelRange.text(scale.maximum))")
        }
        pixels.append(byte)
      }
      column += 1
    }
    return nil
  }
}

extension ClassLabels {
  /// A field: a name as it is written, else the whole number that it is.
  fileprivate mutating func append(
    _ field: UnsafeRawBufferPointer, _ allowsComma: Bool, _ classes: ClassNames
  ) {
    guard let whole = field.number(allowsComma: allowsComma)?.whole else {
      return append(field.unquotedText)
    }
    // "007" may be a name.
    let text = field.count == 1 ? "" : field.unquotedText
    if classes.named(text) != nil { append(text) } else { append(whole) }
  }
}

extension CSVSurvey {
  /// Whether a line holds no image: before the first, blank, or the header.
  fileprivate func isNoRow(_ line: UnsafeRawBufferPointer, _ number: Int) -> Bool {
    number < firstLine || dialect.isBlank(line) || number == firstLine && header != nil
  }

  /// What was taken for granted of the lines.
  var notes: [String] {
    var notes: [String] = []
    if mangledFirst != nil {
      notes.append(
        "line \(firstLine) is an image that pandas wrote as a header (0, 0.1, 0.2, …); it is read as "
          + "the image that it was")
    } else if let header, header.allSatisfy({ $0.isEmpty || Double($0) != nil }) {
      notes.append(
        "line \(firstLine) (\(header.prefix(3).joined(separator: ", ")), …, \(header.last!)) is taken "
          + "for a header")
    }
    if usesComma { notes.append("fields are parted by \(dialect.name), decimals by commas") }
    if usesWindows1252 { notes.append("letters that are no UTF-8 are read as Windows-1252") }
    if blankLines.count > 0 {
      notes.append(
        "\(blankLines.count) blank line\(blankLines.count == 1 ? " is" : "s are") passed over, the "
          + "first of them line \(blankLines.first)")
    }
    return notes
  }
}
