/// Text made fit for an SVG file, and how much room it takes.
enum SVGText {
  /// `text` with the five markup characters escaped, what XML 1.0 forbids replaced by U+FFFD, and
  /// line ends and tabs as spaces. Marks that reorder text are left out, so that a name can't
  /// disguise itself as another.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x26: result += "&amp;"
      case 0x3C: result += "&lt;"
      case 0x3E: result += "&gt;"
      case 0x22: result += "&quot;"
      case 0x27: result += "&#39;"
      case 0x09, 0x0A, 0x0D: result += " "
      case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: break
      case ..<0x20, 0x7F...0x9F, 0xFFFE, 0xFFFF: result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Advance widths of ASCII 32 to 126 in Helvetica, in thousandths of the font size.
  private static let widths: [Int] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
  ]

  /// An upper estimate of the width of `text` in pixels. The viewer's font isn't known; the widest
  /// of the common ones, DejaVu Sans, is about a sixth wider than Helvetica.
  static func width(_ text: String, size: Double, bold: Bool = false) -> Double {
    var sum = 0
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 32...126: sum += widths[Int(scalar.value) - 32]
      case 0x300...0x36F: break
      case ..<0x1100: sum += 620
      default: sum += 1000
      }
    }
    return Double(sum) / 1000 * size * (bold ? 1.3 : 1.17)
  }

  /// `clauses` behind each other, as many to a line as `limit` pixels hold.
  static func lines(of clauses: [String], to limit: Double, size: Double) -> [String] {
    var lines: [String] = []
    for clause in clauses {
      if let last = lines.last, width("\(last); \(clause)", size: size) <= limit {
        lines[lines.count - 1] = "\(last); \(clause)"
      } else {
        lines.append(clause)
      }
    }
    return lines
  }

  /// `text` broken at its spaces into at most `most` lines of `limit` pixels; what has no room in the last
  /// of them, or is one long word, is shortened.
  static func wrapped(
    _ text: String, to limit: Double, size: Double, bold: Bool = false, most: Int
  ) -> [String] {
    if width(text, size: size, bold: bold) <= limit { return [text] }
    var lines: [String] = []
    var rest = text.split(separator: " ", omittingEmptySubsequences: false)[...]
    while !rest.isEmpty && lines.count < most - 1 {
      var line = String(rest.removeFirst())
      while let word = rest.first, width("\(line) \(word)", size: size, bold: bold) <= limit {
        line += " \(word)"
        rest.removeFirst()
      }
      lines.append(shortened(line, to: limit, size: size, bold: bold))
    }
    if !rest.isEmpty {
      lines.append(
        shortened(rest.joined(separator: " "), to: limit, size: size, bold: bold))
    }
    return lines
  }

  /// `text`, or its beginning and its end around an ellipsis, within `limit` pixels. Names of runs
  /// often differ in their last characters, so the end gets its half.
  static func shortened(
    _ text: String, to limit: Double, size: Double, bold: Bool = false
  ) -> String {
    if width(text, size: size, bold: bold) <= limit { return text }
    // No character is narrower than a fifth of the size: enough of them to choose from.
    let characters = Array(text.prefix(100_000))
    var low = 0
    var high = characters.count
    func cut(_ kept: Int) -> String {
      let head = (kept + 1) / 2
      return String(characters.prefix(head)) + "…" + String(characters.suffix(kept - head))
    }
    while low < high {
      let middle = (low + high + 1) / 2
      if width(cut(middle), size: size, bold: bold) <= limit {
        low = middle
      } else {
        high = middle - 1
      }
    }
    return cut(low)
  }
}
