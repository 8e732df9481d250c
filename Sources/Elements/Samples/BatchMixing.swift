/// How the samples of a batch are mixed two by two while training. A mixed sample has two classes: its
/// loss is λ times that of its own class and 1 − λ times that of its partner's, and it is recognised
/// when the class that has the larger part is.
public enum BatchMixing: Hashable, Sendable {
  /// x = λ·a + (1 − λ)·b (Zhang et al. 2018).
  case mixup(Draw)
  /// b within a rectangle whose centre is any pixel and whose sides are √(1 − λ) of the image's, a
  /// elsewhere; λ is then a's share of the pixels (Yun et al. 2019; the rectangle is rounded and cut as
  /// torchvision's CutMix does).
  case cutmix(Draw)

  /// What is drawn for a batch: with probability `p`, λ ~ Beta(alpha, alpha).
  public struct Draw: Hashable, Sendable {
    public var alpha: Float
    public var p: Float
    public init(alpha: Float, p: Float = 1) {
      self.alpha = alpha
      self.p = p
    }
  }
}
