import Glibc
import Synchronization

/// Signals that end a run in good order. The first SIGINT, SIGTERM or SIGUSR1 (which batch systems
/// send before the time is up) is noted, for the training loop to see after its step; a second ends
/// the process at once, with its work since the last checkpoint undone.
public enum Interruption {
  private static let pending = Atomic<Int32>(0)

  /// The signal that has come, if any.
  public static var signal: Int32? {
    let value = pending.load(ordering: .relaxed)
    return value == 0 ? nil : value
  }

  /// Behaves as though the signal had come.
  static func request(_ signal: Int32) { pending.store(signal, ordering: .relaxed) }

  /// The exit status of a run that a signal ended: 75 tells a batch system to start it again.
  public static func exitStatus(of signal: Int32) -> Int32 { signal == SIGUSR1 ? 75 : 128 + signal }

  /// Takes the signals over from their defaults. Also ignores those that would end the process where
  /// an error from `write` tells more: a pipe that is closed, a file that reaches `ulimit -f`.
  public static func listen() {
    _ = signal  // So that the handler finds the variable made.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGUSR1] {
      sigaddset(&signals, number)
      // A run in the background of a script may have SIGINT ignored; so it stays.
      let before = Glibc.signal(number) { number in
        if Interruption.pending.exchange(number, ordering: .relaxed) != 0 {
          _exit(Interruption.exitStatus(of: number))
        }
      }
      if isIgnored(before) { Glibc.signal(number, SIG_IGN) }
    }
    // A parent that blocks signals hands that down too.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    Glibc.signal(SIGPIPE, SIG_IGN)
    Glibc.signal(SIGXFSZ, SIG_IGN)
  }

  private static func isIgnored(_ handler: __sighandler_t?) -> Bool {
    unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
