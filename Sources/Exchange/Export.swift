import ConvNet
import Datasets
import Experiment
import ONNX
import Storage

/// What models are exported to.
public enum ExchangeFormat: String, Hashable, Sendable, CaseIterable {
  /// Open Neural Network Exchange: IR 8, opset 17.
  case onnx
  /// The tensors alone, for NumPy.
  case npz
  /// `.safetensors` in PyTorch's layout, and beside it a Python file that builds the network.
  case pytorch
  /// One header without dependencies.
  case c
  /// TensorFlow Lite.
  case tflite
  /// Keras 3's archive.
  case keras
  /// Keras's `.weights.h5`, and the architecture as JSON beside it.
  case kerasWeights = "keras-weights"
  /// Keras's older form of a whole model.
  case h5
  /// TensorFlow's folder of a function and its signatures.
  case savedModel = "saved-model"

  /// The format that a path's ending stands for.
  public init?(path: String) {
    let name = path.lowercased()
    guard let format = Self.allCases.first(where: { name.hasSuffix($0.ending) }) else { return nil }
    self = format
  }

  /// What the names of its files end with.
  public var ending: String {
    switch self {
    case .onnx: ".onnx"
    case .npz: ".npz"
    case .pytorch: ".safetensors"
    case .c: ".h"
    case .tflite: ".tflite"
    case .keras: ".keras"
    case .kerasWeights: ".weights.h5"
    case .h5: ".h5"
    case .savedModel: ".savedmodel"
    }
  }

  /// What it is called.
  public var title: String {
    switch self {
    case .onnx: "ONNX, IR \(ONNXFile.irVersion), opset \(ONNXFile.writtenOpset)"
    case .npz: "the tensors, for NumPy"
    case .pytorch: "PyTorch"
    case .c: "a C header"
    case .tflite: "TensorFlow Lite, schema 3"
    case .keras, .kerasWeights, .h5: "Keras 3"
    case .savedModel: "TensorFlow's SavedModel"
    }
  }
}

/// A file of an export, which may be several.
public struct ExportedFile: Hashable, Sendable {
  /// Beside the others, or in a folder beside them.
  public let name: String
  public let bytes: [UInt8]
}

/// How a model is exported.
public struct ExportOptions: Hashable, Sendable {
  public var format: ExchangeFormat
  public var graph = Graph.Options()
  /// How images lie, where the format leaves it open.
  public var layout = ONNXLayout.nchw

  public init(_ format: ExchangeFormat) { self.format = format }
}

/// A model as another program is to have it.
public struct Export: Sendable {
  public let model: ModelFile
  /// The network that is written: of a model that was trained with quantisation, its rounded kernels
  /// without what rounds values.
  let network: Model
  public let options: ExportOptions
  public let graph: Graph
  /// Batch norms that became part of another layer.
  public let foldedBatchNorms: Int
  /// What Keras goes on learning with; nil where that is not said.
  private let training: KerasTraining?
  /// What the file says otherwise than the experiment, or not at all: sentences to the user.
  public let notes: [String]

  /// - Parameter spec: the experiment that the model was trained by, as far as that is known: with it
  ///   Keras's whole models can go on learning.
  /// - Throws: `ExchangeError` for options that the format cannot follow.
  public init(
    _ model: ModelFile, _ options: ExportOptions, trainedBy spec: ExperimentSpec? = nil
  ) throws(ExchangeError) {
    if options.layout != .nchw, options.format != .onnx {
      throw ExchangeError("how images lie can be chosen for ONNX alone")
    }
    if options.format == .npz, options.graph.softmax || options.graph.foldsBatchNorms {
      throw ExchangeError(
        "an .npz holds the tensors as they are, and nothing is computed with them")
    }
    self.model = model
    self.options = options
    network = model.model.withRoundedKernels
    graph = Graph(network, options.graph)
    func batchNorms(_ graph: Graph) -> Int {
      graph.nodes.count { if case .batchNorm = $0.layer { true } else { false } }
    }
    foldedBatchNorms =
      options.graph.foldsBatchNorms ? batchNorms(Graph(network)) - batchNorms(graph) : 0
    let ofTraining: [String]
    (training, ofTraining) = Self.training(of: network, options, spec)
    notes = (model.isTrainedForIntegers ? [Self.noteOfIntegers] : []) + ofTraining
  }

  private static let noteOfIntegers =
    "it was trained to answer in integers: the file has its rounded kernels, and rounds no values; to "
    + "export the integers, give the run's model.int8.safetensors, or what runner quantize makes of it"

  private static func training(
    of model: Model, _ options: ExportOptions, _ spec: ExperimentSpec?
  ) -> (KerasTraining?, notes: [String]) {
    guard options.format == .keras || options.format == .h5 else { return (nil, []) }
    guard let spec else {
      return (
        nil, ["it is not compiled: the model is of no run that says how it was trained"]
      )
    }
    do throws(ExchangeError) {
      let training = try KerasTraining(spec, model, softmax: options.graph.softmax)
      return (training, training.notes)
    } catch { return (nil, ["it is not compiled: \(error)"]) }
  }

  /// What is said of the model where a format has a place for it.
  private var metadata: [(key: String, value: String)] {
    let names = JSONValue.array(model.classNames.map { .string($0) })
    let images =
      graph.scale != nil
      ? "pixels of 0 to 255" : options.graph.preparation ? "" : "as the model has normalised them"
    return [
      ("model", model.name), ("class_names", names.compact), ("images", images),
      ("layout", options.layout.rawValue.uppercased()), ("weights_sha256", model.weightsDigest),
      ("spec_sha256", model.specDigest ?? ""),
    ].filter { !$0.1.isEmpty }
  }

  /// The files, the first of them called `name`.
  /// - Throws: `ExchangeError` naming a layer that the format cannot say.
  public func files(named name: String) throws(ExchangeError) -> [ExportedFile] {
    switch options.format {
    case .onnx:
      let file = try ONNXWriter.file(
        graph, name: model.name, layout: options.layout, metadata: metadata)
      return [ExportedFile(name: name, bytes: file.encoded)]
    case .npz:
      var model = network
      if !options.graph.preparation { model.normalization = nil }
      return [ExportedFile(name: name, bytes: try TensorArchive.bytes(of: model))]
    case .pytorch:
      let network = PyTorchModel(graph)
      let source = network.source(name: model.name, weights: name)
      return [
        ExportedFile(name: name, bytes: network.tensors(metadata: metadata).encoded),
        ExportedFile(
          name: name.dropLast(options.format.ending.count) + ".py", bytes: Array(source.utf8)),
      ]
    case .c:
      return [ExportedFile(name: name, bytes: try header(graph, named: name).bytes)]
    case .tflite:
      return [ExportedFile(name: name, bytes: try tfLite(graph.withPlainBatchNorms))]
    case .keras:
      return [
        ExportedFile(name: name, bytes: try keras(graph).archive())
      ]
    case .h5:
      return [
        ExportedFile(name: name, bytes: try keras(graph).wholeFile)
      ]
    case .kerasWeights:
      let network = try keras(graph)
      return [
        ExportedFile(name: name, bytes: network.weights),
        ExportedFile(
          name: name.dropLast(options.format.ending.count) + ".json",
          bytes: Array(network.config.compact.utf8)),
      ]
    case .savedModel:
      let file = try SavedModelFile(graph.withPlainBatchNorms, classNames: model.classNames)
      return [ExportedFile(name: "\(name)/saved_model.pb", bytes: file.encoded)]
    }
  }

  /// The graph that the bytes of some files say, and nothing but these.
  /// - Throws: `ExchangeError` where they are damaged, or not as this program writes them.
  func readBack(_ files: [ExportedFile]) throws(ExchangeError) -> Graph {
    guard let first = files.first else { throw ExchangeError("there is no file") }
    switch options.format {
    case .onnx: return try ONNXReader.graph(of: ONNXFile(parsing: first.bytes))
    case .npz:
      var own = network
      if !options.graph.preparation { own.normalization = nil }
      return Graph(try TensorArchive.model(like: own, reading: first.bytes), options.graph)
    case .pytorch:
      let network = PyTorchModel(graph)
      let source = network.source(name: model.name, weights: first.name)
      guard files.count == 2, files[1].bytes == Array(source.utf8) else {
        throw ExchangeError("its Python file is another than the one that builds this network")
      }
      let tensors: Safetensors
      do { tensors = try Safetensors(parsing: first.bytes, path: first.name) } catch {
        throw ExchangeError("\(error)")
      }
      return try network.graph(with: tensors)
    case .c:
      let read = try header(graph, named: first.name).graph(reading: first.bytes)
      guard try header(read, named: first.name).bytes == first.bytes else {
        throw ExchangeError("its loops are others than those of this network")
      }
      return read
    case .tflite:
      let read = try TFLiteWriter.graph(graph.withPlainBatchNorms, reading: first.bytes)
      guard try tfLite(read) == first.bytes else {
        throw ExchangeError("its operators are others than those of this network")
      }
      return read
    case .keras:
      return try readKeras(files) { network throws(ExchangeError) in [try network.archive()] }
    case .h5:
      return try readKeras(files) { network throws(ExchangeError) in [network.wholeFile] }
    case .kerasWeights:
      return try readKeras(files) { network throws(ExchangeError) in
        [network.weights, Array(network.config.compact.utf8)]
      }
    case .savedModel:
      let read = try SavedModelWriter.graph(graph.withPlainBatchNorms, reading: first.bytes)
      guard try SavedModelFile(read, classNames: model.classNames).encoded == first.bytes else {
        throw ExchangeError("its operators are others than those of this network")
      }
      return read
    }
  }

  /// The variables are read, and all else is to be what is written of them.
  private func readKeras(
    _ files: [ExportedFile], _ written: (KerasModel) throws(ExchangeError) -> [[UInt8]]
  ) throws(ExchangeError) -> Graph {
    var weights = files[0].bytes
    if options.format == .keras {
      do throws(DatasetError) {
        weights = try ZipArchive.content(of: "model.weights.h5", in: weights)
      } catch { throw ExchangeError(error.message) }
    }
    let network = try keras(graph)
    let read =
      options.format == .h5
      ? try network.graph(readingWhole: weights) : try network.graph(reading: weights)
    guard try written(keras(read)) == files.map(\.bytes) else {
      throw ExchangeError("its layers are others than those of this network")
    }
    return read
  }

  private func keras(_ graph: Graph) throws(ExchangeError) -> KerasModel {
    try KerasModel(graph, title: model.name, training: training)
  }

  private func tfLite(_ graph: Graph) throws(ExchangeError) -> [UInt8] {
    let description = metadata.map { "\($0.key): \($0.value)" }.joined(separator: "\n")
    return try TFLiteWriter.file(graph, description: description).encoded
  }

  /// What the names in a header begin with follows from its own.
  private func header(_ graph: Graph, named name: String) throws(ExchangeError) -> CHeader {
    try CHeader(
      graph, title: String(name.dropLast(options.format.ending.count)),
      classNames: model.classNames)
  }
}
