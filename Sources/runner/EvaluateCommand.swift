import ArgumentParser
import Experiment

extension Summary.Weights: ExpressibleByArgument {}

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Test a run's weights: accuracy by class, confusion matrix.")

  @Argument(help: ArgumentHelp("The folder of the run, results/NAME/ID.", valueName: "run"))
  var path: String

  @Option(
    help: """
      Which weights: those of the best epoch or those of the last checkpoint. (default: best where \
      there are any)
      """)
  var weights: Summary.Weights?

  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let folder = try openRun(path)
    let record = try RunRecord(reading: folder.record)
    let spec = try folder.readResolved()
    try compute.useKernel(record.environment.kernel)
    let data = try compute.load(spec, recorded: record.data)
    let report = try folder.test(
      weights ?? (Files.exists(folder.best) ? .best : .last), spec: spec, data: data,
      threads: compute.threadCount)
    print("test accuracy  \(percent(report.accuracy)), loss \(fixed(report.loss, 4))")
    print("data           \(data.record.name), \(grouped(try data.requireTest().count)) images")
    print("weights        \(report.weights.rawValue), of epoch \(report.epoch)")
    print()
    print(confusionMatrix(report))
  }

  /// A row per class: what its images were taken for, and how many were recognised.
  private func confusionMatrix(_ report: TestReport) -> String {
    let names = report.classNames
    let width = max(6, 1 + (names.map(\.count).max() ?? 0))
    func right(_ text: String) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    var lines = ["rows: the true class; columns: what it was taken for"]
    lines.append(right("") + names.map(right).joined() + "   recognised")
    for (label, row) in report.confusion.enumerated() {
      let cells = row.map { right($0 == 0 ? "." : String($0)) }.joined()
      lines.append(right(names[label]) + cells + "   \(percent(report.accuracy(of: label)))")
    }
    return lines.joined(separator: "\n")
  }
}
