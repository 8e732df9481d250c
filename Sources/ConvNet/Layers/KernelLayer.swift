/// What convolutions and dense layers have alike: a kernel, its beginning and what holds it in bounds,
/// and what is done to the product with it.
public protocol KernelLayer: Sendable {
  /// The function applied to the result.
  var activation: Activation { get set }
  /// Whether there is a bias, which begins at 0.
  var bias: Bool { get set }
  /// How the kernel begins.
  var initializer: Initializer { get set }
  /// λ of a penalty λ·Σw² on the kernel, added to the objective (Keras's `l2`).
  var l2: Float { get set }
  /// What else holds the kernel in bounds.
  var regularization: KernelRegularization { get set }
}

extension Conv2DDescription: KernelLayer {}
extension DepthwiseConv2DDescription: KernelLayer {}
extension Conv2DTransposeDescription: KernelLayer {}
extension DenseDescription: KernelLayer {}
