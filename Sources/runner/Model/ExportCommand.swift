import ArgumentParser
import ConvNet
import Datasets
import Exchange
import Experiment
import ONNX
import Report
import Storage
import TerminalText

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a model as other programs read it, checked to answer as it does.",
    discussion: """
      The model is the folder of a run, of a sweep, or its model.safetensors. What the file becomes its \
      ending says:

        .onnx          ONNX (IR 8, opset 17), with any number of images at once
        .safetensors   the tensors in PyTorch's layout, and a .py beside that builds the network
        .tflite        TensorFlow Lite
        .keras         Keras 3's archive, compiled with the run's optimizer and loss, so that fit goes on
        .h5            its older form of a whole model, compiled likewise
        .weights.h5    Keras's weights, and the architecture in a .json beside them
        .savedmodel    a folder, TensorFlow's SavedModel: the signatures serving_default, predict, \
                       and classify, which takes PNG and JPEG files of the network's size
        .h             a C header of arrays and loops without dependencies, for microcontrollers
        .npz           the tensors alone, for NumPy

      What runner quantize made becomes .tflite and .h of integers, to the bit what the model computes, \
      or .onnx in the QDQ form: operators of floats between QuantizeLinear and DequantizeLinear, with \
      weights of int8, which ONNX Runtime and others turn into integers with roundings of their own, so \
      that scores may differ by a few units of their scale. ONNX Runtime's session option \
      session.x64quantprecision=1 keeps sums from saturating on processors without VNNI.

      The file takes pixels of 0 to 255, and does to them what the model does before its first layer, \
      unless --without-preparation leaves that out. It gives the scores of the classes (logits), or \
      with --softmax their probabilities. A layer that a format cannot say is refused by its name.

      Before anything is written, the file's bytes are read back (of ONNX all that it says; of the others \
      the numbers, and the rest is compared with what it should be), and asked about the run's test \
      images, beside the model. FILE.json tells what came of it: digests, the largest and the mean \
      difference of the scores, how many answers differ, the accuracy of both. Should an answer differ, \
      or a score by more than 1e-5 of the largest (of QDQ, a score by more than 8 units), there is no \
      file, and the exit status is 4. Where the \
      images are not to be had, that is said, and noise is taken for them. `runner verify FILE.json` \
      does it again.

      EXAMPLES
        runner export results/lenet/latest lenet.onnx
        runner export results/lenet/latest lenet.onnx --layout nhwc --softmax
        runner verify lenet.onnx.json
      """)

  @Argument(
    help: ArgumentHelp(
      "The model: the folder of a run or a sweep, or a model.safetensors.", valueName: "model"),
    transform: Arguments.path)
  var model: String

  @Argument(
    help: ArgumentHelp("What is written; its ending says the format.", valueName: "file"),
    transform: Arguments.path)
  var file: String

  @Option(help: "The format. (default: what the file's ending says)")
  var format: ExchangeFormat?

  @Option(
    help: "Of ONNX, how images lie: channels, rows, columns, or rows, columns, channels.")
  var layout = ONNXLayout.nchw

  @Flag(help: "Give probabilities instead of scores.")
  var softmax = false

  @Flag(help: "Leave out what the model does to an image before its first layer.")
  var withoutPreparation = false

  @Flag(help: "Make batch norms a part of the convolution or dense layer before them.")
  var foldBatchNorm = false

  @Option(
    help: ArgumentHelp("Check with so many images at most. (default: all)", valueName: "n"))
  var count: Int?

  @Option(help: "What noise is drawn by, where there are no test images.")
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      """
      Write the images, their classes and the model's scores of them, for tests of what uses the file, \
      as an .npz.
      """, valueName: "file"), transform: Arguments.path)
  var samples: String?

  @Option(
    help: """
      Of a run: the weights of its best epoch or of its last. (default: those that it was tested with)
      """)
  var weights: Summary.Weights?

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count takes at least 1, not \(count)") }
  }

  func run() throws {
    var options = ExportOptions(try chosenFormat())
    options.layout = layout
    options.graph.softmax = softmax
    options.graph.preparation = !withoutPreparation
    options.graph.foldsBatchNorms = foldBatchNorm
    let opened = try openAnswering(model, weights: weights)
    try useCore(ofKernel: opened.kernel)
    let export = try opened.export(options, at: model)
    if foldBatchNorm, export.foldedBatchNorms == 0 {
      Display.say("note: there is no batch norm that a layer before it could take in")
    }
    for note in export.notes { Display.say("note: \(note)") }
    if opened.isPruned {
      Display.say("note: the model's zeros take as many bytes there as other numbers")
    }
    let files = try export.files(named: Files.name(of: file))
    try keepOff(files)
    let images = try CheckedImages(of: model, opened, count: count, seed: seed, compute)
    let team = try Team(threads: compute.threadCount)
    let scores = try export.scores(of: images, team: team)
    let comparison: ScoreComparison
    do {
      comparison = try export.compare(files, with: scores, on: images, team: team)
    } catch let error as ExchangeError {
      Display.say("error: \(file), read back: \(error); it was not written")
      throw ExitCode(ExitStatus.mismatch)
    }
    if let complaint = comparison.complaint {
      Display.say("error: \(file), read back: \(complaint); it was not written")
      throw ExitCode(ExitStatus.mismatch)
    }
    let folder = Files.parent(of: file)
    for file in files {
      let place = "\(folder)/\(file.name)"
      if file.name.contains("/") { _ = try Files.makeFolder(Files.parent(of: place)) }
      try AtomicFile.write(file.bytes, to: place)
    }
    let certificate = Certificate(
      export, files, of: model, images, comparison, kernel: BLASCore.current)
    try AtomicFile.write(certificate.json.pretty, to: "\(file).json")
    if let samples { try AtomicFile.write(images.samples(with: scores), to: samples) }
    try printed(certificate)
  }

  private func chosenFormat() throws -> ExchangeFormat {
    guard let chosen = format ?? ExchangeFormat(path: file) else {
      let endings = ExchangeFormat.allCases.map(\.ending).joined(separator: ", ")
      throw UsageError("\(file): its ending stands for no format; there are \(endings)")
    }
    guard file.lowercased().hasSuffix(chosen.ending) else {
      throw UsageError(
        "\(file): a file of the format \(chosen.rawValue) ends with \(chosen.ending)")
    }
    return chosen
  }

  /// Refuses to take the place of what is exported.
  private func keepOff(_ files: [ExportedFile]) throws {
    if files[0].name.contains("/"), Files.exists(file) {
      let own = files.map { Files.name(of: $0.name) }
      guard Files.isFolder(file), try Files.names(in: file).allSatisfy(own.contains) else {
        throw UsageError(
          "\(file): is there, and no SavedModel of this program; name another folder")
      }
    }
    let folder = try Files.absolute(Files.parent(of: file))
    let sources = try [model, "\(model)/model.safetensors"].map { try Files.absolute($0) }
    for name in files.map(\.name) where sources.contains("\(folder)/\(name)") {
      throw UsageError("\(file): it would take the place of the model itself; name another file")
    }
  }

  private func printed(_ certificate: Certificate) throws {
    let bytes = certificate.files.reduce(0) { $0 + $1.size }
    var lines = [
      "exported       \(certificate.files.map(\.name).joined(separator: ", ")): "
        + "\(certificate.options.format.title), \(grouped(bytes)) bytes"
    ]
    if certificate.foldedBatchNorms > 0 {
      lines.append("folded         \(certificate.foldedBatchNorms) batch norms")
    }
    lines += certificate.lines
    lines.append("certificate    \(file).json")
    lines.append("verify with    runner verify \(file).json")
    try Output.print(
      WrappedText.fitted(lines.joined(separator: "\n"), columns: Terminal.output.columns))
  }
}

extension AnsweringModel {
  /// - Throws: `ExchangeError` for options that the format cannot follow.
  func export(_ options: ExportOptions, at path: String) throws -> any CheckedExport {
    switch self {
    case .floats(let file):
      try Export(file, options, trainedBy: ExperimentSpec.training(file, at: path))
    case .integers(let file): try QuantizedExport(file, options)
    }
  }
}

extension ExchangeFormat: ExpressibleByArgument {}
extension ONNXLayout: ExpressibleByArgument {}

extension Certificate {
  /// What was found, as lines to the user.
  var lines: [String] {
    let what =
      images.name.map { "\(grouped(images.count)) test images of \($0)" }
      ?? "\(grouped(images.count)) images of noise"
    let scores = comparison
    let answers =
      scores.differingAnswers == 0
      ? "every answer is the model's"
      : "\(grouped(scores.differingAnswers)) answers are others, where two scores are as near as rounding"
    var lines = [
      "checked        with \(what): \(answers)",
      "scores         differ by at most \(Float(scores.largestDifference)) of up to "
        + "\(Float(scores.largestScore)), on average by \(Float(scores.meanDifference))",
    ]
    if let accuracy = scores.fileAccuracy {
      let own = scores.modelAccuracy ?? accuracy
      lines.append(
        "accuracy       \(percent(accuracy)), "
          + (own == accuracy ? "as the model's" : "the model's is \(percent(own))"))
    }
    return lines
  }
}

extension CheckedImages {
  /// So many images of noise are enough.
  private static let mostNoise = 1000

  /// The test images of the run that a model is of; noise where they are not to be had, which is said.
  init(
    of path: String, _ model: AnsweringModel, count: Int?, seed: UInt64, _ compute: ComputeOptions
  ) throws {
    do {
      if let test = try Self.testImages(of: path, model, compute) {
        self.init(test, count: count)
        return
      }
      Display.say(
        "note: \(path) says of no run whose test images it could be checked with; noise is taken")
    } catch let error as DatasetError where error.kind == .unavailable {
      Display.say("note: \(error)\nnote: without the test images, noise is taken for them")
    }
    self.init(noise: min(count ?? Self.mostNoise, Self.mostNoise), seed: seed, for: model)
  }

  /// Those that an export was checked with.
  /// - Throws: `RecordError` where they are not to be had, or have changed.
  init(
    _ recorded: Certificate.Images, of path: String, _ model: AnsweringModel,
    _ compute: ComputeOptions
  ) throws {
    if let seed = recorded.seed {
      self.init(noise: min(recorded.count, Self.mostNoise), seed: seed, for: model)
    } else {
      guard let test = try Self.testImages(of: path, model, compute) else {
        throw RecordError(path, "says of no run with the test images of \(recorded.name ?? "")")
      }
      self.init(test, count: recorded.count)
    }
    guard count == recorded.count, digest == recorded.digest else {
      throw RecordError(path, "the images that it was checked with are others by now")
    }
  }

  /// Those of the run that a model is of; nil where it says of none.
  static func testImages(
    of path: String, _ model: AnsweringModel, _ compute: ComputeOptions
  ) throws -> TestImages? {
    guard let folder = try RunFolder.ofModel(model.specDigest, at: path),
      Files.exists(folder.record)
    else {
      return nil
    }
    let spec = try folder.readResolved()
    let record = try RunRecord(reading: folder.record)
    let loaded = try compute.loadImages(spec.dataset, recorded: record.data)
    if let images = loaded.testImages, record.data.flatMap(loaded.hasTestImages) != true {
      Display.say("note: the test images of \(images.name) are not those that the run began with")
    }
    return loaded.testImages
  }
}

extension RunFolder {
  /// The folder of the run that a model is of; a model may lie in it.
  static func ofModel(_ specDigest: String?, at path: String) throws -> RunFolder? {
    let place = Files.isFolder(path) ? path : Files.parent(of: path)
    guard let folder = try? RunFolder(opening: place), Files.exists(folder.resolved),
      try folder.specDigest() == specDigest
    else { return nil }
    return folder
  }
}

extension ExperimentSpec {
  /// The experiment that a model was trained by; nil where its run is not to be had.
  static func training(_ model: ModelFile, at path: String) throws -> ExperimentSpec? {
    try RunFolder.ofModel(model.specDigest, at: path)?.readResolved()
  }
}
