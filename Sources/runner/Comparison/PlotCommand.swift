import ArgumentParser
import Datasets
import Experiment
import Glibc
import Report
import Storage
import Sweep

/// `runner plot RUN… [--output FILE]`: loss and accuracy curves as SVG; `runner plot SWEEP`: its
/// trials.
struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draw the curves of runs, or the trials of a sweep, as SVG.",
    discussion: """
      A RUN is the folder of a run, or a metrics.csv. Several runs share one chart, each in its \
      colour: solid for validation, dashed for training. Runs that differ in their seed alone are \
      drawn as their mean, in a band from the least to the greatest; --each draws every one. A ring \
      marks the epoch whose weights were tested. What is no run among several paths is left out.

      For a sweep's folder there are four pictures: parallel.svg, a line through all of its values \
      for each trial; parameters.svg, each parameter against the metric; best-so-far.svg, the trials \
      in their order; importance.svg, how much each parameter matters.

        runner plot results/lenet/latest
        runner plot results/lenet/* --output lenet.svg
        runner plot results/reference/t0/seed-* --each
        runner plot results/lenet/latest --log --learning-rate --output - > curves.svg
        runner plot results/t0-sweep
      """)

  @Argument(
    help: ArgumentHelp(
      "Folders of runs, metrics.csv files, or a sweep's folder.", valueName: "run"),
    transform: Arguments.path)
  var runs: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      """
      Where to write; - is the standard output. For a sweep, a folder. (default: plots in the \
      folder of the run or sweep, or curves.svg here for several runs)
      """, valueName: "path"), transform: Arguments.path)
  var output: String?

  @Option(help: ArgumentHelp("The chart's title. (default: the run's name)", valueName: "text"))
  var title: String?

  @Flag(name: .customLong("log"), help: "A logarithmic axis for the loss.")
  var logarithmicLoss = false

  @Flag(help: "Draw the learning rate too.")
  var learningRate = false

  @Flag(help: "Draw every run, not the mean of those that differ in their seed alone.")
  var each = false

  func run() throws {
    if runs.count == 1, SweepFolder(runs[0]).isSweep { return try draw(SweepFolder(runs[0])) }
    let sources = try MetricsSource.distinct(runs)
    let svg = try MetricsSource.chart(
      of: sources, title: title, logarithmicLoss: logarithmicLoss, learningRate: learningRate,
      each: each
    ).svg()
    if output == "-" {
      try Output.print(svg, terminator: "")
      return
    }
    let path: String
    if let output {
      path = output
    } else if sources.count == 1, let folder = sources[0].folder {
      path = try MetricsSource.plotPath(in: folder)
    } else {
      path = "curves.svg"
    }
    try AtomicFile.write(svg, to: path)
    try Output.print(path)
  }

  private func draw(_ sweep: SweepFolder) throws {
    guard !logarithmicLoss, !learningRate else {
      throw UsageError("--log and --learning-rate are for the curves of runs, not for a sweep")
    }
    guard output != "-" else {
      throw UsageError("a sweep has several pictures; give --output a folder")
    }
    let pictures = try SweepPictures(sweep, title: title)
    for path in try pictures.write(to: output ?? sweep.plots) { try Output.print(path) }
  }
}

/// A metrics.csv that the user named, by its folder or by itself.
private struct MetricsSource {
  let file: String
  /// The folder of the run; nil where the user named a file.
  let folder: String?
  /// `file` without links: what `latest` points to, so that no run is drawn twice.
  let resolved: String

  private static let largest = 1 << 26

  /// - Throws: `NoRun`, or `UsageError` where there is nothing at all.
  init(_ path: String) throws {
    guard Files.exists(path) else { throw UsageError("\(path): there is no such run") }
    if Files.isFolder(path) {
      let within = path.hasSuffix("/") ? String(path.dropLast()) : path
      folder = path
      file = "\(within)/metrics.csv"
      guard Files.exists(file) else {
        if SweepFolder(path).isSweep { throw NoRun(path, "is a sweep, and is drawn alone") }
        let hint =
          Files.exists("\(within)/latest/metrics.csv")
          ? "; it holds runs: \(within)/latest is the last of them, \(within)/* are all" : ""
        throw NoRun(path, "is not the folder of a run: it has no metrics.csv" + hint)
      }
    } else {
      folder = nil
      file = path
      let text = String(
        decoding: try Files.read(path, limit: Self.largest).prefix(10_000), as: UTF8.self)
      let header = text.prefix { !$0.isNewline }.filter { $0 != "\u{FEFF}" }
      guard CSVDialect.commas.texts(of: header).contains("epoch") else {
        throw NoRun(path, "is not the metrics.csv of a run: it has no column \"epoch\"")
      }
    }
    resolved = try Files.absolute(file)
  }

  /// What a path holds that is no run.
  private struct NoRun: Error {
    let path: String
    let message: String

    init(_ path: String, _ message: String) {
      self.path = path
      self.message = message
    }
  }

  /// The sources of `paths` in their order, each once: `results/lenet/*` names the last run twice,
  /// by its id and as `latest`. What is no run beside others that are is left out, and told.
  static func distinct(_ paths: [String]) throws -> [MetricsSource] {
    var seen: Set<String> = []
    var sources: [MetricsSource] = []
    var others: [NoRun] = []
    for path in paths {
      do {
        let source = try MetricsSource(path)
        if seen.insert(source.resolved).inserted { sources.append(source) }
      } catch let other as NoRun {
        if seen.insert(path).inserted { others.append(other) }
      }
    }
    if sources.isEmpty, let first = others.first {
      let rest = others.count - 1
      let more =
        rest == 0 ? "" : "; nor is there a run at the other path\(rest == 1 ? "" : "s")"
      let parent = SweepFolder(Files.parent(of: first.path))
      let hint = parent.isSweep ? "; the trials of the sweep: runner plot \(parent.path)" : ""
      throw UsageError("\(first.path) \(first.message)\(more)\(hint)")
    }
    for other in others { Display.say("note: left out: \(other.path) \(other.message)") }
    return sources
  }

  static func chart(
    of sources: [MetricsSource], title: String? = nil, logarithmicLoss: Bool = false,
    learningRate: Bool = false, each: Bool = false
  ) throws -> CurvesChart {
    let (shared, names) = RunNames.short(
      for: sources.map {
        $0.resolved.hasSuffix("/metrics.csv")
          ? String($0.resolved.dropLast("/metrics.csv".count)) : $0.resolved
      })
    let records = sources.map(\.record)
    let groups = each ? [] : RunGroup.groups(of: records.compactMap { $0 })
    var runs: [CurvesChart.Run] = []
    for (place, source) in sources.enumerated() {
      var run = CurvesChart.Run(name: names[place], metrics: try source.metrics())
      if let record = records[place] {
        run.testedEpoch = record.testedEpoch.map(Double.init)
        let group = groups.first { group in
          (group.runs + group.repeats).contains { $0.folder.path == record.folder.path }
        }
        if let group, group.runs.count > 1 {
          // Another run of the same seed says nothing new.
          guard group.runs.contains(where: { $0.folder.path == record.folder.path }) else {
            continue
          }
          run.configuration = group.label
        }
      }
      runs.append(run)
    }
    let configurations = Set(runs.map(\.configuration))
    let ownTitle =
      sources.count == 1
      ? names[0] : configurations.count == 1 ? runs[0].configuration ?? shared : shared
    return CurvesChart(
      title: title ?? ownTitle, runs: runs,
      measures: CurvesChart.Measure.all(in: runs.map(\.metrics)), logarithmicLoss: logarithmicLoss,
      showsLearningRate: learningRate)
  }

  /// What the folder says of the run; nil for a file alone.
  private var record: RecordedRun? {
    folder.flatMap { try? RecordedRun(reading: RunFolder(opening: $0)) }
  }

  static func plotPath(in folder: String) throws -> String {
    let plots = folder.hasSuffix("/") ? "\(folder)plots" : "\(folder)/plots"
    try Files.makeFolders(plots)
    return "\(plots)/curves.svg"
  }

  private func metrics() throws -> MetricsTable {
    let bytes = try Files.read(file, limit: Self.largest)
    do {
      return try MetricsTable(parsing: String(decoding: bytes, as: UTF8.self))
    } catch {
      let place = error.line.map { "\(file):\($0)" } ?? file
      throw UsageError("\(place): \(error.message); the metrics.csv of a run was expected")
    }
  }
}
