/// A file of a record that doesn't hold what it should: which, what is wrong, what to do.
public struct RecordError: Error, Hashable, Sendable, CustomStringConvertible {
  public let path: String
  public let message: String

  public init(_ path: String, _ message: String) {
    self.path = path
    self.message = message
  }

  public var description: String { "\(path): \(message)" }
}
