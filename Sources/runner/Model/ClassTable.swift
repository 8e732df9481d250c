import ConvNet
import Experiment
import Report

extension TestReport {
  /// What the spec asks for besides loss and accuracy: a fact for each, one line for people.
  var metricFacts: [TextDocument.Fact] {
    let texts = metrics.map { "\($0.name.text) \($0.name.text($0.value))" }
    return metrics.enumerated().map { place, figure in
      .init(
        figure.name.text, figure.value.map { .number($0) } ?? .missing("none"),
        line: place == 0 ? "metrics        \(texts.joined(separator: ", "))" : nil)
    }
  }

  /// How well each class is told from the others, and the means over them; of many classes, for people
  /// those that are told worst.
  func appendClasses(to document: inout TextDocument, for format: TableFormat) {
    let classes = classes
    guard hasManyClasses, format.isForPeople else {
      return document.append(classTable(classes, of: classes.indices), key: "classes")
    }
    let worst = classes.indices.filter { classes[$0].samples > 0 }.sorted {
      (classes[$0].f1, $0) < (classes[$1].f1, $1)
    }.prefix(ClassDetail.rows)
    document.append(
      classTable(classes, of: worst), key: "classes",
      title:
        "the \(worst.count) of \(grouped(classes.count)) classes with the lowest F1; --format csv "
        + "has all")
  }

  /// A row for each of some classes and for the means over all, as scikit-learn's
  /// `classification_report` lays it out.
  private func classTable(_ classes: [ClassFigures], of shown: some Sequence<Int>) -> TextTable {
    var table = TextTable([
      .init("class"), .init("precision", .right), .init("recall", .right), .init("f1", .right),
      .init("images", .right),
    ])
    func append(_ name: String, _ figures: ClassFigures) {
      func cell(_ value: Double) -> TextTable.Cell { .number(value, fixed(value, 4)) }
      table.append([
        .text(name), cell(figures.precision), cell(figures.recall), cell(figures.f1),
        .integer(figures.samples, grouped(figures.samples)),
      ])
    }
    for label in shown { append(classNames[label], classes[label]) }
    append("macro average", .mean(of: classes, weighted: false))
    append("weighted average", .mean(of: classes, weighted: true))
    return table
  }
}
