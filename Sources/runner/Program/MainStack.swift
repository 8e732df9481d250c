import Glibc

/// The main thread's stack, which grows up to a limit that the shell sets (`ulimit -s`).
enum MainStack {
  /// What it needs at the most: a spec's deepest nesting, and what C libraries keep there.
  private static let needed: rlim_t = 1 << 20
  private static let usual: rlim_t = 8 << 20
  private static let stack = __rlimit_resource_t(RLIMIT_STACK.rawValue)

  /// Raises a small limit as far as it may be raised.
  /// - Throws: `Refusal` where that is not enough.
  static func check() throws(Refusal) {
    var limit = rlimit()
    guard getrlimit(stack, &limit) == 0, limit.rlim_cur < usual else { return }
    limit.rlim_cur = min(usual, limit.rlim_max)
    guard limit.rlim_cur < needed || setrlimit(stack, &limit) != 0 else { return }
    guard getrlimit(stack, &limit) == 0, limit.rlim_cur < needed else { return }
    throw Refusal(kilobytes: limit.rlim_cur / 1024)
  }

  struct Refusal: Error, CustomStringConvertible {
    let kilobytes: rlim_t
    var description: String {
      "the limit on the stack is \(kilobytes) kB, and may not be raised from here; this program needs "
        + "\(needed / 1024) kB (ulimit -s)"
    }
  }
}
