import Glibc
import Synchronization

/// The date as HTTP writes it, `Tue, 01 Dec 2026 12:00:00 GMT`, made once a second.
final class DateText: Sendable {
  private let last = Mutex<(second: Int, text: String)>((0, ""))

  var text: String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &now)
    let second = now.tv_sec
    return last.withLock { last in
      if last.second != second { last = (second, Self.text(of: second)) }
      return last.text
    }
  }

  static func text(of second: Int) -> String {
    var (time, parts) = (time_t(second), tm())
    gmtime_r(&time, &parts)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
      strftime(text.baseAddress!, 64, "%a, %d %b %Y %H:%M:%S GMT", &parts)
      return String(cString: text.baseAddress!)
    }
  }
}
