import Experiment
import Storage

/// In what documents differ: key paths, and what each document has there.
///
/// Objects are compared key by key. Lists of objects, as layers are, are first aligned: what has its
/// equal or its like (by `layer`, `op` or `name`) in the other list stands beside it, so that one layer
/// more is one difference. Of an element's path the number is that in the first document that has it.
public struct SpecDifferences: Hashable, Sendable {
  public struct Row: Hashable, Sendable {
    public let path: String
    /// One for each document; nil where it has nothing there.
    public let values: [JSONValue?]
  }

  public private(set) var rows: [Row] = []

  public init(_ documents: [JSONValue]) { compare("", documents.map(Optional.some)) }

  private mutating func compare(_ path: String, _ values: [JSONValue?]) {
    guard let first = values.first, values.contains(where: { $0 != first }) else { return }
    let objects = values.compactMap { $0?.object }
    if objects.count == values.count {
      var keys: [String] = []
      for key in objects.flatMap(\.keys) where !keys.contains(key) { keys.append(key) }
      for key in keys {
        compare(path.isEmpty ? key : "\(path).\(key)", objects.map { $0[key] })
      }
      return
    }
    let lists = values.compactMap { $0?.array }
    if lists.count == values.count, lists.joined().allSatisfy({ $0.object != nil }) {
      for column in Self.aligned(lists) {
        let number = column.compactMap { $0 }.first!
        compare(
          "\(path)[\(number)]", zip(lists, column).map { list, place in place.map { list[$0] } })
      }
      return
    }
    rows.append(Row(path: path, values: values))
  }

  /// What belongs together: for each group the place of its element in every list, or nil. Each list
  /// in turn is aligned with the groups so far, such that most are equal or alike (Needleman and Wunsch
  /// 1970).
  private static func aligned(_ lists: [[JSONValue]]) -> [[Int?]] {
    var groups: [[Int?]] = []
    for (number, list) in lists.enumerated() {
      func likeness(_ group: [Int?], _ element: JSONValue) -> Int {
        let others = zip(lists, group).compactMap { list, place in place.map { list[$0] } }
        if others.contains(element) { return 4 }
        return others.contains { kind($0) == kind(element) } ? 2 : -1
      }
      // best[i][j]: of the groups from i on with the elements from j on.
      var best = [[Int]](
        repeating: Array(repeating: 0, count: list.count + 1), count: groups.count + 1)
      for i in groups.indices.reversed() {
        for j in list.indices.reversed() {
          best[i][j] = max(best[i + 1][j], best[i][j + 1])
          let like = likeness(groups[i], list[j])
          if like > 0 { best[i][j] = max(best[i][j], like + best[i + 1][j + 1]) }
        }
      }
      var merged: [[Int?]] = []
      var (i, j) = (0, 0)
      while i < groups.count || j < list.count {
        let like = i < groups.count && j < list.count ? likeness(groups[i], list[j]) : -1
        if like > 0, best[i][j] == like + best[i + 1][j + 1] {
          merged.append(groups[i] + [j])
          (i, j) = (i + 1, j + 1)
        } else if i < groups.count, j == list.count || best[i][j] == best[i + 1][j] {
          merged.append(groups[i] + [nil])
          i += 1
        } else {
          merged.append(Array(repeating: nil, count: number) + [j])
          j += 1
        }
      }
      groups = merged
    }
    return groups
  }

  private static func kind(_ element: JSONValue) -> String? {
    element["layer"]?.string ?? element["op"]?.string ?? element["name"]?.string
  }

  /// A value as a table shows it: a word, a number, or the kind of a layer with what describes it.
  public static func text(_ value: JSONValue?) -> String {
    guard let value else { return "–" }
    switch value {
    case .string(let string): return string
    case .object(let object):
      let kind = kind(value)
      let others = object.members.filter { $0.value.string != kind || kind == nil }
      let shown = others.prefix(2).map { "\($0.key) \(text($0.value))" }
      let details = shown.joined(separator: ", ") + (others.count > 2 ? ", …" : "")
      return [kind ?? "", details].filter { !$0.isEmpty }.joined(separator: " ")
    case .array(let items):
      return items.contains { $0.object != nil }
        ? items.map { text($0) }.joined(separator: "; ") : value.compact
    default: return value.compact
    }
  }
}
