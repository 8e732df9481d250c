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

/// The zeros around an image that a window slides over.
public enum Padding: Hashable, Sendable {
  /// None.
  case valid
  /// ⌈input / stride⌉ outputs; an odd row or column of padding goes to the bottom or right (Keras).
  case same
  /// Rows above and below, columns to the left and right; 0...65536 of each.
  case explicit(top: Int, bottom: Int, left: Int, right: Int)
}

/// A function applied to each element; `softmax` alone is over the channels of a position. The shape
/// stays as it is; NaN gives NaN. At the lower of its corners a function has the slope to the left of
/// it, at the upper one the slope to the right. Constants have no default here; a spec has those that
/// are named.
public enum Activation: Hashable, Sendable {
  /// x.
  case linear
  /// max(x, 0) (Nair and Hinton 2010).
  case relu
  /// min(max(x, 0), 6) (Krizhevsky 2010; Keras's and PyTorch's `relu6`).
  case relu6
  /// x for x > 0, slope·x elsewhere (Maas, Hannun and Ng 2013); 0.01 in a spec, as in PyTorch.
  case leakyReLU(slope: Float)
  /// x for x > 0, α(eˣ − 1) elsewhere (Clevert, Unterthiner and Hochreiter 2016); 1 in a spec, as in
  /// Keras and PyTorch.
  case elu(alpha: Float)
  /// x·Φ(x); `approximate` takes ½x(1 + tanh(√(2/π)(x + 0.044715x³))) (Hendrycks and Gimpel 2016);
  /// false in a spec, as in Keras and PyTorch.
  case gelu(approximate: Bool)
  /// σ(x) = 1/(1 + e⁻ˣ).
  case sigmoid
  /// min(max(x/6 + ½, 0), 1), as in Keras 3 and PyTorch.
  case hardSigmoid
  /// x·σ(x), called SiLU too (Ramachandran, Zoph and Le 2017).
  case swish
  /// x·min(max(x/6 + ½, 0), 1) (Howard et al. 2019).
  case hardSwish
  /// x·tanh(ln(1 + eˣ)) (Misra 2019).
  case mish
  /// (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ).
  case tanh
  /// ln(1 + eˣ) (Dugas et al. 2001).
  case softplus
  /// eˣ/Σeˣ, the sum over the channels of a position (Bridle 1990; Keras's over the last axis).
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

/// A convolution as networks have it, a cross-correlation (LeCun et al. 1998; Keras's `Conv2D`,
/// PyTorch's with its kernel as (K, K, C / groups, F)). With the padding's top and left P, stride S and
/// dilation D,
///
///     y[r, q, f] = a(b[f] + Σ x[r·S + i·D − P, q·S + j·D − P, c]·w[i, j, c, f])
///
/// the sum over the window's i, j and the channels c of f's group. (H, W, C) gives (H', W', F), H' =
/// ⌊(H + padding − (K − 1)·D − 1)/S⌋ + 1. A plan refuses (`NetworkError`) vectors, windows larger than
/// the padded image, groups that do not divide C and F, sizes outside 1...65536, and kernels of more
/// than 2³¹ numbers. Defaults are Keras's.
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
  /// Parts that the channels and filters are cut into; a filter sees the channels of its part
  /// (Krizhevsky, Sutskever and Hinton 2012).
  public var groups: Int
  /// From one row or column that the kernel sees to the next (Yu and Koltun 2016).
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

/// The largest of each window, per channel (Keras's `MaxPooling2D`):
///
///     y[r, q, c] = max x[r·S + i − P, q·S + j − P, c]     dx = Σ dy over the windows that x won
///
/// (H, W, C) gives (H', W', C), H' as for a convolution. Padding never wins, and of equals the first
/// one does. A plan refuses (`NetworkError`) vectors, windows that do not fit or have more than 255
/// positions, and a side of padding as wide as the window.
public struct MaxPoolDescription: Hashable, Sendable {
  public var size: Extent
  /// By default the size.
  public var stride: Extent
  public var padding: Padding
  public init(size: Extent, stride: Extent? = nil, padding: Padding = .valid) {
    self.size = size
    self.stride = stride ?? size
    self.padding = padding
  }
}

/// Every output a weighted sum of every input (Keras's `Dense`, PyTorch's `Linear` with its weight
/// transposed):
///
///     y = a(x·W + b)
///
/// A vector (C) gives one of (units); W is (C, units), b (units). A plan refuses (`NetworkError`)
/// images, which a `flatten` makes vectors, and kernels of more than 2³¹ numbers. Defaults are Keras's.
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

/// Batch normalisation over a channel (Ioffe and Szegedy 2015), with Keras's defaults:
///
///     y = γ(x − μ)/√(σ² + ε) + β     moving = momentum·moving + (1 − momentum)·batch
///
/// μ and σ² are those of the channel in the batch, in evaluation the moving ones; σ² is the biased
/// variance in both (Keras; PyTorch's moving one is unbiased, its momentum 1 less this). Images and
/// vectors keep their shape; γ, β, and the moving statistics are (C).
///
/// The moving statistics begin at 0 and 1, of which momentumᵗ is left after t batches. Without that
/// bias, as Adam's moments (Kingma and Ba 2014): the average of the batches alone, each weighted by how
/// long ago it was,
///
///     moving = Σᵢ (1 − momentum)·momentumᵗ⁻ⁱ·batchᵢ / (1 − momentumᵗ)
public struct BatchNormDescription: Hashable, Sendable {
  public var momentum: Float
  public var epsilon: Float
  /// Whether there is a γ, which begins at 1.
  public var scale: Bool
  /// Whether there is a β, which begins at 0.
  public var center: Bool
  /// Whether the moving statistics are without the bias of their beginning.
  public var debias: Bool
  public init(
    momentum: Float = 0.99, epsilon: Float = 1e-3, scale: Bool = true, center: Bool = true,
    debias: Bool = false
  ) {
    self.momentum = momentum
    self.epsilon = epsilon
    self.scale = scale
    self.center = center
    self.debias = debias
  }
}

/// A layer. Its description says what it computes; what it refuses, `NetworkPlan` throws.
public enum LayerDescription: Hashable, Sendable {
  case conv2D(Conv2DDescription)
  case maxPool(MaxPoolDescription)
  /// One vector of an image, (H, W, C) → (H·W·C): rows, columns within them, channels within those
  /// (Keras's `Flatten`). A vector stays one.
  case flatten
  case dense(DenseDescription)
  /// Dropout (Srivastava et al. 2014), inverted as in Keras and PyTorch: while training, y = x/(1 − p)
  /// with probability 1 − p, else 0, p the rate to the nearest 2⁻¹⁶; otherwise y = x. Any shape. A plan
  /// refuses (`NetworkError`) a rate outside 0..<1.
  case dropout(rate: Float)
  /// The function as a layer of its own (Keras's `Activation`). Any shape.
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
