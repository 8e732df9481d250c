/// One point of a search space: a value for each parameter that is active there.
public struct Configuration: Hashable, Sendable {
  public enum Value: Hashable, Sendable {
    /// The place of an option.
    case option(Int)
    case number(Double)
    case integer(Int)
  }

  /// In the order of the space's parameters; nil where the condition doesn't hold.
  public var values: [Value?]

  public init(_ values: [Value?]) { self.values = values }
}
