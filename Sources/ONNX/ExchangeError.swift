/// Why a model cannot be stated in a format, or a file of one is none that is read: which part, and why.
public struct ExchangeError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
