import ConvNet
import TerminalText
import Testing

@testable import Experiment

@Suite struct DisplayTests {
  @Test func numbersForPeople() {
    #expect(fixed(0.03851, 4) == "0.0385")
    #expect(fixed(-0.00004, 4) == "0.0000")
    #expect(fixed(-1.25, 1) == "-1.3")
    #expect(fixed(2.7, 0) == "3")
    #expect(fixed(.nan, 2) == "nan")
    #expect(fixed(1e300, 2) == "1e+300")
    #expect(percent(0.98765) == "98.77 %")
    #expect(percent(1) == "100.00 %")
    #expect(
      [0, 999, 1000, 1_234_567, -1000].map(grouped) == ["0", "999", "1,000", "1,234,567", "-1,000"])
    #expect(
      [0, 59.6, 725, 11045, .infinity].map(duration) == [
        "0:00", "1:00", "12:05", "3:04:05", "-:--",
      ])
  }

  private let row = EpochRow(
    epoch: 10, step: 7500, learningRate: 0.001, trainLoss: 0.01234, trainAccuracy: 0.996,
    valLoss: 0.0345, valAccuracy: 0.9901)

  private func epochLines(_ columns: Int?, metrics: [MeasuredMetric] = []) -> [String] {
    var row = row
    row.metrics = metrics
    return Display.epochLines(row, of: 10, seconds: 12.34, isBest: true, columns: columns)
  }

  @Test func anEpochFitsTheTerminal() {
    #expect(
      epochLines(nil) == [
        "epoch 10/10  loss 0.0123  accuracy 99.60 %  val_loss 0.0345  val_accuracy 99.01 %  "
          + "12.3 s  best"
      ])
    #expect(epochLines(200) == epochLines(nil) && epochLines(120) == epochLines(nil))
    #expect(
      epochLines(80) == [
        "epoch 10/10  loss 0.0123  acc 99.60 %  val_loss 0.0345  val_acc 99.01 %  best"
      ])
    #expect(epochLines(60) == ["epoch 10/10  val_loss 0.0345  val_acc 99.01 %  best"])
    for columns in 20...200 { #expect(epochLines(columns)[0].columns <= columns) }
  }

  @Test func metricsThatAreAskedForAreTold() {
    let values = [("f1_macro", 0.98765), ("top_3_accuracy", 0.999), ("roc_auc_2", nil)]
    let metrics = values.map { MeasuredMetric(name: MetricName($0)!, value: $1) }
    #expect(
      epochLines(nil, metrics: metrics) == [
        "epoch 10/10  loss 0.0123  accuracy 99.60 %  val_loss 0.0345  val_accuracy 99.01 %  "
          + "val_f1_macro 0.9877  val_top_3_accuracy 99.90 %  val_roc_auc_2 none  12.3 s  best"
      ])
    #expect(
      epochLines(60, metrics: metrics) == [
        "epoch 10/10  val_loss 0.0345  val_acc 99.01 %  best",
        "  val_f1_macro 0.9877, val_top_3_accuracy 99.90 %,", "  val_roc_auc_2 none",
      ])
    for columns in 40...200 {
      let lines = epochLines(columns, metrics: metrics)
      #expect(lines.allSatisfy { $0.columns <= columns })
      #expect(lines.joined().contains("val_roc_auc_2 none"))
    }
  }

  @Test func theTimeLeftIsTheLastToGo() {
    func bar(_ columns: Int?) -> String {
      Display.progress(
        epoch: 3, of: 10, part: 0.5, imagesPerSecond: 12_345, loss: 0.0123, accuracy: 0.996,
        secondsLeft: 725
      ).text(columns: columns)
    }
    let full = String(repeating: "█", count: 12) + String(repeating: "░", count: 12)
    #expect(
      bar(nil)
        == "epoch 3/10  \(full)  12,345 images/s  loss 0.0123  accuracy 99.60 %  12:05 left")
    #expect(
      bar(79) == "epoch 3/10  ██████░░░░░░  12,345/s  loss 0.0123  accuracy 99.60 %  12:05 left")
    #expect(bar(59) == "epoch 3/10  ██████░░░░░░  loss 0.0123  12:05 left")
    for columns in 30...200 {
      #expect(bar(columns).columns <= columns && bar(columns).hasSuffix("12:05 left"))
    }
  }

  @Test func expectationsAreInclusive() {
    let expectation = Expectation(.testAccuracy, min: 0.985, max: 1)
    func isMet(_ value: Double) -> Bool {
      Summary.Check(expectation: expectation, value: value).isMet
    }
    #expect(isMet(0.985) && isMet(1) && !isMet(0.98499) && !isMet(.nan))
    #expect(
      Summary.Check(expectation: expectation, value: 0.9).description
        == "test_accuracy 0.9 is below the 0.985 expected")
  }
}
