import Glibc

/// What an output of this process is shown on. It is asked anew each time, for people change the size
/// of their windows, and a thing that isn't a terminal has neither width nor colour.
public struct Terminal: Sendable {
  public static let output = Terminal(descriptor: 1)
  public static let errors = Terminal(descriptor: 2)

  let descriptor: Int32

  public init(descriptor: Int32) { self.descriptor = descriptor }

  public var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Whether lines can be drawn over again.
  public var canRedraw: Bool { isTerminal && !Self.isDumb }

  /// How many columns and rows there are, 80 and 24 where the terminal doesn't say; nil where it is
  /// none, and nothing has to fit.
  public var size: (columns: Int, rows: Int)? {
    guard isTerminal else { return nil }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return (80, 24) }
    return (size.ws_col > 0 ? Int(size.ws_col) : 80, size.ws_row > 0 ? Int(size.ws_row) : 24)
  }

  public var columns: Int? { size?.columns }

  /// Whether text may be coloured: on a terminal that can, where the user doesn't forbid it
  /// (no-color.org).
  public var usesColor: Bool {
    canRedraw && Self.variable("NO_COLOR").isEmpty
  }

  /// The text in a colour, or as it is where there are none.
  public func tinted(_ text: String, _ tint: Tint?) -> String {
    guard let tint, usesColor, !text.isEmpty else { return text }
    return tint.applied(to: text)
  }

  private static var isDumb: Bool { variable("TERM") == "dumb" }

  private static func variable(_ name: String) -> String {
    getenv(name).map { String(cString: $0) } ?? ""
  }
}

/// What a colour says. The terminal's own colours are taken, which people have made fit for their eyes.
public enum Tint: String, Hashable, Sendable {
  case good = "32"
  case warning = "33"
  case bad = "1;31"

  func applied(to text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }
}
