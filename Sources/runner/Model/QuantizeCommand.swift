import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Quantization
import Report
import Storage

struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Make a model of 8-bit integers, with the same answers on every processor.",
    discussion: """
      The model is the folder of a run, of a sweep, or its model.safetensors. Batch norms become a part of \
      the layer before them; kernels are of 8 bits with a scale for each filter, what goes between layers \
      of 8 bits with a scale and a zero point, sums of 32 bits: TensorFlow Lite's scheme. Which numbers a \
      layer gives is looked up on training images of the run, or on the images that --on names.

      What is written is taken by predict, evaluate and export as any model. Its answers are \
      defined by integers alone, so that each processor gives the same bits, by AVX-512 VNNI, AVX2 or \
      plain code; RUNNER_INT8=vnni, avx2 or plain makes that choice.

      Both models are then tested on the run's test images, or on those that --on names. Layers that have \
      no form in integers are refused, all of them by their names.

      How it is done a spec says, a JSON file of the keys that `runner explain quantization` tells of, or \
      key=value: calibration, images, equalization, bias_correction, rounding (adaptive for AdaRound), \
      weight_bits (4 for a model of half the size, computed with the same bits). The model's file records \
      it. A model that was trained with quantisation has its bits and its ranges from there.

      EXAMPLES
        runner quantize results/lenet/latest
        runner quantize results/lenet/latest --to small.safetensors calibration=least-squares
        runner quantize results/lenet/latest weight_bits=4 rounding=adaptive bias_correction=true
        runner quantize photos.safetensors --on photos/ quantization.json
      """)

  @Argument(
    help: ArgumentHelp(
      "The model: the folder of a run or a sweep, or a model.safetensors.", valueName: "model"),
    transform: Arguments.path)
  var model: String

  @Argument(
    help: ArgumentHelp(
      """
      A JSON file that says how, and values of its keys; with --on also of a spec's section "dataset", for \
      its images.
      """, valueName: "spec|key=value"))
  var values: [String] = []

  @Option(
    help: ArgumentHelp(
      "What is written. (default: model.int8.safetensors in the run's folder, or beside the model)",
      valueName: "file"),
    transform: Arguments.path)
  var to: String?

  @Option(help: "Short for calibration=…: how a layer's range is taken from its numbers.")
  var calibration: QuantizationSpec.Calibration?

  @Option(
    help: ArgumentHelp(
      "Short for percentile=…: what is left out at each end, of a hundred numbers.",
      valueName: "share"))
  var percentile: Double?

  @Option(
    help: ArgumentHelp(
      "Short for images=…: how many images ranges are looked up on. (default: 500)",
      valueName: "n"))
  var images: Int?

  @Option(
    name: .customLong("on"),
    help: ArgumentHelp(
      "Images instead of the run's own, as evaluate takes them.", valueName: "images"),
    transform: Arguments.path)
  var other: String?

  @Option(
    help: """
      Of a run: the weights of its best epoch or of its last. (default: those that it was tested with)
      """)
  var weights: Summary.Weights?

  @OptionGroup var output: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  /// How it is to be done, and what is left of the values for the images.
  private func spec() throws -> (QuantizationSpec, values: [String]) {
    var (own, others): ([String], [String]) = ([], [])
    var file: String?
    for value in values {
      guard let equals = value.firstIndex(of: "=") else {
        guard file == nil else {
          throw UsageError(
            "\(value): one file says how a model is quantised; \(file!) is given too")
        }
        file = try Arguments.path(value)
        continue
      }
      let key = String(value[..<equals].prefix { $0 != "." && $0 != "[" })
      if QuantizationSpec.keys.contains(key)
        || (other == nil && nearMiss(to: key, among: QuantizationSpec.keys) != nil)
      {
        own.append(value)
      } else {
        others.append(value)
      }
    }
    if other == nil, let value = others.first {
      throw UsageError(
        "\(value): the run's own images are read as they were; values are for others, given by --on, or "
          + "are \(QuantizationSpec.keys.joined(separator: ", "))"
      )
    }
    if let calibration { own.append("calibration=\(calibration.rawValue)") }
    if let percentile { own.append("percentile=\(percentile)") }
    if let images { own.append("images=\(images)") }
    return (try QuantizationSpec(reading: file, overrides: own), others)
  }

  func run() throws {
    let (spec, others) = try spec()
    let opened = try openModel(model, weights: weights)
    if opened.isTrainedForIntegers, saysHow(besides: others) {
      throw UsageError(
        "\(model): it was trained with quantisation, and has its bits and its ranges from there; nothing "
          + "can be said of them here")
    }
    let target = try target()
    let path = try IntegerPath.chosen()
    try useCore(of: opened)
    let seen = try images(of: opened, spec, others)
    let team = try Team(threads: compute.threadCount)
    let quantized = try quantized(opened, spec, seen, team)
    let bytes = quantized.encoded
    // What is told is told of what was written: the file is read again.
    try AtomicFile.write(bytes, to: target)
    let read = AnsweringModel.integers(try QuantizedModelFile(reading: target))
    var document = TextDocument()
    document.append(try facts(opened, quantized, bytes: bytes.count, to: target))
    document.append(try tested(opened, read, on: seen?.test, path: path))
    document.append(["use with       runner predict \(target) IMAGE"], key: "notes")
    try output.print(document)
  }

  /// Whether anything was said of how it is to be done.
  private func saysHow(besides others: [String]) -> Bool {
    values.count > others.count || calibration != nil || percentile != nil || images != nil
  }

  /// Those that ranges are looked up on; nil where they are known, and there are none to test it on.
  private func images(
    of opened: ModelFile, _ spec: QuantizationSpec, _ others: [String]
  ) throws -> CalibrationImages? {
    if opened.isTrainedForIntegers, other == nil,
      try RunFolder.ofModel(opened.specDigest, at: model) == nil
    {
      return nil
    }
    return try CalibrationImages(
      of: model, opened, on: other, values: others, count: spec.images, compute)
  }

  private func quantized(
    _ opened: ModelFile, _ spec: QuantizationSpec, _ seen: CalibrationImages?, _ team: Team
  ) throws -> QuantizedModelFile {
    guard !opened.isTrainedForIntegers, let seen else {
      return try QuantizedModelFile(asTrained: opened, team: team)
    }
    return QuantizedModelFile(
      try opened.model.quantized(
        spec.description, calibratedOn: seen.calibration, team: team,
        note: { Display.say("note: \($0)") }),
      of: opened, calibration: "\(spec.description.method) of \(seen.description)", spec)
  }

  /// Where it is written unless told.
  private var beside: String {
    if Files.isFolder(model) { return "\(model)/model.int8.safetensors" }
    let ending = ".safetensors"
    return (model.hasSuffix(ending) ? String(model.dropLast(ending.count)) : model) + ".int8"
      + ending
  }

  /// Refuses to take the place of what is quantised.
  private func target() throws -> String {
    let target = to ?? beside
    guard target.lowercased().hasSuffix(".safetensors") else {
      throw UsageError("--to writes a .safetensors file; \(target) doesn't end with that")
    }
    let sources = try [model, "\(model)/model.safetensors"].map { try Files.absolute($0) }
    guard try !sources.contains(Files.absolute(target)) else {
      throw UsageError(
        "--to \(target): it would take the place of the model itself; name another file")
    }
    guard try !Files.exists(target) || QuantizedModelFile.isOne(target) else {
      throw UsageError(
        "--to \(target): what is there is no quantised model, whose place another may take; name another "
          + "file")
    }
    return target
  }

  private func facts(
    _ opened: ModelFile, _ quantized: QuantizedModelFile, bytes: Int, to target: String
  ) throws -> [TextDocument.Fact] {
    let floats = opened.encoded.count
    let folded = try opened.model.plain.batchNormsFoldedInIntegers()
    let spec = quantized.quantization!
    var facts: [TextDocument.Fact] = [
      .init(
        "file", .text(target),
        line: "quantised      \(target): \(grouped(bytes)) bytes, "
          + "\(fixed(Double(floats) / Double(bytes), 2)) times fewer than \(grouped(floats))"),
      .init("bytes", .integer(bytes)), .init("float_bytes", .integer(floats)),
      .init(
        "calibration", .text(quantized.calibration),
        line: "ranges         \(quantized.calibration)"),
    ]
    facts.append(
      .init(
        "folded_batch_norms", .integer(folded),
        line: folded > 0 ? "folded         \(counted(folded, "batch norm"))" : nil))
    // What is otherwise than it is by default.
    var ways: [String] = []
    if spec.weightBits < 8 { ways.append("weights of \(spec.weightBits) bits") }
    if spec.rounding == .adaptive {
      ways.append("rounded adaptively in \(grouped(spec.iterations)) steps")
    }
    if spec.equalization != .none { ways.append("equalised by \(spec.equalization.rawValue)") }
    if spec.correctsBias { ways.append("biases corrected") }
    facts.append(
      .init(
        "quantization", .text(spec.json.compact),
        line: ways.isEmpty ? nil : "weights        \(ways.joined(separator: ", "))"))
    return facts
  }

  /// What both models make of the test images.
  private func tested(
    _ opened: ModelFile, _ quantized: AnsweringModel, on images: TestImages?, path: IntegerPath
  ) throws -> [TextDocument.Fact] {
    guard let images else { return [] }
    let threads = compute.threadCount
    let before = try AnsweringModel.floats(opened).test(on: images, threads: threads)
    let after = try quantized.test(on: images, threads: threads, path: path)
    let differing = zip(before.predictions, after.predictions).count { $0 != $1 }
    return [
      .init(
        "accuracy_before", .number(before.accuracy),
        line:
          "accuracy       \(percent(before.accuracy)) before, \(percent(after.accuracy)) after, "
          + "on \(grouped(images.count)) test images of \(images.name)"),
      .init("accuracy_after", .number(after.accuracy)),
      .init(
        "loss_before", .number(before.loss),
        line: "loss           \(fixed(before.loss, 4)) before, \(fixed(after.loss, 4)) after"),
      .init("loss_after", .number(after.loss)),
      .init(
        "differing_answers", .integer(differing),
        line: "answers        \(grouped(differing)) of \(grouped(images.count)) differ"),
      .init("images", .integer(images.count)),
    ]
  }
}

extension QuantizationSpec.Calibration: ExpressibleByArgument {}
