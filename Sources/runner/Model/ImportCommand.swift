import ArgumentParser
import CAllocations
import ConvNet
import Datasets
import Exchange
import Experiment
import Images
import ONNX
import Storage
import TerminalText

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Take in a model that another program wrote, as a spec and a model of this one.",
    discussion: """
      FILE.onnx is what PyTorch (both of its exporters), Keras, tf2onnx and their like write, of opset 7 \
      to 25, in one file. NAME.json comes of it, an experiment with its network as people write it, and \
      NAME.safetensors, a model that predict, evaluate --on and export take. What no layer of the \
      catalogue is like is refused: all operators at once, by name, each with the reason.

      Before anything is written, the file is worked out operator by operator, apart from all layers of \
      this program, for two images of noise, and the model is asked about the same. Should a score differ \
      by more than 1e-4 of the largest, nothing is written, and the exit status is 4.

      What happened to pixels before the network an ONNX file rarely says. Where it does (Keras's \
      Rescaling, this program's own exports), it is kept; else pixels are divided by 255. With --scale, \
      --mean and --deviation the network is given (scale·pixel − mean)/deviation, pixels from 0 to 255; \
      --scale is 1/255 unless told. Networks of torchvision take the second line of the examples.

      Weights alone, WEIGHTS.safetensors or .npz, become a model with the network of a spec, given by --spec: \
      tensors by runner's names and in its layout (conv2d_1/kernel; rows, columns, channels, filters), or \
      a .safetensors as runner export writes it for PyTorch. What is missing, more, or of another shape \
      is told at once. experiments/import/to_safetensors.py makes such files of .keras, .h5 and .pth.

      EXAMPLES
        runner import lenet.onnx
        runner import resnet18.onnx photos --mean 0.485,0.456,0.406 --deviation 0.229,0.224,0.225
        runner import mobilenet.onnx --mean 0.5 --deviation 0.5 --classes classes.txt
        runner import weights.npz digits --spec experiments/lenet.json
        runner predict lenet.safetensors digit.png
      """)

  @Argument(
    help: ArgumentHelp(
      "What is read: an .onnx file, or weights, .safetensors or .npz.", valueName: "file"),
    transform: Arguments.path
  )
  var file: String

  @Argument(
    help: ArgumentHelp(
      "What the spec and the model are called. (default: the file's name, here)", valueName: "name"),
    transform: Arguments.path)
  var name: String?

  @Option(
    help: ArgumentHelp(
      "What pixels of 0 to 255 are multiplied by. (default: 1/255, or what the file itself does)",
      valueName: "number"))
  var scale: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What is subtracted then: a number, or one for each channel, as 0.485,0.456,0.406.",
      valueName: "numbers"), transform: Self.numbers)
  var mean: [Double] = []

  @Option(
    help: ArgumentHelp(
      "What is divided by then: a number, or one for each channel.", valueName: "numbers"),
    transform: Self.numbers)
  var deviation: [Double] = []

  @Option(
    help: ArgumentHelp(
      "Height and width of the images, where the file leaves them free, as 224x224.",
      valueName: "size"), transform: Self.size)
  var size: Extent?

  @Option(
    help: ArgumentHelp(
      "The names of the classes: a text file, one in each line. (default: their numbers)",
      valueName: "file"), transform: Arguments.path)
  var classes: String?

  @Option(
    help: ArgumentHelp(
      """
      What the spec trains on: a dataset's name, whose classes are the model's, or the path of one's own \
      images. (default: a dataset with as many classes and channels, or NAME-images)
      """, valueName: "data"))
  var dataset: String?

  @Option(
    help: ArgumentHelp(
      "Of weights: the spec whose network they are of.", valueName: "spec"),
    transform: Arguments.path)
  var spec: String?

  @Flag(help: "Write over what an import of the same name left.")
  var force = false

  func run() throws {
    try file.lowercased().hasSuffix(".onnx") ? importNetwork() : importWeights()
  }

  private func importNetwork() throws {
    if spec != nil { throw UsageError("--spec is for weights; of an .onnx file a spec is made") }
    let files = try place(["json", "safetensors"])
    let title = files.title
    try ComputeOptions(threads: 1, data: nil, quiet: true).useCore("auto")
    allocations_return_large()
    var options = ImportOptions()
    (options.size, options.scale, options.mean, options.deviation) = (size, scale, mean, deviation)
    let imported: ImportedModel
    do {
      imported = try ImportedModel(reading: file, options, team: Team(threads: Team.cores))
    } catch let error as ExchangeError {
      throw UsageError("\(file): \(error)")
    }
    if let complaint = imported.check.complaint {
      Display.say("error: \(file): \(complaint); nothing was written")
      throw ExitCode(ExitStatus.mismatch)
    }
    let model = try modelFile(imported.model, title)
    let spec = try model.spec(on: data(title, imported.model))
    // What is written is what `validate` takes.
    _ = try ExperimentSpec.load(bytes: Array(spec.utf8), name: "\(title).json")
    try AtomicFile.write(spec, to: files.path("\(title).json"))
    try model.write(to: files.path("\(title).safetensors"))
    for note in imported.notes { Display.say("note: \(note)") }
    try printed(imported, files.path(title))
  }

  private func importWeights() throws {
    guard let spec else {
      throw UsageError(
        "\(file): weights are of a network that --spec names; a whole network is read of .onnx")
    }
    let isArchive = file.lowercased().hasSuffix(".npz")
    guard isArchive || file.lowercased().hasSuffix(".safetensors") else {
      throw UsageError("\(file): .onnx, .safetensors and .npz are read; this one ends otherwise")
    }
    if scale != nil || !mean.isEmpty || !deviation.isEmpty || size != nil || dataset != nil {
      throw UsageError("--scale, --mean, --deviation, --size and --dataset are of .onnx files")
    }
    let files = try place(["safetensors"])
    let title = files.title
    let loaded = try ExperimentSpec.load(path: spec).spec
    let plan = try NetworkPlan(loaded.network)
    try ComputeOptions(threads: 1, data: nil, quiet: true).useCore("auto")
    let model: Model
    do {
      let bytes = try Files.read(file)
      model =
        try isArchive
        ? TensorImport.model(plan, npz: bytes)
        : TensorImport.model(plan, safetensors: bytes, path: file)
    } catch let error as ExchangeError { throw UsageError("\(file): \(error)") }
    var made = try modelFile(model, title)
    made.preparation = loaded.dataset.preparation
    made.preparation.shape = loaded.dataset.imageShape
    made.prepare = loaded.dataset.files?.prepare
    if classes == nil, let names = loaded.dataset.classNames { made.classNames = names }
    try made.write(to: files.path("\(title).safetensors"))
    let tensors = model.tensors.count
    try Output.print(
      """
      imported       \(file): all \(grouped(tensors)) tensors of \(spec)'s network
      model          \(files.path(title)).safetensors
      """)
  }

  /// Where the files come to lie, and what they are called.
  private func place(_ endings: [String]) throws -> NamedFiles {
    guard Files.exists(file) else { throw UsageError("\(file): there is no such file") }
    let whole = Files.name(of: file)
    let own = String(whole[..<(whole.lastIndex(of: ".") ?? whole.endIndex)])
    let files = try NamedFiles(name ?? own, advice: "give another name as the second argument")
    try files.check(endings.map { "\(files.title).\($0)" }, madeOf: file, force: force)
    return files
  }

  private func modelFile(_ model: Model, _ title: String) throws -> ModelFile {
    let input = model.plan.description.input
    let shape = ImageShape(
      height: input.extent.height, width: input.extent.width, channels: input.channels)
    guard [1, 3].contains(shape.channels) else {
      throw UsageError(
        "\(file): takes images of \(shape.channels) channels; 1 and 3 are what images have here")
    }
    let count = model.plan.description.classes
    var names = (0..<count).map(String.init)
    if let classes {
      names = try String(decoding: Files.read(classes, limit: 1 << 24), as: UTF8.self)
        .split(whereSeparator: \.isNewline).map { $0.trimming { $0.isWhitespace } }
        .filter { !$0.isEmpty }
      guard names.count == count, Set(names).count == count else {
        throw UsageError(
          "\(classes): has \(names.count) names (\(Set(names).count) different); the model has \(count) "
            + "classes")
      }
    } else if let dataset, let own = DatasetName(rawValue: dataset)?.classNames, own.count == count
    {
      names = own
    }
    var preparation = ImagePreparation(resize: .bilinear)
    preparation.shape = shape
    return ModelFile(
      importing: model, name: title, classNames: names, preparation, kernel: BLASCore.current)
  }

  /// What the spec trains on: what was asked for; else a set with as many classes and channels, which is
  /// said; else images of one's own.
  private func data(_ title: String, _ model: Model) -> ModelFile.Data {
    if let dataset {
      if dataset != DatasetName.files.rawValue, let name = DatasetName(rawValue: dataset) {
        return .named(name)
      }
      return .files(dataset)
    }
    let plan = model.plan.description
    let alike = DatasetName.allCases.first {
      $0.classCount == plan.classes && $0.imageShape?.channels == plan.input.channels
    }
    if let alike {
      Display.say(
        "note: the spec trains on \(alike.rawValue), which has as many classes; --dataset tells another"
      )
      return .named(alike)
    }
    let path = "\(title)-images"
    Display.say(
      "note: the spec trains on images in \(path), which are to be put there; --dataset tells others"
    )
    return .files(path)
  }

  private func printed(_ imported: ImportedModel, _ path: String) throws {
    let plan = imported.model.plan
    let (input, check) = (plan.description.input, imported.check)
    let lines = [
      "imported       \(file): \(grouped(imported.operators)) operators"
        + (imported.producer.isEmpty ? "" : ", written by \(imported.producer)"),
      "network        \(input) to \(grouped(plan.description.classes)) classes, "
        + "\(grouped(plan.layers.count)) layers, \(grouped(plan.parameters)) parameters",
      "checked        with \(check.count) images of noise: scores differ by at most "
        + "\(check.largestDifference) of up to \(check.largestScore)",
      "spec           \(path).json", "model          \(path).safetensors",
    ]
    try Output.print(
      WrappedText.fitted(lines.joined(separator: "\n"), columns: Terminal.output.columns))
  }

  private static func numbers(_ text: String) throws -> [Double] {
    try text.split(separator: ",").map {
      guard let number = Double($0), number.isFinite else {
        throw ValidationError("\($0) is no number")
      }
      return number
    }
  }

  private static func size(_ text: String) throws -> Extent {
    let sides = text.split(separator: "x").map { Int($0) ?? 0 }
    guard (1...2).contains(sides.count), sides.allSatisfy({ (1...8192).contains($0) }) else {
      throw ValidationError("a size is HEIGHTxWIDTH, as 224x224, not \(text)")
    }
    return Extent(sides[0], sides[sides.count - 1])
  }
}

extension Substring {
  fileprivate func trimming(_ isSuperfluous: (Character) -> Bool) -> String {
    var rest = drop(while: isSuperfluous)
    while let last = rest.last, isSuperfluous(last) { rest.removeLast() }
    return String(rest)
  }
}
