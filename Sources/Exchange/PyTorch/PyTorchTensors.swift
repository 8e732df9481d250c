import ConvNet
import Experiment
import ONNX
import Storage

/// How a tensor of a node is called and lies in PyTorch: a permutation of its indices, and its shape then.
struct PyTorchTensor {
  let role: TensorInfo.Role
  /// Behind the name of its module.
  let name: String
  /// Index k of PyTorch's is index `order[k]` of the catalogue's; nil for all the same.
  let order: [Int]?

  /// Those of a layer.
  static func all(of layer: LayerDescription) -> [PyTorchTensor] {
    func plain(_ role: TensorInfo.Role, _ name: String) -> PyTorchTensor {
      PyTorchTensor(role: role, name: name, order: nil)
    }
    let bias = plain(.bias, "bias")
    switch layer {
    // (K, K, C, F) to (F, C, K, K), and (K, K, F, C) to (C, F, K, K)
    case .conv2D(let conv):
      return [PyTorchTensor(role: .kernel, name: "weight", order: [3, 2, 0, 1])]
        + (conv.bias ? [bias] : [])
    case .conv2DTranspose(let conv):
      return [PyTorchTensor(role: .kernel, name: "weight", order: [3, 2, 0, 1])]
        + (conv.bias ? [bias] : [])
    // (C, units) to (units, C)
    case .dense(let dense):
      return [PyTorchTensor(role: .kernel, name: "weight", order: [1, 0])]
        + (dense.bias ? [bias] : [])
    case .batchNorm(let norm):
      return affine(norm.scale, norm.center) + [
        plain(.movingMean, "running_mean"), plain(.movingVariance, "running_var"),
      ]
    case .layerNorm(let norm): return affine(norm.scale, norm.center)
    case .groupNorm(let norm): return affine(norm.scale, norm.center)
    case .prelu: return [plain(.slope, "weight")]
    default: return []
    }
  }

  /// PyTorch's norms have a weight and a bias, or neither.
  private static func affine(_ scale: Bool, _ center: Bool) -> [PyTorchTensor] {
    guard scale || center else { return [] }
    return [
      PyTorchTensor(role: .scale, name: "weight", order: nil),
      PyTorchTensor(role: .offset, name: "bias", order: nil),
    ]
  }
}

/// A graph as PyTorch has it: `.safetensors` with the tensors, and a Python file that builds the network.
struct PyTorchModel {
  let graph: Graph
  /// The name of each node's module, and of its value where it is kept for later.
  let names: [String]

  init(_ graph: Graph) {
    self.graph = graph
    var identifiers = Identifiers(reserved: Self.reserved)
    names = graph.nodes.map { identifiers.identifier($0.name) }
  }

  /// Python's words, what its modules have, and what the file itself names.
  private static let reserved = Set(
    ("False None True and as assert async await break class continue def del elif else except "
      + "finally for from global if import in is lambda nonlocal not or pass raise return try while "
      + "with yield T_destination add_module apply bfloat16 buffers call_super_init children compile "
      + "cpu cuda double dump_patches eval extra_repr float forward get_buffer get_extra_state "
      + "get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers "
      + "named_children named_modules named_parameters parameters register_backward_hook "
      + "register_buffer register_forward_hook register_forward_pre_hook "
      + "register_full_backward_hook register_full_backward_pre_hook "
      + "register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module "
      + "register_parameter register_state_dict_post_hook register_state_dict_pre_hook "
      + "requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty train "
      + "training type xpu zero_grad self super torch nn F x mean factor whitening Network load print")
      .split(separator: " ").map(String.init))

  // MARK: tensors

  private static let normalizationNames = ["mean", "factor", "whitening"]

  /// (1, C, H, W), or (1, C, 1, 1); of whitening (C·H·W, C·H·W), by channels, rows, columns.
  private func normalizationTensors(_ normalization: Normalization) -> [(String, Tensor)] {
    let (height, width, channels) = graph.input.sizes!
    func placed(_ values: [Float]) -> Tensor {
      let isWhole = values.count != channels || height * width == 1
      return Tensor(values, shape: isWhole ? [1, height, width, channels] : [1, 1, 1, channels])
        .transposed([0, 3, 1, 2])
    }
    let mean = ("mean", placed(normalization.mean))
    guard !normalization.whitening.isEmpty else {
      return [mean, ("factor", placed(normalization.factor))]
    }
    let count = graph.input.count
    let matrix = Tensor(
      normalization.whitening, shape: [height, width, channels, height, width, channels])
    return [
      mean, ("whitening", matrix.transposed([2, 0, 1, 5, 3, 4]).reshaped([count, count])),
    ]
  }

  /// Every tensor of `state_dict()`, in PyTorch's layout.
  func tensors(metadata: [(key: String, value: String)]) -> Safetensors {
    var stored: [StoredTensor] = []
    func add(_ name: String, _ tensor: Tensor) {
      tensor.values.withUnsafeBufferPointer {
        stored.append(StoredTensor(name: name, shape: tensor.shape, floats: $0))
      }
    }
    for (name, tensor) in graph.normalization.map(normalizationTensors) ?? [] {
      add(name, tensor)
    }
    for (node, name) in zip(graph.nodes, names) {
      for form in PyTorchTensor.all(of: node.layer) {
        let missing: Float = form.role == .scale ? 1 : 0
        let tensor =
          node.tensors[form.role]
          ?? Tensor(Array(repeating: missing, count: node.output.channels))
        add("\(name).\(form.name)", form.order.map { tensor.transposed($0) } ?? tensor)
      }
      if case .batchNorm = node.layer {
        stored.append(
          StoredTensor(
            name: "\(name).num_batches_tracked", type: .i64, shape: [],
            bytes: [UInt8](repeating: 0, count: 8)))
      }
    }
    return Safetensors(
      tensors: stored,
      metadata: Dictionary(uniqueKeysWithValues: metadata.map { ($0.key, $0.value) }))
  }

  /// The graph with the tensors of a file in the places of its own.
  /// - Throws: `ExchangeError` where one is missing, or of another shape.
  func graph(with file: Safetensors) throws(ExchangeError) -> Graph {
    var graph = graph
    func tensor(_ name: String, like own: [Int]) throws(ExchangeError) -> Tensor {
      guard let stored = file[name], stored.type == .f32, stored.shape == own else {
        throw ExchangeError("\(name) is missing, or not as PyTorch needs it")
      }
      return Tensor(stored.floats, shape: stored.shape)
    }
    for place in graph.nodes.indices {
      let node = graph.nodes[place]
      for form in PyTorchTensor.all(of: node.layer) where node.tensors[form.role] != nil {
        let own = node.tensors[form.role]!.shape
        let order = form.order ?? Array(own.indices)
        let read = try tensor("\(names[place]).\(form.name)", like: order.map { own[$0] })
        let back = own.indices.map { order.firstIndex(of: $0)! }
        graph.nodes[place].tensors[form.role] = read.transposed(back)
      }
    }
    if let normalization = graph.normalization {
      let (height, width, channels) = graph.input.sizes!
      var read: [String: [Float]] = [:]
      for (name, own) in normalizationTensors(normalization) {
        let found = try tensor(name, like: own.shape)
        read[name] =
          name == "whitening"
          ? found.reshaped([channels, height, width, channels, height, width])
            .transposed([1, 2, 0, 4, 5, 3]).values : found.transposed([0, 2, 3, 1]).values
      }
      graph.normalization = Normalization(
        mean: read["mean"]!, factor: read["factor"] ?? [], whitening: read["whitening"] ?? [])
    }
    return graph
  }
}
