import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Report
import Storage
import Sweep
import TerminalText

/// Tells the user how a run ended, and throws the exit status where that isn't 0.
/// - Parameter asJSON: whether the standard output is to be one JSON object, however it ended.
func report(
  _ outcome: RunOutcome, of folder: RunFolder, spec: ExperimentSpec, asJSON: Bool
) throws {
  func printResult(curves: String?) throws {
    if asJSON { try Output.print(folder.result(curves: curves).pretty, terminator: "") }
  }
  switch outcome {
  case .interrupted(let signal, let step):
    Display.say(
      "stopped at a checkpoint after step \(grouped(step)); to go on: runner resume \(folder.path)")
    try printResult(curves: nil)
    throw ExitCode(Interruption.exitStatus(of: signal))
  case .diverged(let reason):
    try printResult(curves: drawCurves(of: folder, title: spec.name))
    var text = "error: \(spec.name) diverged: \(reason)"
    text +=
      Files.exists(folder.last)
      ? "\nthe last good checkpoint is \(folder.last)" : "\nno checkpoint had been written yet"
    Display.say(text)
    throw ExitCode(ExitStatus.failed)
  case .completed(let summary):
    let curves = try drawCurves(
      of: folder, title: spec.name,
      testedEpoch: summary.testAccuracy == nil ? nil : summary.tested.epoch)
    if asJSON {
      try printResult(curves: curves)
    } else {
      let results = Results(summary, folder: folder, curves: curves)
      try Output.print(
        WrappedText.fitted(results.text, columns: Terminal.output.columns), terminator: "")
    }
    if !summary.isAsExpected {
      for check in summary.checks where !check.isMet {
        Display.say("expectation not met: \(check.description)")
      }
      throw ExitCode(ExitStatus.mismatch)
    }
  }
}

/// Draws the curves of a completed run whose process ended before it had drawn them.
func drawMissingCurves(of folder: RunFolder, title: String) throws {
  guard !Files.exists(folder.curves) else { return }
  let lock = try folder.lock()
  try Files.makeFolders(folder.plots)
  _ = try drawCurves(
    of: folder, title: title, testedEpoch: RecordedRun(reading: folder).testedEpoch)
  _ = consume lock
}

/// Draws plots/curves.svg from metrics.csv; nil when no epoch was completed.
private func drawCurves(
  of folder: RunFolder, title: String, testedEpoch: Int? = nil
) throws -> String? {
  let text = try Files.readText(folder.metrics)
  guard let table = try? MetricsTable(parsing: text), !table.epochs.isEmpty else { return nil }
  let chart = CurvesChart(
    title: title,
    runs: [
      .init(name: folder.id, metrics: table, testedEpoch: testedEpoch.map(Double.init))
    ], measures: CurvesChart.Measure.all(in: [table]))
  try AtomicFile.write(chart.svg(), to: folder.curves)
  return folder.curves
}

/// What a completed run prints on stdout.
struct Results {
  let text: String

  init(_ summary: Summary, folder: RunFolder, curves: String?) {
    var lines: [String] = []
    if let accuracy = summary.testAccuracy, let loss = summary.testLoss {
      lines.append("test accuracy  \(percent(accuracy)), loss \(fixed(loss, 4))")
    } else {
      lines.append("test accuracy  not measured: dataset.test is \"none\"")
    }
    if let metrics = summary.testMetricsText { lines.append("test metrics   \(metrics)") }
    if let zeros = summary.zeros {
      for (place, line) in zeros.lines.enumerated() {
        lines.append((place == 0 ? "zeros" : "").padded(columns: 15) + line)
      }
    }
    if let integers = summary.integers {
      lines.append("integers       \(integers.sentence(folder, of: summary))")
    }
    if let averaged = summary.averaged { lines.append("averaged       \(averaged.sentence)") }
    if let original = summary.standsInFor {
      lines.append(
        "data           \(summary.dataset), which stood in for \(original): "
          + "these figures say nothing about \(original)")
    } else {
      let test = summary.testDataset.map { "; tested on \($0)" } ?? ""
      lines.append("data           \(summary.dataset)\(test)")
    }
    let ended =
      summary.stopReason == "epochs"
      ? (summary.last.epoch == 1 ? "1 epoch" : "all \(summary.last.epoch) epochs")
      : "early stopping after epoch \(summary.last.epoch)"
    switch summary.testedWeights {
    case .best:
      lines.append(
        "weights        of epoch \(summary.tested.epoch), the best by "
          + "\(summary.monitor?.rawValue ?? ""); trained: \(ended)")
    case .last:
      lines.append("weights        of the last epoch; trained: \(ended)")
    }
    for check in summary.checks {
      lines.append("expected       \(check.description)\(check.isMet ? "" : ": NOT MET")")
    }
    lines.append("metrics        \(folder.metrics)")
    if let curves { lines.append("curves         \(curves)") }
    let weights = summary.testedWeights == .best ? folder.best : folder.last
    lines.append("checkpoint     \(weights)")
    lines.append("verify with    runner verify \(folder.path)")
    text = lines.joined(separator: "\n") + "\n"
  }
}

extension Summary {
  /// "f1_macro 0.9912, ece 0.0042"; nil where the spec asks for nothing besides loss and accuracy.
  fileprivate var testMetricsText: String? {
    testMetrics.isEmpty
      ? nil
      : testMetrics.map { "\($0.name.text) \($0.name.text($0.value))" }
        .joined(separator: ", ")
  }
}

extension Summary.Integers {
  /// "98.97 % by results/t0/latest/model.int8.safetensors, 72,345 bytes; 2 answers are not …"
  fileprivate func sentence(_ folder: RunFolder, of summary: Summary) -> String {
    let file = "\(folder.integerModel), \(grouped(bytes)) bytes"
    guard let testAccuracy, let differingAnswers else { return file }
    let answers =
      differingAnswers == 0
      ? "every answer is that of the rounded floats"
      : "\(differingAnswers == 1 ? "1 answer is" : "\(grouped(differingAnswers)) answers are") not the "
        + "rounded floats'"
    return "\(percent(testAccuracy)) by \(file); \(answers)"
  }
}

extension AveragedViews {
  /// "99.31 % over 8 views of each image, cross-entropy 0.0212"
  var sentence: String {
    "\(percent(accuracy)) over \(views) views of each image, "
      + "cross-entropy \(fixed(crossEntropy, 4))"
  }
}
