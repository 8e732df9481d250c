import ConvNet
import ONNX

extension Graph {
  /// Makes each batch norm that alone reads a convolution or a dense layer a part of that:
  ///
  ///     γ(x·W + b − μ)/√(σ² + ε) + β = x·(W·f) + (b − μ)·f + β     f = γ/√(σ² + ε)
  ///
  /// - Returns: how many there were; others stay.
  @discardableResult
  public mutating func foldBatchNorms() -> Int {
    let readers = readers
    var folded: Set<Int> = []
    for place in nodes.indices {
      guard case .batchNorm(let norm) = nodes[place].layer,
        case .layer(let before) = nodes[place].inputs[0], readers[before] == 1,
        let layer = nodes[before].layer.withBias
      else { continue }
      let tensors = nodes[place].tensors
      let (mean, variance) = (tensors[.movingMean]!.values, tensors[.movingVariance]!.values)
      let factor = variance.indices.map {
        (tensors[.scale]?.values[$0] ?? 1) / (variance[$0] + norm.epsilon).squareRoot()
      }
      let kernel = nodes[before].tensors[.kernel]!
      let bias = nodes[before].tensors[.bias]?.values
      nodes[before].tensors[.kernel] = layer.scaled(kernel, by: factor)
      nodes[before].tensors[.bias] = Tensor(
        mean.indices.map {
          ((bias?[$0] ?? 0) - mean[$0]) * factor[$0] + (tensors[.offset]?.values[$0] ?? 0)
        })
      nodes[before].layer = layer
      folded.insert(place)
    }
    remove(folded)
    return folded.count
  }

  /// Takes nodes of one input out; who read them reads what they read.
  mutating func remove(_ places: Set<Int>) {
    guard !places.isEmpty else { return }
    var moved: [LayerInput] = []
    var kept: [Node] = []
    for (place, node) in nodes.enumerated() {
      var node = node
      node.inputs = node.inputs.map { input in
        if case .layer(let place) = input { moved[place] } else { input }
      }
      if places.contains(place) {
        moved.append(node.inputs[0])
      } else {
        kept.append(node)
        moved.append(.layer(kept.count - 1))
      }
    }
    nodes = kept
  }
}

extension LayerDescription {
  /// The same with a bias; nil for what has no kernel.
  var withBias: LayerDescription? {
    switch self {
    case .conv2D(var conv):
      conv.bias = true
      return .conv2D(conv)
    case .conv2DTranspose(var conv):
      conv.bias = true
      return .conv2DTranspose(conv)
    case .dense(var dense):
      dense.bias = true
      return .dense(dense)
    default: return nil
    }
  }

  /// Its kernel with each filter multiplied by a number.
  fileprivate func scaled(_ kernel: Tensor, by factor: [Float]) -> Tensor {
    var kernel = kernel
    // Filters are the last index, but of the transposed convolution the last but one.
    let run = if case .conv2DTranspose = self { kernel.shape[3] } else { 1 }
    for i in kernel.values.indices { kernel.values[i] *= factor[i / run % factor.count] }
    return kernel
  }
}

extension Graph {
  /// The graph with batch norms as formats write them that have no operator for one: y = (x − μ)·f + β.
  var withPlainBatchNorms: Graph {
    var graph = self
    for place in nodes.indices {
      guard case .batchNorm(var norm) = nodes[place].layer else { continue }
      let tensors = nodes[place].tensors
      let variance = tensors[.movingVariance]!.values
      let factor = variance.indices.map {
        (tensors[.scale]?.values[$0] ?? 1) / (variance[$0] + norm.epsilon).squareRoot()
      }
      norm.epsilon = 0
      (norm.scale, norm.center) = (true, true)
      graph.nodes[place].layer = .batchNorm(norm)
      graph.nodes[place].tensors[.scale] = Tensor(factor)
      graph.nodes[place].tensors[.movingVariance] = Tensor(variance.map { _ in 1 })
      graph.nodes[place].tensors[.offset] =
        tensors[.offset] ?? Tensor(variance.map { _ in 0 })
    }
    return graph
  }
}
