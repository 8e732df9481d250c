// What a network is made of, as values: what the user may ask for. `Network` builds it.

/// Height and width.
public struct Extent: Hashable, Sendable {
  public var height: Int
  public var width: Int
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }
}

/// The shape of one sample between two layers; images lie in memory as height, width, channels.
public enum Shape: Hashable, Sendable, CustomStringConvertible {
  case image(height: Int, width: Int, channels: Int)
  case vector(Int)

  public var description: String {
    switch self {
    case .image(let h, let w, let c): "\(h)x\(w)x\(c)"
    case .vector(let n): "\(n)"
    }
  }
}

public enum Padding: Hashable, Sendable {
  case valid
  /// ⌈input / stride⌉ outputs; an odd row or column of padding goes to the bottom or right (Keras).
  case same
  case explicit(top: Int, bottom: Int, left: Int, right: Int)
}

/// A function applied to each element; `softmax` alone is over the channels of a position.
public enum Activation: Hashable, Sendable {
  case linear
  case relu
  /// min(max(x, 0), 6).
  case relu6
  /// x for x > 0, slope·x below.
  case leakyReLU(slope: Float)
  /// x for x > 0, α(eˣ − 1) below.
  case elu(alpha: Float)
  /// x·Φ(x); `approximate` takes ½x(1 + tanh(√(2/π)(x + 0.044715x³))) (Hendrycks and Gimpel 2016).
  case gelu(approximate: Bool)
  case sigmoid
  /// min(max(x/6 + ½, 0), 1), as in Keras 3 and PyTorch.
  case hardSigmoid
  /// x·σ(x), called SiLU too (Ramachandran, Zoph and Le 2017).
  case swish
  /// x·min(max(x/6 + ½, 0), 1) (Howard et al. 2019).
  case hardSwish
  /// x·tanh(ln(1 + eˣ)) (Misra 2019).
  case mish
  case tanh
  /// ln(1 + eˣ).
  case softplus
  case softmax
}

/// How a weight tensor begins. fan_in and fan_out count kernel positions times channels.
/// Normal forms are truncated at two standard deviations and rescaled, as in Keras.
public enum Initializer: String, Hashable, Sendable, CaseIterable {
  /// U(−l, l), l = √(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
  case glorotUniform = "glorot_uniform"
  case glorotNormal = "glorot_normal"
  /// U(−l, l), l = √(6 / fan_in) (He et al. 2015).
  case heUniform = "he_uniform"
  case heNormal = "he_normal"
  /// U(−l, l), l = √(3 / fan_in) (LeCun et al. 1998).
  case lecunUniform = "lecun_uniform"
  case lecunNormal = "lecun_normal"
  /// Q of a QR factorisation of a normal matrix, signs fixed by R's diagonal (Saxe et al. 2014).
  case orthogonal
  case zeros
}

public struct Conv2DDescription: Hashable, Sendable {
  public var filters: Int
  public var kernel: Extent
  public var stride: Extent
  public var padding: Padding
  public var activation: Activation
  public var bias: Bool
  public var initializer: Initializer
  /// λ of a penalty λ·Σw² on the kernel, added to the objective (Keras's `l2`).
  public var l2: Float
  /// What else holds the kernel in bounds.
  public var regularization: KernelRegularization
  /// Parts that the channels are cut into; a filter sees those of its part. The kernel is
  /// (K, K, C / groups, F), as in Keras.
  public var groups: Int
  /// From one row or column that the kernel sees to the next.
  public var dilation: Extent

  public init(
    filters: Int, kernel: Extent, stride: Extent = Extent(1, 1), padding: Padding = .valid,
    groups: Int = 1, dilation: Extent = Extent(1, 1),
    activation: Activation = .linear, bias: Bool = true,
    initializer: Initializer = .glorotUniform, l2: Float = 0,
    regularization: KernelRegularization = KernelRegularization()
  ) {
    self.filters = filters
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.activation = activation
    self.bias = bias
    self.initializer = initializer
    self.l2 = l2
    self.regularization = regularization
    self.groups = groups
    self.dilation = dilation
  }
}

public struct MaxPoolDescription: Hashable, Sendable {
  public var size: Extent
  public var stride: Extent
  public var padding: Padding
  public init(size: Extent, stride: Extent? = nil, padding: Padding = .valid) {
    self.size = size
    self.stride = stride ?? size
    self.padding = padding
  }
}

public struct DenseDescription: Hashable, Sendable {
  public var units: Int
  public var activation: Activation
  public var bias: Bool
  public var initializer: Initializer
  /// λ of a penalty λ·Σw² on the kernel, added to the objective (Keras's `l2`).
  public var l2: Float
  /// What else holds the kernel in bounds.
  public var regularization: KernelRegularization
  public init(
    units: Int, activation: Activation = .linear, bias: Bool = true,
    initializer: Initializer = .glorotUniform, l2: Float = 0,
    regularization: KernelRegularization = KernelRegularization()
  ) {
    self.units = units
    self.activation = activation
    self.bias = bias
    self.initializer = initializer
    self.l2 = l2
    self.regularization = regularization
  }
}

/// Batch normalisation over a channel (Ioffe and Szegedy 2015). The moving statistics follow
/// `moving = momentum·moving + (1 − momentum)·batch`, with the biased variance (Keras).
public struct BatchNormDescription: Hashable, Sendable {
  public var momentum: Float
  public var epsilon: Float
  public var scale: Bool
  public var center: Bool
  public init(
    momentum: Float = 0.99, epsilon: Float = 1e-3, scale: Bool = true, center: Bool = true
  ) {
    self.momentum = momentum
    self.epsilon = epsilon
    self.scale = scale
    self.center = center
  }
}

public enum LayerDescription: Hashable, Sendable {
  case conv2D(Conv2DDescription)
  case maxPool(MaxPoolDescription)
  case flatten
  case dense(DenseDescription)
  /// Each element is zero with probability `rate`, else divided by 1 − rate; training only.
  case dropout(rate: Float)
  case activation(Activation)
  case batchNorm(BatchNormDescription)
  /// The only one that reads several layers.
  case merge(MergeDescription)
  case averagePool(AveragePoolDescription)
  case globalPool(GlobalPoolDescription)
  case frame(FrameDescription)
  case upsample(UpsampleDescription)
  case depthwiseConv2D(DepthwiseConv2DDescription)
  case conv2DTranspose(Conv2DTransposeDescription)
  case layerNorm(LayerNormDescription)
  case groupNorm(GroupNormDescription)
  case prelu(PReLUDescription)
  case spatialDropout(SpatialDropoutDescription)
  case gaussianNoise(GaussianNoiseDescription)
  case squeezeExcite(SqueezeExciteDescription)

  /// The name that a spec gives this layer.
  public var kind: String {
    switch self {
    case .conv2D: "conv2d"
    case .maxPool: "max_pool"
    case .flatten: "flatten"
    case .dense: "dense"
    case .dropout: "dropout"
    case .activation: "activation"
    case .batchNorm: "batch_norm"
    case .merge(let merge): merge.merge.rawValue
    default: form!.kind
    }
  }
}

/// A network from images to class scores (logits).
public struct NetworkDescription: Hashable, Sendable {
  public var input: Shape
  public var model: [ModelItem]
  public var classes: Int

  public init(input: Shape, model: [ModelItem], classes: Int) {
    self.input = input
    self.model = model
    self.classes = classes
  }

  /// A chain of layers.
  public init(input: Shape, layers: [LayerDescription], classes: Int) {
    self.init(input: input, model: layers.map { .layer($0) }, classes: classes)
  }
}
