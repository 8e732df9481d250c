import Glibc

/// Memory that the system refused.
public struct OutOfMemory: Error, Hashable, CustomStringConvertible {
  public let bytes: Int

  public var description: String {
    "out of memory: the system refused \(bytes / 1_000_000) MB more"
  }

  /// The way out where memory is refused in the middle of the mathematics, which would not be itself if
  /// each of its lines could throw: whether all will fit is looked at before, so that this comes only
  /// of others who took it meanwhile. The process ends as by a kill, after which every file is whole and
  /// a run can be resumed; it ends with status 1 and says why.
  static func end(bytes: Int) -> Never {
    // In pieces that take no memory: texts of the program's own, and digits that fit into a string's
    // own bytes.
    say("error: out of memory: the system refused ")
    var digits = "\(bytes / 1_000_000)"
    digits.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
    say(" MB more. All files are whole; a run goes on with `runner resume`\n")
    fflush(nil)
    _exit(1)
  }

  private static func say(_ text: StaticString) {
    _ = write(2, text.utf8Start, text.utf8CodeUnitCount)
  }
}
