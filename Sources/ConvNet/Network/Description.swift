// What a network is made of, as values. Each layer's own description is in its file, in Layers.

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
/// it, at the upper one the slope to the right.
public enum Activation: Hashable, Sendable {
  /// x.
  case linear
  /// max(x, 0) (Nair and Hinton 2010).
  case relu
  /// min(max(x, 0), 6) (Krizhevsky 2010; Keras's and PyTorch's `relu6`).
  case relu6
  /// x for x > 0, slope·x elsewhere (Maas, Hannun and Ng 2013); 0.01 by default, as in PyTorch.
  case leakyReLU(slope: Float = 0.01)
  /// x for x > 0, α(eˣ − 1) elsewhere (Clevert, Unterthiner and Hochreiter 2016); 1 by default,
  /// as in Keras and PyTorch.
  case elu(alpha: Float = 1)
  /// x·Φ(x); `approximate` takes ½x(1 + tanh(√(2/π)(x + 0.044715x³))) (Hendrycks and Gimpel 2016);
  /// false by default, as in Keras and PyTorch.
  case gelu(approximate: Bool = false)
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
  /// Put in by the network's `quantization` alone.
  case fakeQuantize(FakeQuantizeDescription)
}

/// A network from images to class scores (logits).
public struct NetworkDescription: Hashable, Sendable {
  public var input: Shape
  public var model: [ModelItem]
  public var classes: Int
  /// How its sums are taken.
  public var numerics: Numerics
  /// How its convolutions become products.
  public var convolution: ConvolutionLowering
  /// What is added to it so that it learns to answer in integers; nil for nothing.
  public var quantization: FakeQuantization?

  public init(
    input: Shape, model: [ModelItem], classes: Int, numerics: Numerics = .newest,
    convolution: ConvolutionLowering = .im2col, quantization: FakeQuantization? = nil
  ) {
    self.input = input
    self.model = model
    self.classes = classes
    self.numerics = numerics
    self.convolution = convolution
    self.quantization = quantization
  }

  /// A chain of layers.
  public init(
    input: Shape, layers: [LayerDescription], classes: Int, numerics: Numerics = .newest,
    convolution: ConvolutionLowering = .im2col, quantization: FakeQuantization? = nil
  ) {
    self.init(
      input: input, model: layers.map { .layer($0) }, classes: classes, numerics: numerics,
      convolution: convolution, quantization: quantization)
  }
}
