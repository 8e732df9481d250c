import Glibc

/// A thread of the system's, with a stack of a size of our own: the system's default is that of the
/// main thread's limit, which may be a few pages (`ulimit -s`).
public struct SystemThread: @unchecked Sendable {  // a handle, joined by whoever began it
  /// Bytes of a thread's stack. Those of LAPACK's routines that keep arrays there keep some 30 kB.
  public static let stackSize = 2 << 20

  private let handle: pthread_t

  private final class Start {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }

  /// Begins `body` on a new thread.
  /// - Throws: `ThreadRefused` where the system gives none.
  public init(_ body: @escaping () -> Void) throws(ThreadRefused) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, Self.stackSize)
    var handle = pthread_t()
    let start = Unmanaged.passRetained(Start(body))
    let code = pthread_create(
      &handle, &attributes,
      { argument in
        Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue().body()
        return nil
      }, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw ThreadRefused(code: code)
    }
    self.handle = handle
  }

  /// Waits until it has ended.
  public func join() { pthread_join(handle, nil) }
}

/// A thread that the system did not give.
public struct ThreadRefused: Error, Hashable, CustomStringConvertible {
  /// As `errno` has them.
  public let code: Int32

  public var description: String {
    "a thread cannot be started: \(String(cString: strerror(code))); use fewer (--threads 1 starts "
      + "none), or allow this user more processes and memory (ulimit -u, ulimit -v)"
  }
}
