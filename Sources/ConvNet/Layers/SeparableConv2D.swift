/// A depthwise convolution and a 1x1 convolution of what it gives (Chollet 2017; Keras's
/// `SeparableConv2D`): the bias and the activation are the second's. A network has the two as layers.
public struct SeparableConv2DDescription: Hashable, Sendable {
  public var filters: Int
  public var kernel: Extent
  public var stride: Extent
  public var padding: Padding
  public var dilation: Extent
  public var depthMultiplier: Int
  public var activation: Activation
  public var bias: Bool
  public var initializer: Initializer
  /// λ of a penalty λ·Σw² on both kernels, added to the objective (Keras's `l2`).
  public var l2: Float
  /// What else holds the kernel in bounds.
  public var regularization: KernelRegularization

  public init(
    filters: Int, kernel: Extent, stride: Extent = Extent(1, 1), padding: Padding = .valid,
    dilation: Extent = Extent(1, 1), depthMultiplier: Int = 1, activation: Activation = .linear,
    bias: Bool = true, initializer: Initializer = .glorotUniform, l2: Float = 0,
    regularization: KernelRegularization = KernelRegularization()
  ) {
    self.filters = filters
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.depthMultiplier = depthMultiplier
    self.activation = activation
    self.bias = bias
    self.initializer = initializer
    self.l2 = l2
    self.regularization = regularization
  }

  /// The first of the layers that it stands for.
  var depthwise: LayerDescription {
    .depthwiseConv2D(
      DepthwiseConv2DDescription(
        kernel: kernel, stride: stride, padding: padding, dilation: dilation,
        depthMultiplier: depthMultiplier, bias: false, initializer: initializer, l2: l2,
        regularization: regularization))
  }

  /// The second.
  var pointwise: LayerDescription {
    .conv2D(
      Conv2DDescription(
        filters: filters, kernel: Extent(1, 1), activation: activation, bias: bias,
        initializer: initializer, l2: l2, regularization: regularization))
  }
}
