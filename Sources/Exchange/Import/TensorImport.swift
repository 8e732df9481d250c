import ConvNet
import Datasets
import Experiment
import ONNX
import Storage

/// A network's tensors from a file of such, under this program's names, or as its exports call and lay them for
/// PyTorch.
public enum TensorImport {
  /// The most tensors that are named where some are missing.
  private static let mostNamed = 12

  /// A model of a plan with the tensors of a `.safetensors` file.
  /// - Throws: `ExchangeError` naming all that are missing, of another shape, or more; `RecordError`.
  public static func model(
    _ plan: NetworkPlan, safetensors bytes: [UInt8], path: String
  ) throws -> Model {
    let file = try Safetensors(parsing: bytes, path: path)
    var model = Model(plan)
    let names = Set(file.tensors.map(\.name))
    if model.tensors.contains(where: { names.contains($0.name) }) {
      var tensors: [String: (values: [Float], shape: [Int])] = [:]
      for tensor in file.tensors {
        guard tensor.type == .f32 else {
          throw ExchangeError("\(tensor.name) is of \(tensor.type.rawValue); F32 is read")
        }
        tensors[tensor.name] = (tensor.floats, tensor.shape)
      }
      return try Self.model(plan, tensors)
    }
    let graph: Graph
    do throws(ExchangeError) {
      graph = try PyTorchModel(Graph(model)).graph(with: file)
    } catch {
      let wanted = model.tensors.prefix(3).map(\.name).joined(separator: ", ")
      throw ExchangeError(
        "has neither this network's names (\(wanted), …) nor those of its export for PyTorch: \(error)"
      )
    }
    let nodes = Dictionary(
      graph.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for info in model.tensors {
      let label = info.name.dropLast(info.role.rawValue.count + 1)
      // A squeeze_excite is two convolutions there.
      let isSqueeze = info.role == .squeezeKernel || info.role == .squeezeBias
      let node = nodes["\(label)_\(isSqueeze ? "squeeze" : "excite")"] ?? nodes[String(label)]
      let role: TensorInfo.Role =
        switch info.role {
        case .squeezeKernel: .kernel
        case .squeezeBias: .bias
        default: info.role
        }
      guard let values = node?.tensors[role]?.values, values.count == info.range.count else {
        throw ExchangeError("\(info.name) is not to be found in it")
      }
      model[info] = values[...]
    }
    model.normalization = graph.normalization
    return model
  }

  /// The same of an `.npz`.
  public static func model(_ plan: NetworkPlan, npz bytes: [UInt8]) throws -> Model {
    let arrays: [String: (values: [Float], shape: [Int])]
    do throws(DatasetError) { arrays = try NPZFile.floats(in: bytes) } catch {
      throw ExchangeError(error.message)
    }
    return try model(plan, arrays)
  }

  private static func model(
    _ plan: NetworkPlan, _ tensors: [String: (values: [Float], shape: [Int])]
  ) throws(ExchangeError) -> Model {
    var model = Model(plan)
    var problems: [String] = []
    var rest = tensors
    for info in model.tensors {
      guard let tensor = rest.removeValue(forKey: info.name) else {
        problems.append("\(info.name) is missing")
        continue
      }
      guard tensor.shape == info.shape else {
        problems.append("\(info.name) is \(tensor.shape), where the network's is \(info.shape)")
        continue
      }
      model[info] = tensor.values[...]
    }
    let names = ["normalization/mean", "normalization/factor"]
    let (mean, factor) = (rest.removeValue(forKey: names[0]), rest.removeValue(forKey: names[1]))
    if let mean, let factor {
      let input = plan.description.input
      if mean.shape == factor.shape, mean.shape.count == 1,
        [input.count, input.channels].contains(mean.shape[0])
      {
        model.normalization = Normalization(
          mean: mean.values, factor: factor.values, whitening: [])
      } else {
        problems.append("the normalization is not of the network's images")
      }
    } else if mean != nil || factor != nil {
      problems.append("of the normalization either mean or factor is missing")
    }
    problems += rest.keys.sorted().map { "\($0) is no tensor of the network" }
    guard problems.isEmpty else {
      let told = problems.prefix(mostNamed).map { "\n  \($0)" }.joined()
      let more = problems.count - mostNamed
      throw ExchangeError(
        "does not fit the network:\(told)" + (more > 0 ? "\n  and \(more) more" : ""))
    }
    return model
  }
}
