import Glibc

/// Times for people and file names; nothing that is computed depends on them.
public struct Timestamp: Hashable, Sendable {
  /// Seconds since 1970, in UTC.
  public let seconds: Int

  public init(seconds: Int) { self.seconds = seconds }

  public static var now: Timestamp { Timestamp(seconds: time(nil)) }

  /// `2026-11-21T08:03:04Z`
  public var iso8601: String { format("%Y-%m-%dT%H:%M:%SZ") }

  /// `20261121-080304`
  public var compact: String { format("%Y%m%d-%H%M%S") }

  private func format(_ pattern: String) -> String {
    var moment = time_t(seconds)
    var fields = tm()
    gmtime_r(&moment, &fields)
    let text = [CChar](unsafeUninitializedCapacity: 64) { buffer, count in
      count = strftime(buffer.baseAddress!, buffer.count, pattern, &fields)
    }
    return String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// A clock that never goes back, for durations.
public struct Stopwatch: Sendable {
  private let start = Self.now()

  public init() {}

  /// Seconds since this was made.
  public var seconds: Double { Self.now() - start }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
