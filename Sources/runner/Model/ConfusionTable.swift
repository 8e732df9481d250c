import ConvNet
import Experiment
import Report

/// How much is told of each class: of few classes all, of many what a reader looks for. Files and formats
/// for programs have all of it.
enum ClassDetail {
  /// The most classes of which people are told one by one.
  static let mostClasses = 100
  /// Rows for people, where there are more.
  static let rows = 20
  /// Classes on a picture, where there are more.
  static let pictured = 40
  /// The most classes whose matrix is written out, a number for each two of them.
  static let mostInMatrix = 2048
}

extension TableFormat {
  /// Whether it is for people, who cannot read a thousand rows.
  var isForPeople: Bool { self == .table || self == .markdown }
}

extension TestReport {
  var hasManyClasses: Bool { classNames.count > ClassDetail.mostClasses }

  /// A row per class, what its images were taken for, and how many were recognised; of many classes, the
  /// pairs that were mistaken for each other.
  func appendConfusion(to document: inout TextDocument, for format: TableFormat) {
    guard hasManyClasses else {
      document.append(
        confusionMatrix, key: "confusion",
        title: "rows: the true class; columns: what it was taken for")
      return
    }
    let mistakes = confusion.mistakes
    let shown = format.isForPeople ? mistakes.prefix(ClassDetail.rows) : mistakes[...]
    document.append(
      pairTable(shown), key: "pairs",
      title: mistakes.isEmpty
        ? "no image was mistaken"
        : "the most frequent mistakes, \(shown.count) of \(grouped(mistakes.count)) pairs of classes"
          + (shown.count < mistakes.count ? "; --table pairs --format csv has all" : ""))
  }

  private var confusionMatrix: TextTable {
    var table = TextTable(
      [.init("class", title: "", .right)]
        // As "class" and "recognised" are columns too, a class's own name is set apart.
        + classNames.map { .init("as_\($0)", title: $0, .right) } + [.init("recognised", .right)])
    for (label, row) in confusion.rows.enumerated() {
      let accuracy = ClassFigures(of: label, in: confusion).recall
      table.append(
        [.text(classNames[label])] + row.map { .integer($0, $0 == 0 ? "." : String($0)) }
          + [.number(accuracy, percent(accuracy))])
    }
    return table
  }

  /// A row per pair of classes: how many images of the one were taken for the other, and which part of the
  /// class that is.
  private func pairTable(_ cells: some Sequence<ConfusionMatrix.Cell>) -> TextTable {
    var table = TextTable([
      .init("class"), .init("taken_for", title: "taken for"), .init("images", .right),
      .init("part", title: "of its images", .right),
    ])
    for cell in cells {
      let part = Double(cell.count) / Double(confusion.samples[cell.label])
      table.append([
        .text(classNames[cell.label]), .text(classNames[cell.prediction]),
        .integer(cell.count, grouped(cell.count)), .number(part, percent(part)),
      ])
    }
    return table
  }

  /// For a file: `class` and then a column for each class that images were taken for; of very many
  /// classes a row for each pair that came up, recognised images too.
  var confusionFile: TextTable {
    guard classNames.count <= ClassDetail.mostInMatrix else { return pairTable(confusion.cells) }
    var table = TextTable([.init("class")] + classNames.map { .init($0, .right) })
    for (name, row) in zip(classNames, confusion.rows) {
      table.append([.text(name)] + row.map { .integer($0) })
    }
    return table
  }

  /// The matrix as a picture; of many classes those that the most frequent mistakes are between.
  func confusionChart(title: String) -> ConfusionChart {
    let title = "\(title): \(percent(accuracy)) of \(grouped(labels.count)) images"
    guard hasManyClasses else {
      return ConfusionChart(title: title, classNames: classNames, counts: confusion.rows)
    }
    let chosen = confusion.mostConfused(ClassDetail.pictured)
    let places = Dictionary(uniqueKeysWithValues: chosen.enumerated().map { ($1, $0) })
    var counts = Array(
      repeating: Array(repeating: 0, count: chosen.count), count: chosen.count)
    for cell in confusion.cells {
      if let row = places[cell.label], let column = places[cell.prediction] {
        counts[row][column] = cell.count
      }
    }
    let mistaken = mistakes.count
    let shown = confusion.mistakes.filter {
      places[$0.label] != nil && places[$0.prediction] != nil
    }
    .reduce(0) { $0 + $1.count }
    return ConfusionChart(
      title: title, classNames: chosen.map { classNames[$0] }, counts: counts,
      notes: [
        "\(chosen.count) of \(grouped(classNames.count)) classes, those of the most frequent mistakes",
        "\(grouped(shown)) of \(grouped(mistaken)) mistakes are between them",
      ])
  }
}
