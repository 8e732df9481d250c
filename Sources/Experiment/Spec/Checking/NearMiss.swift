/// The least number of insertions, deletions, replacements and swaps of neighbours that turn one
/// word into another, no letter edited twice (Damerau 1964, Levenshtein 1966).
func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a.unicodeScalars)
  let b = Array(b.unicodeScalars)
  var beforePrevious: [Int] = []
  var previous = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var best = min(row[j] + 1, previous[j + 1] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        best = min(best, beforePrevious[j - 1] + 1)
      }
      row.append(best)
    }
    beforePrevious = previous
    previous = row
  }
  return previous[b.count]
}

/// What is left of a name without its case, `_`, `-` and spaces.
func folded(_ name: String) -> String {
  String(name.lowercased().filter { $0 != "_" && $0 != "-" && $0 != " " })
}

/// What a word that is none of the names at a place was probably to be.
struct ProbableMeaning {
  /// The name at the place; nil where none is near.
  let name: String?
  /// What another library calls so: no slip of the pen, whatever is near.
  let foreign: ForeignName?

  init(of word: String, among names: [String], aliases: [String: String]) {
    let target = folded(word)
    let isHere = (names + aliases.keys).contains { folded($0) == target }
    let others = isHere ? [] : ForeignName.named(word)
    foreign = others.first
    name =
      others.isEmpty
      ? nearMiss(to: word, among: names, aliases: aliases)
      : others.lazy.compactMap { $0.entry?.split(separator: ".").last.map(String.init) }
        .first(where: names.contains)
  }
}

/// The name that was probably meant: equal but for case, `_` and `-`; or an alias; or the beginning
/// of a name; or within an edit of every three letters. Nil when nothing is near, the first of equals.
package func nearMiss(to word: String, among names: [String], aliases: [String: String] = [:])
  -> String?
{
  guard word.unicodeScalars.count <= 100 else { return nil }
  let target = folded(word)
  let candidates = names.map { (name: $0, folded: folded($0)) }
  if let same = candidates.first(where: { $0.folded == target }) { return same.name }
  let meant = Set(aliases.filter { folded($0.key) == target }.values)
  if let name = names.first(where: meant.contains) { return name }
  if target.count >= 3, let longer = candidates.first(where: { $0.folded.hasPrefix(target) }) {
    return longer.name
  }
  var best: (name: String, distance: Int)?
  for (name, candidate) in candidates {
    let (length, other) = (target.count, candidate.count)
    let allowed = max(1, (max(length, other) + 1) / 3)
    // No distance is less than the lengths' difference.
    guard abs(length - other) <= allowed else { continue }
    let distance = editDistance(target, candidate)
    if distance <= allowed, distance < other, distance < best?.distance ?? .max {
      best = (name, distance)
    }
  }
  return best?.name
}
