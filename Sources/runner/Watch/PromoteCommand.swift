import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Report
import Storage
import Watching

struct PromoteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "promote",
    abstract: "Move a label, as stable, to another version of a model, if that is better.",
    discussion: """
      MODELS is a folder of versions, each a folder with its number as the name and a model.safetensors \
      in it, as a server serves it. Which version a label means lies in its labels.json, with every move \
      and why it was made.

      The version that the label means and the new one are asked about the same labelled images, given by \
      --on: a dataset's name, one's own files, or a request log with feedback. As runner compare --on \
      says it, by McNemar's test: the label moves where the new one is better, else it stays, and the \
      status is 4. --force moves it nevertheless, which labels.json records. A label that there was not \
      yet is set without a comparison.

      EXAMPLES
        runner promote models 3 --on mnist
        runner promote models 3 --label canary --on logs/requests.jsonl
        runner promote models 2 --force --reason "3 answers too slowly"
      """)

  @Argument(
    help: ArgumentHelp("The folder of versions.", valueName: "models"), transform: Arguments.path)
  var models: String

  @Argument(help: ArgumentHelp("The version that the label is to mean.", valueName: "version"))
  var version: Int

  @Option(help: "The label that moves.")
  var label = "stable"

  @Option(
    help: ArgumentHelp(
      "Labelled images that decide: a dataset's name, one's own files, a log with feedback.",
      valueName: "images"))
  var on: String?

  @Option(help: "The level of the test.")
  var alpha = 0.05

  @Flag(help: "Move the label whatever the comparison says.")
  var force = false

  @Option(help: ArgumentHelp("Why it is moved by force, for the record.", valueName: "sentence"))
  var reason: String?

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard alpha > 0, alpha < 1 else {
      throw ValidationError("--alpha must be between 0 and 1, not \(alpha)")
    }
    guard VersionLabels.isName(label) else {
      throw ValidationError(
        "--label takes letters, digits, _, - and ., beginning with a letter, not \"\(label)\"")
    }
    guard reason == nil || force else {
      throw ValidationError("--reason is why a label is moved by --force")
    }
  }

  func run() throws {
    guard Files.isFolder(models) else { throw UsageError("\(models): there is no such folder") }
    let versions = try VersionLabels.versions(in: models)
    guard versions.contains(version) else {
      let shown = versions.map(String.init).joined(separator: ", ")
      throw UsageError(
        "\(VersionLabels.model(version, in: models)): there is no such version"
          + (versions.isEmpty ? "" : "; there is \(shown)"))
    }
    guard let lock = try FileLock.take("\(models)/.labels.lock") else {
      throw RecordError(models, "another process is moving its labels; wait until it has ended")
    }
    var labels = try VersionLabels(reading: models)
    let candidate = try ModelFile(reading: VersionLabels.model(version, in: models))
    let from = labels.labels[label]
    if from == version {
      try Output.print("\(label) is \(version) already")
      return
    }
    let (isAllowed, why) = try decision(from, candidate)
    guard isAllowed || force else {
      try Output.print("\(label) stays \(from.map(String.init) ?? "unset"): \(why)")
      throw ExitCode(ExitStatus.mismatch)
    }
    let sentence = isAllowed ? why : "by force" + (reason.map { ": \($0)" } ?? "") + "; \(why)"
    labels.move(
      .init(
        time: Timestamp.now.iso8601, label: label, from: from, to: version,
        model: candidate.weightsDigest, reason: sentence, isForced: !isAllowed))
    try labels.write(in: models)
    _ = consume lock
    try Output.print(
      "\(label) is \(version) now" + (from.map { ", was \($0)" } ?? "") + ": \(sentence)")
  }

  /// Whether the label may move, and why.
  private func decision(_ from: Int?, _ candidate: ModelFile) throws -> (Bool, String) {
    guard let from else { return (true, "there was none before") }
    guard let on else {
      guard force else {
        throw UsageError(
          "give labelled images that decide whether \(version) is better than \(from): --on mnist; or "
            + "--force")
      }
      return (false, "nothing was compared")
    }
    let path = VersionLabels.model(from, in: models)
    guard Files.exists(path) else {
      guard force else {
        throw UsageError(
          "\(path): the version that \(label) means is gone; give --force to move it")
      }
      return (false, "version \(from) is gone")
    }
    let comparison = try compareModels(
      ModelFile(reading: path), candidate, on: on, alpha: alpha, compute)
    return (comparison.verdict == .better, comparison.sentence("\(from)", "\(version)"))
  }
}

/// Asks two models about the same labelled images.
/// - Parameter other: a dataset's name, or the path of one's own files.
func compareModels(
  _ first: ModelFile, _ second: ModelFile, on other: String, alpha: Double,
  _ compute: ComputeOptions
) throws -> ModelComparison {
  guard first.classNames == second.classNames else {
    throw UsageError(
      "the two models tell apart other classes: \(first.classNames.prefix(5).joined(separator: ", ")) "
        + "and \(second.classNames.prefix(5).joined(separator: ", "))")
  }
  try useCore(of: second)
  let bar = DownloadDisplay(Display.style(quiet: compute.quiet))
  defer { bar.clear() }
  func predictions(_ file: ModelFile) throws -> (predictions: [Int], images: TestImages) {
    let images = try TestImages.load(
      file.dataset(of: other), classNames: file.classNames, name: other, dataFolder: compute.data,
      threads: compute.threadCount, progress: { bar.update($0) }, notice: { Display.say($0) })
    return (try file.predictions(of: images.source, threads: compute.threadCount), images)
  }
  let a = try predictions(first)
  let b = try predictions(second)
  guard a.images.images.labels == b.images.images.labels else {
    throw UsageError("--on \(other): the two models do not read the same images of it")
  }
  return ModelComparison(
    first: a.predictions, second: b.predictions, labels: a.images.images.labels.map { $0 },
    alpha: alpha)
}
