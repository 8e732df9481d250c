/// The rules by which sums are taken, counted: what changes the order of a sum changes the last bits of
/// a result, so each such change is a number here, and what was recorded under an earlier one goes on
/// giving its bits.
///
/// - 1: every product whole; in an evaluation images share the blocks of a convolution.
/// - 2: a convolution that ends in max pooling takes its gradients over the winners alone where that is
///   faster (`WinnerGradients`); in an evaluation an image's bits are its own, whichever images are
///   worked on with it, on every kernel of OpenBLAS.
public enum Numerics: Int, Hashable, Sendable, CaseIterable {
  case first = 1
  case second

  public static let newest = second

  var usesWinners: Bool { self != .first }
  var keepsImagesApart: Bool { self != .first }
}
