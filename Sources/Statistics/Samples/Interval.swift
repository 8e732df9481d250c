/// An interval that holds what is estimated with a given confidence.
public struct Interval: Hashable, Sendable {
  public let low: Double
  public let high: Double

  public init(_ low: Double, _ high: Double) {
    self.low = low
    self.high = high
  }
}
