/// How convolutions become products of matrices; a spec's `compute.convolution`. It decides bits.
public enum ConvolutionLowering: String, Hashable, Sendable, CaseIterable {
  /// One product with the patches that the windows see (`Lowering`).
  case im2col
  /// Those of 3x3 that gain by it with fewer multiplications (`WinogradFilter`), all others by `im2col`.
  case winograd
}
