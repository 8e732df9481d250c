import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Glibc
import Images
import Quantization
import Report
import Storage
import TerminalText

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Ask a model what images show.",
    discussion: """
      The model is the folder of a run, of a sweep, its model.safetensors, or what runner quantize made \
      of it. Inputs are image files, \
      folders of them, .npy and .npz arrays, IDX files and CSV tables of pixels; - is the standard \
      input. Images become the network's input exactly as in its training, unless an option says \
      otherwise. Where folders are named as the classes, or a table has labels, the accuracy is told \
      too.

      Answers have the same bits with any number of threads, alone or among others, and as evaluate gives \
      them; but of a run by "numerics" 1, which evaluate repeats as it was tested, by the newest. What cannot be read is named, the others are answered, and the exit status is 1.

      EXAMPLES
        runner predict results/lenet/latest digit.png
        runner predict results/lenet/latest scans/ --top 3 --show seen.png
        runner predict lenet.safetensors - < digit.png
        runner predict results/lenet/latest test.csv --format csv > answers.csv
      """)

  /// How answers are printed.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case table, csv
    /// An object in a line for each image.
    case jsonl
    /// The lines of a server's request log.
    case log
  }

  @Argument(
    help: ArgumentHelp("The model: a run's folder or model.safetensors.", valueName: "model"),
    transform: Arguments.path)
  var model: String

  @Argument(
    help: ArgumentHelp("What it is asked about.", valueName: "input"), transform: Arguments.path)
  var inputs: [String]

  @Option(help: ArgumentHelp("Name so many classes of each image.", valueName: "k"))
  var top = 1

  @Flag(help: "Give the probabilities of all classes.")
  var probabilities = false

  @Option(
    help: ArgumentHelp(
      """
      Give the values of a layer (its features) instead of answers, as CSV or jsonl. Layers are called by \
      their names, or by kind and number among the kind, from 0: dense_0.
      """, valueName: "layer"))
  var layer: String?

  @Option(
    help: """
      How answers are printed; jsonl is an object in a line for each image, log what a server would log of \
      it, for runner monitor.
      """)
  var format = Format.table

  @Option(
    help: """
      digit: make of photos and drawings of digits what MNIST was made of: light on dark, 20x20 in the \
      middle of 28x28, without the paper's shadows. (default: as in the training)
      """)
  var prepare: FilePreparation?

  @Option(help: "How images of another size are made to fit. (default: as in the training)")
  var resize: ImagePreparation.Resize?

  @Flag(
    inversion: .prefixedNo,
    help: "Take white for black: for dark ink on light paper. (default: as in the training)")
  var invert: Bool?

  @Flag(help: "Turn pictures upright, where their files note (EXIF) how they are held.")
  var turn = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      The column of a table that holds the labels: its name in the header, or its number, from 0, or back \
      from the last, -1. (default: the one that certainly holds them, if any)
      """, valueName: "column"))
  var labelColumn: String?

  @Option(
    help: ArgumentHelp(
      "The number that is white in tables and arrays. (default: 255 or 1, where that is certain)",
      valueName: "number"))
  var pixelMax: Double?

  @Option(
    help: ArgumentHelp(
      "Draw what the network saw of each image, beside the image, with the answer, as a PNG file.",
      valueName: "file"), transform: Arguments.path)
  var show: String?

  @Option(
    help: """
      Of a run: the weights of its best epoch or of its last. (default: those that it was tested with)
      """)
  var weights: Summary.Weights?

  @Option(
    help: ArgumentHelp(
      "How many threads compute; changes no bit of an answer. (default: one per core)",
      valueName: "n"))
  var threads: Int?

  func validate() throws {
    guard top >= 1 else { throw ValidationError("--top takes at least 1, not \(top)") }
    guard !inputs.isEmpty else { throw ValidationError("there is nothing to be predicted") }
    guard inputs.count(where: { $0 == "-" }) <= 1 else {
      throw ValidationError("the standard input (-) can be read but once")
    }
    if let pixelMax, !(pixelMax > 0 && pixelMax.isFinite) {
      throw ValidationError("--pixel-max takes a number more than 0, not \(pixelMax)")
    }
    if let threads, !(1...Team.most).contains(threads) {
      throw ValidationError("--threads must be from 1 to \(Team.most), not \(threads)")
    }
    if format == .log, layer != nil || top > 1 || probabilities {
      throw ValidationError(
        "--format log tells all that there is of an image; --layer, --top and --probabilities don't go "
          + "with it")
    }
    if layer != nil, top > 1 || probabilities || show != nil {
      throw ValidationError("--top, --probabilities and --show are of answers; --layer gives none")
    }
  }

  func run() throws {
    if let show { try check(show) }
    let file = try openAnswering(model, weights: weights)
    if case .integers = file, layer != nil || format == .log {
      throw UsageError(
        "\(model): a quantised model gives answers alone; --layer and --format log are of floats")
    }
    if probabilities, format == .table, file.classNames.count > ClassDetail.mostClasses {
      throw UsageError(
        "--probabilities: a table of \(grouped(file.classNames.count)) classes is too wide to be read; "
          + "--top names the likeliest, --format csv and jsonl have all")
    }
    let path = try IntegerPath.chosen()
    try useCore(ofKernel: file.kernel)
    let threadCount = threads ?? Team.cores
    var preparation = file.preparation
    if let resize { preparation.resize = resize }
    if let invert { preparation.inverts = invert }
    let prepare = prepare ?? file.prepare
    if let prepare {
      Display.say(
        "note: images are prepared as \"\(prepare.rawValue)\" first; --show draws what that gives")
    }
    var reader = AskedImagesReader(
      prepare, preparation, classNames: file.classNames, turns: turn,
      table: .init(
        labelColumn: labelColumn.map { Int($0).map(LabelColumn.number) ?? .name($0) },
        pixelMax: pixelMax),
      threads: threadCount)
    var temporary: String?
    defer { temporary.map(Files.remove) }
    for input in inputs {
      guard input == "-" else {
        reader.read(input)
        continue
      }
      let folder = try Files.makeTemporaryFolder()
      temporary = folder
      // What is neither an image nor an array can only be a table.
      let bytes = try Files.read("/dev/stdin", limit: Self.mostStandardInput)
      if bytes.isEmpty { throw UsageError("-: the standard input is empty") }
      try AtomicFile.write(bytes, to: "\(folder)/input.csv")
      reader.read("\(folder)/input.csv", name: "-")
    }
    let asked = reader.asked
    for note in asked.notes { Display.say("note: \(note)") }
    if asked.count > 0, let layer, case .floats(let file) = file {
      try LayerValues(asked, of: layer, file, threads: threadCount).print(as: format)
    } else if asked.count > 0 {
      let network = try file.network(threads: threadCount, path: path)
      let answers = Answers(asked, network.probabilities(of: asked), file.classNames)
      if let name = answers.withoutNumbers {
        throw RecordError(
          model,
          "gives scores that are not finite, as of \(name): it has learned nothing to be asked")
      }
      if let warning = answers.warning(file) { Display.say("WARNING: \(warning)") }
      if let show { try AnswerSheet(answers, turns: turn).write(to: show) }
      if format == .log, case .floats(let file) = file, let inference = network as? Inference {
        try RequestLines(asked, inference, file, model: model).print()
      } else {
        try printed(answers)
      }
    }
    guard asked.problems.isEmpty else {
      for problem in asked.problems.prefix(20) { Display.say("error: \(problem)") }
      let count = asked.problems.count
      if count > 20 { Display.say("error: \(count - 20) more cannot be read") }
      throw ExitCode(ExitStatus.failed)
    }
  }

  /// The most bytes that are read from the standard input: an eighth of the memory there is.
  private static var mostStandardInput: Int {
    (AvailableMemory().bounds.map(\.bytes).min() ?? 1 << 33) / 8
  }

  /// Refuses a picture in the place of what is asked, or of who is.
  private func check(_ show: String) throws {
    guard show.lowercased().hasSuffix(".png") else {
      throw UsageError("--show writes a PNG file; \(show) doesn't end with .png")
    }
    let picture = try Files.absolute(show)
    for path in inputs + [model] where path != "-" {
      let place = try Files.absolute(path)
      if picture == place || picture.hasPrefix(place + "/") {
        throw UsageError(
          "--show \(show): it would take the place of what is read, or lie in \(path) and be read the "
            + "next time; name another file")
      }
    }
  }

  private func printed(_ answers: Answers) throws {
    if format == .jsonl {
      for place in answers.asked.images.indices {
        try Output.print(answers.json(place, top: top, all: probabilities).compact)
      }
      return
    }
    let table = answers.table(top: top, all: probabilities)
    try Output.print(
      table.text(as: format == .csv ? .csv : .table, columns: Terminal.output.columns),
      terminator: "")
    if format == .table, let accuracy = answers.accuracy { try Output.print("\n\(accuracy)") }
    if format == .csv, let accuracy = answers.accuracy { Display.say(accuracy) }
  }
}

extension ImagePreparation.Resize: ExpressibleByArgument {}
extension FilePreparation: ExpressibleByArgument {}
