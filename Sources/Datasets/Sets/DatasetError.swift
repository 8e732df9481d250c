/// A dataset that cannot be had, and the whole message to the user.
public struct DatasetError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// Neither on disk nor from any mirror. The one kind for which a spec may name a substitute.
    case unavailable
    /// A file is there, but is not what it should be.
    case damaged
    /// The request makes no sense: an unknown name, a split larger than the set.
    case invalid
    /// A file could not be read or written.
    case file
    /// The user stopped a download.
    case interrupted
  }

  public let kind: Kind
  public let message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  init(_ error: FileError) {
    self.init(.file, error.description)
  }

  /// What a system call gives, its error as one of this kind.
  static func wrapping<R: ~Copyable>(
    _ body: () throws(FileError) -> R
  ) throws(DatasetError) -> R {
    do throws(FileError) { return try body() } catch { throw DatasetError(error) }
  }

  public var description: String { message }
}
