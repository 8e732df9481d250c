import Glibc
import Synchronization

/// Signals that end the program in good order. The first SIGINT, SIGTERM, SIGHUP or SIGUSR1 (which
/// batch systems send before the time is up) is noted, for the training loop to see after its step; a
/// second ends the process at once, with its work since the last checkpoint undone.
///
/// A terminal that closes may send SIGHUP several times, and the shell another: after the first signal
/// it counts for nothing.
public enum Interruption {
  private static let pending = Atomic<Int32>(0)
  private static let ignoresPipes = Atomic<Bool>(false)

  /// The signal that has come, if any.
  public static var signal: Int32? {
    let value = pending.load(ordering: .relaxed)
    return value == 0 ? nil : value
  }

  /// Behaves as though the signal had come.
  package static func request(_ signal: Int32) { pending.store(signal, ordering: .relaxed) }

  /// The exit status of a run that a signal ended: 75 tells a batch system to start it again.
  public static func exitStatus(of signal: Int32) -> Int32 { signal == SIGUSR1 ? 75 : 128 + signal }

  /// What the signals did before.
  package struct Handlers {
    fileprivate var handlers: [(signal: Int32, handler: __sighandler_t?)] = []
  }

  /// Takes the signals over from their defaults. Also ignores those that would end the process where
  /// an error from `write` tells more: a pipe that is closed, a file that reaches `ulimit -f`.
  public static func listen() { _ = takeSignals() }

  /// As `listen`, to be undone by `restore`.
  package static func takeSignals() -> Handlers {
    _ = signal  // So that the handler finds the variable made.
    var before = Handlers()
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGUSR1] {
      sigaddset(&signals, number)
      let handler = Glibc.signal(number) { number in
        let first = Interruption.pending.compareExchange(
          expected: 0, desired: number, ordering: .relaxed
        ).exchanged
        if !first && number != SIGHUP { _exit(Interruption.exitStatus(of: number)) }
      }
      before.handlers.append((number, handler))
      // A run in the background of a script may have SIGINT ignored, one under nohup SIGHUP; so it
      // stays.
      if isIgnored(handler) { Glibc.signal(number, SIG_IGN) }
    }
    // A parent that blocks signals hands that down too.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGPIPE, SIGXFSZ] {
      before.handlers.append((number, Glibc.signal(number, SIG_IGN)))
    }
    let wasDefault = !isIgnored(before.handlers[before.handlers.count - 2].handler)
    if wasDefault { ignoresPipes.store(true, ordering: .relaxed) }
    return before
  }

  package static func restore(_ before: Handlers) {
    for (number, handler) in before.handlers { Glibc.signal(number, handler) }
  }

  /// Ends the process as a closed pipe ends one that hasn't taken the signal over: without a word, by
  /// SIGPIPE. Returns where it was started with the signal ignored, and so is to tell of an error.
  public static func endByClosedPipe() {
    guard ignoresPipes.load(ordering: .relaxed) else { return }
    Glibc.signal(SIGPIPE, SIG_DFL)
    raise(SIGPIPE)
  }

  private static func isIgnored(_ handler: __sighandler_t?) -> Bool {
    unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
