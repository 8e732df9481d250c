import ConvNet
import ONNX

extension Graph {
  /// What is made of a model on the way.
  public struct Options: Hashable, Sendable {
    /// Whether the graph takes pixels of 0 to 255 and does to them what the model has done to them
    /// before its first layer; else it takes what comes of that.
    public var preparation = true
    /// Whether batch norms become part of the convolution or dense layer before them.
    public var foldsBatchNorms = false
    /// Whether the graph ends in a softmax.
    public var softmax = false

    public init() {}
  }

  /// The graph of a model; of one that was trained with quantisation with its rounded kernels, and without
  /// what rounds values.
  public init(_ model: Model, _ options: Options = Options()) {
    var builder = GraphBuilder(model.withRoundedKernels)
    var graph = builder.build()
    if !options.preparation {
      graph.scale = nil
      graph.normalization = nil
    }
    if options.foldsBatchNorms { graph.foldBatchNorms() }
    if options.softmax {
      graph.append(
        Node(
          builder.unique("probabilities"), .activation(.softmax),
          inputs: [.layer(graph.nodes.count - 1)], output: .vector(graph.classes)))
    }
    self = graph
  }
}

/// Goes through the plan of a model, from its first layer to its last.
private struct GraphBuilder {
  let model: Model
  var graph: Graph
  /// For each layer of the plan, where its output is.
  var outputs: [LayerInput] = []
  var names: Set<String> = []

  /// The nearest float to 1/255, by which the program's own images come to be in 0 to 1.
  private static let scale: Float = 1 / 255

  private let tensors: [[TensorInfo]]

  init(_ model: Model) {
    self.model = model
    tensors = Model.tensorsByLayer(of: model.plan)
    graph = Graph(
      input: model.plan.description.input, scale: Self.scale, normalization: model.normalization)
  }

  mutating func unique(_ name: String) -> String {
    var (candidate, number) = (name, 2)
    while !names.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  mutating func build() -> Graph {
    for place in model.plan.layers.indices { outputs.append(add(place)) }
    if graph.nodes.last!.output.isImage {
      append("scores", .flatten, [outputs.last!], .vector(graph.classes))
    } else if outputs.last! != .layer(graph.nodes.count - 1) {
      // The last layer computes nothing, and reads another than the last that does.
      append("scores", .activation(.linear), [outputs.last!], .vector(graph.classes))
    }
    return graph
  }

  @discardableResult
  private mutating func append(
    _ name: String, _ layer: LayerDescription, _ inputs: [LayerInput], _ output: Shape,
    _ tensors: [TensorInfo.Role: Tensor] = [:]
  ) -> LayerInput {
    graph.append(
      Graph.Node(unique(name), layer, inputs: inputs, output: output, tensors: tensors))
  }

  private mutating func activate(
    _ activation: Activation, _ name: String, _ input: LayerInput
  ) -> LayerInput {
    if activation == .linear { return input }
    return append(
      "\(name)_\(activation.word)", .activation(activation), [input], graph.shape(of: input))
  }

  private mutating func add(_ place: Int) -> LayerInput {
    let layer = model.plan.layers[place]
    let inputs = layer.inputs.map { input -> LayerInput in
      if case .layer(let place) = input { outputs[place] } else { .images }
    }
    let infos = self.tensors[place]
    var tensors: [TensorInfo.Role: Tensor] = [:]
    for info in infos { tensors[info.role] = Tensor(Array(model[info]), shape: info.shape) }
    let name = layer.label
    let (shape, output) = (layer.input, layer.output)

    switch layer.description {
    case .dropout, .spatialDropout, .gaussianNoise: return inputs[0]
    case .activation(.linear): return inputs[0]
    case .flatten:
      return shape.isImage ? append(name, .flatten, inputs, output) : inputs[0]
    case .activation, .globalPool, .frame, .upsample, .batchNorm, .layerNorm, .groupNorm, .prelu:
      return append(name, layer.description, inputs, output, tensors)
    case .conv2D(var conv):
      let activation = conv.activation
      conv.activation = .linear
      conv.padding = .explicit(layer.sides)
      conv.forgetTraining()
      return activate(
        activation, name, append(name, .conv2D(conv), inputs, output, tensors))
    case .depthwiseConv2D(let depthwise):
      let channels = shape.channels
      var conv = Conv2DDescription(
        filters: output.channels, kernel: depthwise.kernel, stride: depthwise.stride,
        padding: .explicit(layer.sides), groups: channels, dilation: depthwise.dilation,
        bias: depthwise.bias)
      conv.forgetTraining()
      // A channel's filters lie side by side, as those of a group do.
      tensors[.kernel] = tensors[.kernel]!.reshaped(
        [depthwise.kernel.height, depthwise.kernel.width, 1, output.channels])
      return activate(
        depthwise.activation, name, append(name, .conv2D(conv), inputs, output, tensors))
    case .conv2DTranspose(var conv):
      let activation = conv.activation
      conv.activation = .linear
      conv.forgetTraining()
      return activate(
        activation, name, append(name, .conv2DTranspose(conv), inputs, output, tensors))
    case .dense(var dense):
      let activation = dense.activation
      dense.activation = .linear
      dense.forgetTraining()
      return activate(
        activation, name, append(name, .dense(dense), inputs, output, tensors))
    case .maxPool(var pool):
      pool.padding = .explicit(layer.sides)
      return append(name, .maxPool(pool), inputs, output)
    case .averagePool(var pool):
      pool.padding = .explicit(layer.sides)
      return append(name, .averagePool(pool), inputs, output)
    case .merge(var merge):
      let activation = merge.activation
      merge.activation = .linear
      return activate(activation, name, append(name, .merge(merge), inputs, output))
    case .squeezeExcite(let block):
      return addSqueezeExcite(block, name, inputs[0], output, tensors)
    case .fakeQuantize: preconditionFailure("what rounds values is left out before")
    }
  }

  /// s, then z, then e, then the product; see `SqueezeExciteDescription`.
  private mutating func addSqueezeExcite(
    _ block: SqueezeExciteDescription, _ name: String, _ input: LayerInput, _ output: Shape,
    _ tensors: [TensorInfo.Role: Tensor]
  ) -> LayerInput {
    let channels = output.channels
    func kernel(_ role: TensorInfo.Role) -> Tensor {
      let tensor = tensors[role]!
      return tensor.reshaped([1, 1] + tensor.shape)
    }
    func convolution(_ kernel: Tensor) -> LayerDescription {
      var conv = Conv2DDescription(
        filters: kernel.shape[3], kernel: Extent(1, 1), padding: .explicit(.none))
      conv.forgetTraining()
      return .conv2D(conv)
    }
    let (squeeze, excite) = (kernel(.squeezeKernel), kernel(.kernel))
    var value = append(
      "\(name)_pool", .globalPool(GlobalPoolDescription(.average, keepDims: true)), [input],
      .image(Extent(1, 1), channels))
    value = append(
      "\(name)_squeeze", convolution(squeeze), [value], .image(Extent(1, 1), squeeze.shape[3]),
      [.kernel: squeeze, .bias: tensors[.squeezeBias]!])
    value = activate(block.squeezeActivation, "\(name)_squeeze", value)
    value = append(
      "\(name)_excite", convolution(excite), [value], .image(Extent(1, 1), channels),
      [.kernel: excite, .bias: tensors[.bias]!])
    value = activate(block.gate, "\(name)_excite", value)
    return append(
      name, .merge(MergeDescription(.multiply)), [input, value], output)
  }
}

// What matters in training alone is as by default, so that graphs that compute the same are equal.
extension Conv2DDescription {
  mutating func forgetTraining() {
    (initializer, l2, regularization) = (.glorotUniform, 0, KernelRegularization())
  }
}
extension Conv2DTransposeDescription {
  mutating func forgetTraining() {
    (initializer, l2, regularization) = (.glorotUniform, 0, KernelRegularization())
  }
}
extension DenseDescription {
  mutating func forgetTraining() {
    (initializer, l2, regularization) = (.glorotUniform, 0, KernelRegularization())
  }
}

extension Activation {
  /// What a spec calls it.
  public var word: String {
    switch self {
    case .linear: "linear"
    case .relu: "relu"
    case .relu6: "relu6"
    case .leakyReLU: "leaky_relu"
    case .elu: "elu"
    case .gelu: "gelu"
    case .sigmoid: "sigmoid"
    case .hardSigmoid: "hard_sigmoid"
    case .swish: "swish"
    case .hardSwish: "hard_swish"
    case .mish: "mish"
    case .tanh: "tanh"
    case .softplus: "softplus"
    case .softmax: "softmax"
    }
  }
}
