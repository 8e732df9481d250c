import Experiment

/// Seeds as text: `1-3`, or `1-3,7`.
enum SeedList {
  static let form = TextForm(
    pattern: "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$",
    expectation: "a list such as \"1-3\" or \"1,4\""
  ) { text in
    text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { part in
      let ends = part.split(separator: "-", omittingEmptySubsequences: false)
      return ends.count <= 2 && ends.allSatisfy(isDigits)
    }
  }

  /// The most seeds that a sweep has.
  static let limit = 1000

  /// The seeds of a text of this form; nil when there are more than `limit`, a range runs
  /// backwards, or a number has more than 64 bits.
  static func seeds(_ text: String) -> [UInt64]? {
    var seeds: [UInt64] = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-").map { UInt64($0) }
      guard let first = ends[0], let last = ends[ends.count - 1], first <= last,
        last - first < UInt64(limit)
      else { return nil }
      seeds += first...last
      if seeds.count > limit { return nil }
    }
    return seeds
  }
}

/// A length of time as text: `2h30m`, `90s`.
enum DurationText {
  static let form = TextForm(
    pattern: "^([0-9]{1,6}h([0-9]{1,6}m)?([0-9]{1,6}s)?|[0-9]{1,6}m([0-9]{1,6}s)?|[0-9]{1,6}s)$",
    expectation: "a time such as \"2h30m\" or \"90s\""
  ) { seconds($0) != nil }

  /// The seconds of a text of this form.
  static func seconds(_ text: String) -> Double? {
    var rest = Substring(text)
    var seconds = 0
    for (unit, factor) in [("h", 3600), ("m", 60), ("s", 1)] as [(Character, Int)] {
      guard let end = rest.firstIndex(of: unit) else { continue }
      let digits = rest[..<end]
      guard (1...6).contains(digits.count), isDigits(digits) else { return nil }
      seconds += Int(digits)! * factor
      rest = rest[rest.index(after: end)...]
    }
    return rest.isEmpty && !text.isEmpty ? Double(seconds) : nil
  }
}

private func isDigits(_ text: Substring) -> Bool {
  !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
}
