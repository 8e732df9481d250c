extension Character {
  /// How many columns a terminal takes for it: 2 for what East Asian writing or an emoji draws wide,
  /// 0 for what has no place of its own, else 1 (Unicode Standard Annex 11; Markus Kuhn's wcwidth).
  public var columns: Int {
    let scalars = unicodeScalars
    guard let base = scalars.first else { return 0 }
    // A sequence of emoji is one; other writing puts letters beside each other in a cluster.
    if base.properties.isEmojiPresentation { return 2 }
    if base.properties.isEmoji, scalars.contains("\u{FE0F}") { return 2 }
    return scalars.reduce(0) { $0 + Self.columns(of: $1) }
  }

  private static func columns(of scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0x20...0x7E: return 1
    case ..<0x20, 0x7F...0x9F, 0xAD, 0x1160...0x11FF: return 0
    default: break
    }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .lineSeparator, .paragraphSeparator: return 0
    default: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }
  }

  /// The blocks whose characters are wide, with what lies unassigned in them (Unicode 16, W and F).
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97C,
    0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6B, 0xFF01...0xFF60,
    0xFFE0...0xFFE6, 0x16FE0...0x1B2FF, 0x20000...0x3FFFD,
  ]
}

extension StringProtocol {
  /// How many columns a terminal takes for it, where it is one line.
  public var columns: Int { reduce(0) { $0 + $1.columns } }

  /// As many characters from its beginning as so many columns hold.
  public func prefix(columns limit: Int) -> SubSequence {
    var (end, width) = (startIndex, 0)
    while end < endIndex {
      width += self[end].columns
      if width > limit { break }
      end = index(after: end)
    }
    return self[..<end]
  }

  /// Itself where so many columns hold it, else its beginning and an ellipsis.
  public func shortened(columns limit: Int) -> String {
    if columns <= limit { return String(self) }
    return limit > 0 ? prefix(columns: limit - 1) + "…" : ""
  }

  /// With spaces behind it, or before it, up to so many columns.
  public func padded(columns count: Int, toTheRight: Bool = false) -> String {
    let space = String(repeating: " ", count: Swift.max(0, count - columns))
    return toTheRight ? space + self : self + space
  }
}
