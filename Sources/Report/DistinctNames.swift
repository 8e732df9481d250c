/// Names made short by leaving out what they share, so that what tells them apart can be read.
enum DistinctNames {
  /// The names as they are where each has room in `limit` pixels; else without the parts, between commas,
  /// slashes and spaces, that all of them have. What is still too long is shortened; names that would look
  /// the same are numbered.
  static func short(_ names: [String], to limit: Double, size: Double) -> [String] {
    guard names.count > 1, names.contains(where: { SVGText.width($0, size: size) > limit }) else {
      return names.map { SVGText.shortened($0, to: limit, size: size) }
    }
    let parts = names.map { $0.split { ", /".contains($0) } }
    let shared = parts.dropFirst().reduce(Set(parts[0])) { $0.intersection($1) }
    var kept = zip(names, parts).map { name, parts in
      let own = parts.filter { !shared.contains($0) }
      return own.isEmpty ? name : own.joined(separator: ", ")
    }
    let prefix = sharedPrefix(of: kept)
    if prefix > 0, kept.contains(where: { SVGText.width($0, size: size) > limit }) {
      kept = kept.map { "…" + $0.dropFirst(prefix) }
    }
    var counts: [String: Int] = [:]
    return kept.map { name in
      let text = SVGText.shortened(name, to: limit, size: size)
      counts[text, default: 0] += 1
      return counts[text]! == 1 ? text : "\(text) (\(counts[text]!))"
    }
  }

  /// How many characters all names begin with, up to a sign that ends a word.
  private static func sharedPrefix(of names: [String]) -> Int {
    guard let first = names.first else { return 0 }
    let count = names.dropFirst().map { zip(first, $0).prefix { $0 == $1 }.count }.min() ?? 0
    let shared = first.prefix(count)
    return shared.lastIndex { "._-=[ ".contains($0) }
      .map { shared.distance(from: shared.startIndex, to: $0) + 1 } ?? 0
  }
}
