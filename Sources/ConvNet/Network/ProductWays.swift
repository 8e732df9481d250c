/// By what a layer makes each of its products, in words for people: "im2col", "winners", "winograd 4x4".
public struct ProductWays: Hashable, Sendable {
  /// Y
  public let forward: String
  /// dX; nil where nothing below learns.
  public let inputGradient: String?
  /// dW; nil where nothing goes back.
  public let kernelGradient: String?

  /// - Parameters:
  ///   - backward: by what the gradients are made; as the output, where nothing is said.
  ///   - input, output: the layer's tensors, which tell what has a gradient.
  init(
    forward: String, backward: String? = nil, from input: Activations, to output: Activations
  ) {
    let backward = backward ?? forward
    self.forward = forward
    inputGradient = input.hasGradient ? backward : nil
    kernelGradient = output.hasGradient ? backward : nil
  }
}
