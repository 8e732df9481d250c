import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Report
import Storage
import Watching

struct MonitorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "monitor",
    abstract: "Say whether what a model is asked still looks like what it was trained on.",
    discussion: """
      A LOG is what a server logs: a file of JSON lines, or a folder of them (*.jsonl); \
      runner predict --format log writes one too. Or it is image files, folders of them, arrays, as \
      predict takes them, looked at as one window. The MODEL is the folder of a run or its \
      model.safetensors; beside it lies model.profile, what its validation images looked like to it.

      The requests that the model answered are looked at in windows of equal size, from the first \
      on. Of each window it tests, against the validation images: the predicted classes \
      (chi-squared), the answers' log-odds, energies and the distance of their features, and seven \
      figures of the images that people can read, ink, width, height, slant, stroke width and \
      centre (Kolmogorov-Smirnov, for more than --tolerance), and the features (maximum mean \
      discrepancy, by permutations). p is corrected by Holm's method, which holds whatever these \
      tests have in common, and promises that a window like the validation images is told to be \
      another with the chance of the level at most; a method for false discoveries (Benjamini and \
      Hochberg) promises a share among alarms, which is not what an alarm is for. To look again \
      and again is corrected for: the k-th look has the level alpha/k(k+1), which sum to alpha \
      over all looks that will ever be taken (Tian and Ramdas 2021). A log that has grown gives \
      the windows that were looked at before unchanged, so start it as often as you like; where \
      old files of a log were removed, --looks-before says how many looks they had.

      The accuracy that is expected without labels is, of a window that looks like the validation \
      images, the mean chance of being right as calibrated on these. Another window is held against \
      validation images that were spoiled in the fifteen ways of MNIST-C when the model was trained: \
      "looks like" names the condition, or the mixture of up to three, whose mean features, classes \
      and figures are nearest to the window's, and the accuracy is what the model reached on those, \
      corrected for easier or harder images (Deng and Zheng 2021). Where nothing known is near, it \
      says so, and expects what was fitted on images distorted in many other ways. The intervals \
      hold the chance of the draws and what was erred by on kinds left out. A profile of an earlier \
      version, or of a short training, knows no conditions, and a request that was logged without \
      its features cannot be held against them. Where feedback tells the right class of requests, \
      accuracy and calibration error are measured.

      Ends with status 4 where a look finds the requests to be others, or an accuracy's interval below \
      --min-accuracy.

      EXAMPLES
        runner monitor logs/ models/3/model.safetensors
        runner monitor requests.jsonl results/lenet/latest --min-accuracy 97% --plot look.svg
        runner monitor scans/ results/lenet/latest
        runner monitor logs/ models/3/model.safetensors --quiet --prometheus watch.prom
      """)

  @Argument(
    help: ArgumentHelp("The log, or images.", valueName: "log"), transform: Arguments.path)
  var log: String

  @Argument(
    help: ArgumentHelp("The model: a run's folder or model.safetensors.", valueName: "model"),
    transform: Arguments.path)
  var model: String

  @Option(help: ArgumentHelp("Requests in a window; all for one of all.", valueName: "n"))
  var window = WindowSize.requests(200)

  @Option(
    help: "The chance that requests like the validation images are ever told to be others.")
  var alpha = 0.01

  @Option(
    help: ArgumentHelp(
      """
      How far the share of requests below any value may be from that of the validation images, without \
      being of consequence.
      """, valueName: "share"))
  var tolerance = 0.03

  @Flag(help: "Give each look all of alpha, as though it were the only one.")
  var each = false

  @Option(
    help: ArgumentHelp("Looks that were taken at what the log no longer has.", valueName: "n"))
  var looksBefore = 0

  @Option(
    help: ArgumentHelp("Permutations of the test of the features.", valueName: "n"))
  var permutations = 999

  @Option(help: "What permutations are drawn by.")
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      "The accuracy that is asked for, 0.97 or 97%: measured where there is feedback, else expected.",
      valueName: "share"))
  var minAccuracy: Share?

  @Option(
    help: ArgumentHelp(
      """
      For a model without model.profile: labelled images that it was not trained on, a dataset's name or \
      one's own files, to hold requests against.
      """, valueName: "images"), transform: Arguments.path)
  var reference: String?

  @Option(
    help: ArgumentHelp(
      "Draw the last look, or the first that breaks a bound, as SVG.", valueName: "file"),
    transform: Arguments.path)
  var plot: String?

  @Option(
    help: ArgumentHelp("Draw all looks one after another, as SVG.", valueName: "file"),
    transform: Arguments.path)
  var history: String?

  @Option(
    help: ArgumentHelp(
      "Write what was found for Prometheus, as a text file.", valueName: "file"),
    transform: Arguments.path)
  var prometheus: String?

  @OptionGroup var output: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard alpha > 0, alpha < 1 else {
      throw ValidationError("--alpha must be between 0 and 1, not \(alpha)")
    }
    guard tolerance >= 0, tolerance < 1 else {
      throw ValidationError("--tolerance takes a share from 0 to less than 1, not \(tolerance)")
    }
    guard (99...1_000_000).contains(permutations) else {
      throw ValidationError("--permutations takes 99 to 1000000, not \(permutations)")
    }
    guard (0...1_000_000).contains(looksBefore) else {
      throw ValidationError("--looks-before takes 0 to 1000000, not \(looksBefore)")
    }
  }

  func run() throws {
    let file = try openModel(model)
    let requests = Files.exists(log) && !isLog ? nil : try RequestLog(reading: log)
    if requests == nil || reference != nil { try useCore(of: file) }
    let profile = try profile(of: file)
    var options = Watch.Options()
    options.alpha = alpha
    options.spends = !each
    options.tolerance = tolerance
    options.permutations = permutations
    options.seed = seed
    options.minAccuracy = minAccuracy?.value
    let watch = Watch(profile, options)
    let (looks, count, notes) =
      if let requests {
        looks(at: requests, by: watch)
      } else {
        try looksAtImages(file, profile, by: watch)
      }
    for note in notes { Display.say("note: \(note)") }

    let broken = looks.flatMap(\.broken)
    if let prometheus {
      let metrics = WatchMetrics(looks, requests: count, model: profile.modelDigest)
      try AtomicFile.write(metrics.text, to: prometheus)
    }
    try draw(looks, file)
    try output.print(document(looks, count, broken))
    if !broken.isEmpty { throw ExitCode(ExitStatus.mismatch) }
  }

  /// A file by its ending; a folder where any of its files has that.
  private var isLog: Bool {
    if Files.isFolder(log) {
      return ((try? Files.names(in: log)) ?? []).contains { $0.hasSuffix(".jsonl") }
    }
    return OwnFiles.Format.of(log) == .feedback
  }

  private func profile(of file: ModelFile) throws -> ValidationProfile {
    if let reference {
      let bar = DownloadDisplay(Display.style(quiet: compute.quiet))
      defer { bar.clear() }
      let images = try TestImages.load(
        file.dataset(of: reference), classNames: file.classNames, name: reference,
        dataFolder: compute.data, threads: compute.threadCount, progress: { bar.update($0) },
        notice: { Display.say($0) })
      let inference = try Inference(file.model, team: Team(threads: compute.threadCount))
      guard
        let profile = ValidationProfile(
          images.source, by: inference, modelDigest: file.weightsDigest, seed: seed,
          spoiled: 4 * images.count)
      else {
        throw UsageError(
          "--reference \(reference): \(images.count) images are too few to say what others are to "
            + "look like; give \(ValidationProfile.fewest) or more")
      }
      return profile
    }
    let path = Files.isFolder(model) ? "\(model)/model.safetensors" : model
    guard let profile = try ValidationProfile(besideModel: path) else {
      throw UsageError(
        "\(ValidationProfile.path(besideModel: path)): there is no profile beside the model, which "
          + "says what its validation images looked like; a run that validates leaves one (copy it along "
          + "with the model), or give labelled images that the model was not trained on: --reference mnist"
      )
    }
    guard profile.modelDigest == file.weightsDigest else {
      throw UsageError(
        "\(ValidationProfile.path(besideModel: path)): it is of other weights "
          + "(\(profile.modelDigest.prefix(12))…) than the model (\(file.weightsDigest.prefix(12))…)"
      )
    }
    return profile
  }

  private func looks(
    at log: RequestLog, by watch: Watch
  ) -> (looks: [WatchLook], count: Int, notes: [String]) {
    let watched = WatchedLog(log, model: watch.profile.modelDigest)
    let (looks, left) = watched.looks(by: watch, size: window.size, before: looksBefore)
    var notes = log.note.map { [$0] } ?? []
    if watched.ofOthers > 0 {
      notes.append(
        "\(grouped(watched.ofOthers)) requests were answered by other weights and are left out")
    }
    if looks.isEmpty {
      notes.append(
        "\(grouped(watched.requests.count)) requests are fewer than a window"
          + (window.size.map { " of \($0)" } ?? "") + "; nothing was looked at")
    } else if left > 0 {
      notes.append("the last \(left) requests are no whole window yet")
    }
    let without = watched.requests.count {
      $0.seen.features.count != watch.profile.width
    }
    if without > 0, !looks.isEmpty {
      notes.append(
        "\(grouped(without)) requests were logged without their features, which the test of the mean "
          + "discrepancy leaves out")
    }
    return (looks, watched.requests.count, notes)
  }

  private func looksAtImages(
    _ file: ModelFile, _ profile: ValidationProfile, by watch: Watch
  ) throws -> (looks: [WatchLook], count: Int, notes: [String]) {
    guard Files.exists(log) else { throw UsageError("\(log): there is no such log") }
    var reader = AskedImagesReader(
      file.prepare, file.preparation, classNames: file.classNames, turns: false,
      threads: compute.threadCount)
    reader.read(log)
    let asked = reader.asked
    guard asked.problems.isEmpty else {
      throw UsageError(
        asked.problems.prefix(5).joined(separator: "\n")
          + "\n\(log): what cannot be read cannot be looked at; remove it, or give a log")
    }
    guard asked.count >= Watch.fewest else {
      throw UsageError(
        "\(log): \(asked.count) images are too few to be looked at; give \(Watch.fewest) or more")
    }
    let inference = try Inference(file.model, team: Team(threads: compute.threadCount))
    let seen = inference.observations(of: asked, by: Observer(file, profile: profile))
    let look = watch.look(
      at: seen, labels: asked.images.map(\.label), number: looksBefore + 1)
    return ([look], asked.count, asked.notes)
  }

  private func draw(_ looks: [WatchLook], _ file: ModelFile) throws {
    if let plot {
      guard let look = looks.first(where: { !$0.broken.isEmpty }) ?? looks.last else {
        throw UsageError("--plot: nothing was looked at, so that there is nothing to draw")
      }
      try AtomicFile.write(WatchText.chart(of: look, model: file.name).svg(), to: plot)
    }
    if let history, !looks.isEmpty {
      try AtomicFile.write(
        WatchText(looks: looks).history(model: file.name).svg(), to: history)
    }
  }

  private func document(_ looks: [WatchLook], _ count: Int, _ broken: [String]) -> TextDocument {
    var document = TextDocument()
    document.append([
      .init(
        "requests", .integer(count),
        line: "requests       \(grouped(count)), \(looks.count) "
          + "look\(looks.count == 1 ? "" : "s")"),
      .init("looks_taken", .integer(looks.count)), .init("broken", .flag(!broken.isEmpty)),
    ])
    document.mainTable = "looks"
    document.append(WatchText(looks: looks).table, key: "looks", title: "looks")
    if let look = looks.first(where: { !$0.broken.isEmpty }) ?? looks.last {
      document.append(
        WatchText.tests(of: look), key: "tests", title: "tests of look \(look.number)")
      document.append(
        WatchText.shifts(of: look), key: "quantities",
        title: "what is asked in look \(look.number), and what was validated on")
    }
    document.append(
      broken.isEmpty && !looks.isEmpty ? ["requests look as the validation images do"] : broken,
      key: "verdicts")
    return document
  }
}

/// How many requests are looked at together.
enum WindowSize: Hashable, ExpressibleByArgument {
  case requests(Int)
  case all

  init?(argument: String) {
    if argument == "all" {
      self = .all
    } else if let count = Int(argument), (Watch.fewest...1_000_000).contains(count) {
      self = .requests(count)
    } else {
      return nil
    }
  }

  var size: Int? { if case .requests(let count) = self { count } else { nil } }

  var defaultValueDescription: String { size.map(String.init) ?? "all" }
}

/// A share as the user writes it: 0.97, or 97%.
struct Share: ExpressibleByArgument {
  let value: Double

  init?(argument: String) {
    var text = argument[...]
    let isPercentage = text.last == "%"
    if isPercentage { text.removeLast() }
    guard let number = Double(text), case let value = isPercentage ? number / 100 : number,
      value > 0, value <= 1
    else { return nil }
    self.value = value
  }
}
