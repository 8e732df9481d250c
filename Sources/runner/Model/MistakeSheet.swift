import Datasets
import Experiment
import Images
import Report

/// The images that a network took for what they aren't, on a sheet: the surest mistakes first, under each
/// its class, what it was taken for, how surely, and its place among the test images.
struct MistakeSheet {
  private let report: TestReport
  private let shown: [Mistake]

  init(_ report: TestReport, most: Int) {
    self.report = report
    shown = Array(report.mistakes.prefix(most))
  }

  /// Writes the sheet; nothing where there are no mistakes.
  func write(_ images: TestImages, to path: String) throws {
    guard !shown.isEmpty else { return }
    let cells = zip(shown, images.pixels(of: shown.map(\.image))).map { mistake, pixels in
      PNGSheet.Cell(
        below: [
          "is \(SheetText.name(ofClass: mistake.label, report.classNames))",
          "taken for \(SheetText.name(ofClass: mistake.prediction, report.classNames))",
          "\(percent(mistake.confidence))", "image \(mistake.image)",
        ], pixels: pixels)
    }
    var columns = 1
    while columns * columns < cells.count { columns += 1 }
    try PNGSheet.write(cells, of: images.images.shape, columns: min(columns, 10), to: path)
  }

  /// A sentence for the classes whose names the sheet cannot write.
  var unwritten: [String] {
    let labels = Set(shown.flatMap { [$0.label, $0.prediction] }).sorted()
      .filter { !BitmapFont.canWrite(report.classNames[$0]) }
    guard !labels.isEmpty else { return [] }
    return [
      "on the sheet "
        + labels.map { "class \($0) is \(report.classNames[$0])" }.joined(separator: ", ")
    ]
  }

  func note(path: String) -> String {
    let all = report.mistakes.count
    let images = "\(grouped(all)) of \(grouped(report.labels.count)) images were mistaken"
    guard all > 0 else { return "\(images); no sheet was drawn" }
    return shown.count == all
      ? "\(images): \(path) shows them" : "\(images): \(path) shows the \(shown.count) surest"
  }

  var table: TextTable {
    var table = TextTable([
      .init("image", .right), .init("class"), .init("taken_for", title: "taken for"),
      .init("confidence", .right), .init("own_probability", title: "own class", .right),
    ])
    for mistake in shown {
      table.append([
        .integer(mistake.image), .text(report.classNames[mistake.label]),
        .text(report.classNames[mistake.prediction]),
        .number(mistake.confidence, percent(mistake.confidence)),
        .number(mistake.ownProbability, percent(mistake.ownProbability)),
      ])
    }
    return table
  }
}
