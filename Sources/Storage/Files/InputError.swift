/// Something to be read that cannot be had or is not what it should be, and the whole message to the
/// user.
public struct InputError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// Nowhere to be had. The one kind that something else may stand in for.
    case unavailable
    /// A file is there, but is not what it should be.
    case damaged
    /// The request makes no sense: an unknown name, more than there is.
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

  package init(_ error: FileError) {
    self.init(.file, error.description)
  }

  /// What a system call gives, its error as one of this kind.
  package static func wrapping<R: ~Copyable>(
    _ body: () throws(FileError) -> R
  ) throws(InputError) -> R {
    do throws(FileError) { return try body() } catch { throw InputError(error) }
  }

  public var description: String { message }
}
