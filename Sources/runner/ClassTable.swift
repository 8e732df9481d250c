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

  /// How well each class is told from the others, and the means over them, as scikit-learn's
  /// `classification_report` lays it out.
  var classTable: TextTable {
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
    let classes = classes
    for (name, figures) in zip(classNames, classes) { append(name, figures) }
    append("macro average", .mean(of: classes, weighted: false))
    append("weighted average", .mean(of: classes, weighted: true))
    return table
  }
}
