/// A depthwise convolution and a 1x1 convolution of what it gives (Chollet 2017; Keras's
/// `SeparableConv2D`):
///
///     y = a(b + pointwise(depthwise(x)))
///
/// (H, W, C) gives (H', W', F), H' as for a convolution; the kernels are (K, K, C, M) and (1, 1, C·M, F).
/// A network has the two as layers, and a plan refuses (`NetworkError`) what it refuses of them.
public struct SeparableConv2DDescription: Hashable, Sendable {
  public var filters: Int
  /// The window, and what both layers share: the initializer and what holds their kernels in bounds.
  /// Its bias and its activation are those of the second.
  public var window: DepthwiseConv2DDescription

  public init(filters: Int, _ window: DepthwiseConv2DDescription) {
    self.filters = filters
    self.window = window
  }

  /// The first of the layers that it stands for.
  var depthwise: LayerDescription {
    var first = window
    first.bias = false
    first.activation = .linear
    return .depthwiseConv2D(first)
  }

  /// The second.
  var pointwise: LayerDescription {
    .conv2D(
      Conv2DDescription(
        filters: filters, kernel: Extent(1, 1), activation: window.activation, bias: window.bias,
        initializer: window.initializer, l2: window.l2, regularization: window.regularization))
  }
}
