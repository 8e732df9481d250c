import ConvNet
import Datasets
import Experiment
import ONNX
import Storage

/// A model's tensors as an `.npz`: under their names and in their order, as `model.safetensors` has them.
enum TensorArchive {
  static func bytes(of model: Model) throws(ExchangeError) -> [UInt8] {
    let stored = model.tensors.reduce(0) { $0 + 4 * $1.range.count }
    guard stored + 512 * model.tensors.count < ZipWriter.limit, model.tensors.count < 4000 else {
      throw ExchangeError("a model of 4 GiB, or of 4000 tensors, does not fit an .npz")
    }
    var file = NPZFile()
    for tensor in model.tensors {
      file.add(tensor.name, Array(model[tensor]), shape: tensor.shape)
    }
    for (name, values, shape) in normalization(of: model) { file.add(name, values, shape: shape) }
    return file.bytes
  }

  /// Named as in `model.safetensors`.
  private static func normalization(of model: Model) -> [(String, [Float], [Int])] {
    guard let normalization = model.normalization else { return [] }
    let count = normalization.mean.count
    return [
      ("normalization/mean", normalization.mean, [count]),
      ("normalization/factor", normalization.factor, [count]),
      ("normalization/whitening", normalization.whitening, [count, count]),
    ].filter { !$0.1.isEmpty }
  }

  /// A model with the tensors of a file in the places of its own.
  /// - Throws: `ExchangeError` where one is missing, more, or of another shape.
  static func model(like own: Model, reading bytes: [UInt8]) throws(ExchangeError) -> Model {
    var arrays: [String: (values: [Float], shape: [Int])]
    do throws(DatasetError) { arrays = try NPZFile.floats(in: bytes) } catch {
      throw ExchangeError(error.message)
    }
    func take(_ name: String, _ shape: [Int]) throws(ExchangeError) -> [Float] {
      guard let array = arrays.removeValue(forKey: name), array.shape == shape else {
        throw ExchangeError("\(name) is missing, or of another shape")
      }
      return array.values
    }
    var model = own
    for tensor in own.tensors { model[tensor] = try take(tensor.name, tensor.shape)[...] }
    var read: [String: [Float]] = [:]
    for (name, _, shape) in normalization(of: own) { read[name] = try take(name, shape) }
    if let mean = read["normalization/mean"] {
      model.normalization = Normalization(
        mean: mean, factor: read["normalization/factor"] ?? [],
        whitening: read["normalization/whitening"] ?? [])
    }
    guard arrays.isEmpty else {
      throw ExchangeError("has arrays that the model has not: \(arrays.keys.sorted()[0])")
    }
    return model
  }
}
