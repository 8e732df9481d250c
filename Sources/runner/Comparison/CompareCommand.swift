import ArgumentParser
import ConvNet
import Experiment
import Report
import Statistics
import Storage
import Sweep

extension Figure {
  /// The figure of a name that the user gave.
  fileprivate static func named(_ text: String) throws -> Figure {
    guard let figure = Figure(name: text) else {
      let near = nearMiss(to: text)?.name
      throw ValidationError(
        "\"\(text)\" is no figure of a run; "
          + (near.map { "did you mean \($0)?" }
            ?? "those are \(always.map(\.name).joined(separator: ", ")), and what \"metrics\" asks for, "
            + "such as test_f1_macro, val_f1_macro or best_val_f1_macro"))
    }
    return figure
  }
}

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Say whether configurations really differ, over the seeds they were run with.",
    discussion: """
      A PATH is the folder of a run, or a folder with runs anywhere below it. Runs whose resolved \
      specs differ in nothing but the seed (names, expectations and checkpoints don't count) are \
      one configuration.

      Shows what differs between the specs; of each configuration the mean, the standard deviation \
      and the confidence interval of each figure; and of every two of them, over one figure, a \
      paired t test over the seeds they share (Welch's test where they share fewer than two), \
      corrected by Holm's method when there are several, the effect size, and how many more seeds \
      would settle the difference: by the same test, at the level at which the correction judges \
      it, if the deviations are those measured. McNemar's test asks whether two runs err on different images; it \
      needs the weights of both.

        runner compare results/reference/t0 results/reference/t2
        runner compare results/lenet --metric best_val_loss --format markdown
        runner compare results/a results/b --difference 0.1% --power 0.9

      With --on two models are compared, a run's folder or a model.safetensors each, by what they make of \
      the same labelled images, by McNemar's test; runner promote moves a label by its verdict.

        runner compare models/2/model.safetensors models/3/model.safetensors --on mnist
      """)

  @Argument(
    help: ArgumentHelp("Folders of runs, or folders that hold some.", valueName: "path"),
    transform: Arguments.path)
  var paths: [String]

  @Option(
    help: ArgumentHelp(
      """
      What is tested: test_accuracy, val_loss and so on, also what metrics asks for, as \
      test_f1_macro; best_val_accuracy and last_val_accuracy and so on are read from metrics.csv. \
      (default: test_accuracy, or the best val_accuracy where no test was done)
      """, valueName: "figure"), completion: .list(Figure.always.map(\.name)),
    transform: Figure.named)
  var metric: Figure?

  @Option(help: "The level of the tests; intervals have the confidence 1 - alpha.")
  var alpha = 0.05

  @Option(help: "The probability with which further seeds are to show the difference.")
  var power = 0.8

  @Option(
    help: ArgumentHelp(
      """
      The difference that further seeds are to settle, in the unit of the metric: 0.001, or 0.1% \
      for an accuracy. (default: the one observed)
      """, valueName: "size"))
  var difference: DifferenceSize?

  @Flag(help: "Compare with the first configuration only, not every two.")
  var baseline = false

  @Option(
    help: ArgumentHelp(
      """
      Compare two models by these labelled images: a dataset's name, one's own files, or a request log \
      with feedback.
      """, valueName: "images"))
  var on: String?

  @Flag(name: .customLong("no-images"), help: "No McNemar's test, which runs the networks.")
  var skipsImages = false

  @OptionGroup var output: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard alpha > 0, alpha < 1 else {
      throw ValidationError("--alpha must be between 0 and 1, not \(alpha)")
    }
    guard power > alpha, power < 1 else {
      throw ValidationError("--power must be between --alpha and 1, not \(power)")
    }
  }

  func run() throws {
    if let on { return try compareModels(on: on) }
    let runs: [RecordedRun]
    do {
      runs = try RecordedRun.find(paths).map { try RecordedRun(reading: $0) }
    } catch let error as RecordError {
      throw UsageError("\(error)")
    }
    let groups = RunGroup.groups(of: runs)
    let figure = try comparedFigure(groups)
    let comparisons = Comparison.all(
      groups.map { $0.values(of: figure) }, againstFirst: baseline, alpha: alpha, power: power,
      difference: difference?.value)
    let images = skipsImages ? nil : try ImageComparison(groups, comparisons, compute)
    let text = ComparisonText(figure: figure, alpha: alpha, power: power, groups: groups)

    var document = TextDocument()
    // What differs is not always there.
    document.mainTable = "configurations"
    if let table = text.differences {
      document.append(table, key: "differences", title: "what differs")
    }
    document.append(
      text.configurations(metric.map { [$0] } ?? shownFigures(groups, figure)),
      key: "configurations", title: "configurations")
    if !comparisons.isEmpty {
      document.append(
        text.comparisons(comparisons), key: "comparisons", title: "differences of \(figure.name)")
    }
    if let images, !images.pairs.isEmpty {
      document.append(
        text.images(images), key: "images", title: "McNemar's test, run against run")
    }
    document.append(text.verdicts(comparisons), key: "verdicts")
    document.append(
      text.notes + (comparisons.isEmpty ? [] : images?.notes ?? []), key: "notes")
    try output.print(document)
  }

  private func compareModels(on images: String) throws {
    guard paths.count == 2 else {
      throw UsageError("--on compares two models, not \(paths.count)")
    }
    let comparison = try runner.compareModels(
      openModel(paths[0]), openModel(paths[1]), on: images, alpha: alpha, compute)
    try output.print(comparison.document(paths[0], paths[1], on: images))
  }

  /// The figure asked for, or the first that all configurations have of those a reader would ask for.
  private func comparedFigure(_ groups: [RunGroup]) throws -> Figure {
    let runs = groups.flatMap(\.runs)
    let candidates =
      metric.map { [$0] } ?? [
        Figure(.testAccuracy), Figure(.valAccuracy, .best), Figure(.trainAccuracy, .best),
      ]
    for figure in candidates where groups.allSatisfy({ !$0.values(of: figure).isEmpty }) {
      return figure
    }
    for figure in candidates where runs.contains(where: { $0.value(of: figure) != nil }) {
      return figure
    }
    let names = candidates.map(\.name).joined(separator: " or ")
    let asked = metric.flatMap { $0.metric.kind.isAlways ? nil : $0.metric.name.text }
    throw UsageError(
      "none of the \(runs.count) run\(runs.count == 1 ? "" : "s") has \(names); "
        + "\(runs[0].folder.path) is \(runs[0].record.status.rawValue)"
        + (asked.map { ", and what a run measures its spec says: metrics=[\"\($0)\"]" } ?? ""))
  }

  /// Of the tested weights where there was a test, else of metrics.csv.
  private func shownFigures(_ groups: [RunGroup], _ figure: Figure) -> [Figure] {
    var names: [MetricName] = [.accuracy, .loss]
    for name in groups.flatMap({ $0.runs.flatMap(\.spec.metrics) }) where !names.contains(name) {
      names.append(name)
    }
    let wanted =
      names.map { Figure(Metric(.test, $0)!) }
      + names.map { Figure(Metric(.validation, $0)!, figure.selection) }
    let shown = wanted.filter { figure in
      groups.contains { !$0.values(of: figure).isEmpty }
    }
    return shown.contains(figure) ? shown : [figure] + shown
  }
}

/// A difference as the user writes it: 0.001, or 0.1 %.
struct DifferenceSize: ExpressibleByArgument {
  let value: Double

  init?(argument: String) {
    var text = argument[...]
    let isPercentage = text.last == "%"
    if isPercentage { text.removeLast() }
    guard let number = Double(text), number.isFinite, number > 0 else { return nil }
    value = isPercentage ? number / 100 : number
  }
}
