import ArgumentParser
import ConvNet
import Experiment
import Report
import Search
import Statistics
import Storage
import Sweep

struct LeaderboardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "leaderboard",
    abstract: "Rank the trials of a sweep, and tell how much each parameter matters.",
    discussion: """
      Trials are ranked by the sweep's metric on the validation images, the mean over their seeds; \
      those that were ended early come after the others, those that failed last. It needs the \
      folder's resolved.json and trials.csv only.

        runner leaderboard results/quickstart-sweep
        runner leaderboard results/t0-sweep --top 0 --format csv > ranking.csv
      """)

  @Argument(
    help: ArgumentHelp("The folder of the sweep, results/NAME.", valueName: "sweep"),
    transform: Arguments.path)
  var path: String

  @Option(help: ArgumentHelp("How many trials; 0 for all.", valueName: "n"))
  var top = 10

  @OptionGroup var output: DocumentOptions

  func validate() throws {
    if top < 0 { throw ValidationError("--top must not be negative, as \(top) is") }
  }

  func run() throws {
    let recorded = try RecordedTrials(openSweep(path))
    guard !recorded.trials.isEmpty else {
      throw RecordError(path, "no trial is over yet")
    }
    var document = TextDocument()
    document.append(table(recorded), key: "trials")
    if let importance = recorded.importance {
      document.append(
        shares(importance), key: "importance", title: "importance by \(Importance.method)")
      document.append(
        [
          "\(percent(importance.interactions)) of the variance is due to interactions; "
            + "\(importance.used) trials of at least \(importance.budget) epochs were used."
        ], key: "notes")
    }
    try output.print(document)
  }

  private func table(_ recorded: RecordedTrials) -> TextTable {
    let spec = recorded.spec
    let severalSeeds = spec.seeds.count > 1
    var columns: [TextTable.Column] = [
      .init("rank", .right), .init("trial", .right),
      .init(
        spec.metric.rawValue, title: spec.metric.rawValue + (spec.maximizes ? " ↑" : " ↓"), .right),
    ]
    if severalSeeds { columns.append(.init("deviation", .right)) }
    columns += [.init("epochs", .right), .init("status")]
    columns += spec.space.columns
    var table = TextTable(columns)
    func figure(_ value: Double) -> String { spec.metric.text(value) }
    let ranking = recorded.ranking
    for (rank, trial) in ranking.prefix(top == 0 ? ranking.count : top).enumerated() {
      var cells: [TextTable.Cell] = [
        .integer(rank + 1), .integer(trial.number),
        trial.value.map { .number($0, figure($0)) } ?? .missing("-"),
      ]
      if severalSeeds {
        let values = trial.values.compactMap(\.value)
        let sample = values.isEmpty ? nil : Sample(values).deviation
        cells.append(sample.map { .number($0, figure($0)) } ?? .missing("-"))
      }
      cells += [.integer(trial.epochs), .text(trial.status.rawValue)]
      cells += spec.space.cells(of: trial.configuration)
      table.append(cells)
    }
    return table
  }

  private func shares(_ importance: Importance) -> TextTable {
    var table = TextTable([
      .init("parameter"), .init("share", .right), .init("deviation", .right),
    ])
    for share in importance.ranked {
      table.append([
        .text(share.path), .number(share.fraction, percent(share.fraction)),
        .number(share.deviation, percent(share.deviation)),
      ])
    }
    return table
  }
}
