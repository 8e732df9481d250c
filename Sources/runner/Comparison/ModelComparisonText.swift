import Experiment
import Report
import Statistics

extension ModelComparison {
  /// What `compare --on` prints of two models.
  func document(_ firstName: String, _ secondName: String, on images: String) -> TextDocument {
    var models = TextTable([
      .init("model"), .init("images", .right), .init("accuracy", title: "accuracy ↑", .right),
      .init("low", .right), .init("high", .right),
    ])
    for (name, share) in [(firstName, first), (secondName, second)] {
      let interval = share.interval()
      models.append([
        .text(name), .integer(count), .number(share.value, percent(share.value)),
        .number(interval.low, percent(interval.low)),
        .number(interval.high, percent(interval.high)),
      ])
    }
    var tests = TextTable([
      .init("both_right", title: "both right", .right),
      .init("first_only", title: "first only", .right),
      .init("second_only", title: "second only", .right),
      .init("both_wrong", title: "both wrong", .right), .init("exact_p", title: "p", .right),
      .init("mid_p", title: "mid-p", .right), .init("verdict"),
    ])
    tests.append([
      .integer(test.bothRight), .integer(test.firstOnly), .integer(test.secondOnly),
      .integer(test.bothWrong), .number(test.exactP, fixed(test.exactP, 4)),
      .number(test.midP, fixed(test.midP, 4)), .text(verdict.rawValue),
    ])
    var document = TextDocument()
    document.append(models, key: "models", title: "models on \(images)")
    document.append(tests, key: "images", title: "McNemar's test, the second against the first")
    document.append([sentence(firstName, secondName) + "."], key: "verdicts")
    return document
  }
}
