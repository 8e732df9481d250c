/// Names that tell folders apart.
public enum RunNames {
  /// The parts of `paths` in which they differ, and what they share: `lenet/a1` and `lenet/b2` are
  /// `a1` and `b2` of `lenet`. A path alone keeps its last two parts. Equal paths are numbered.
  public static func short(for paths: [String]) -> (shared: String, names: [String]) {
    var parts = paths.map { path in
      path.split(separator: "/").map(String.init).filter { $0 != "." }
    }
    guard parts.count > 1 else {
      return ("", parts.map { $0.isEmpty ? "/" : $0.suffix(2).joined(separator: "/") })
    }
    var shared: [String] = []
    while let first = parts[0].first, parts.allSatisfy({ $0.count > 1 && $0[0] == first }) {
      shared.append(first)
      for i in parts.indices { parts[i].removeFirst() }
    }
    while let last = parts[0].last, parts.allSatisfy({ $0.count > 1 && $0.last == last }) {
      for i in parts.indices { parts[i].removeLast() }
    }
    var counts: [String: Int] = [:]
    let names = parts.map { part in
      let name = part.joined(separator: "/")
      counts[name, default: 0] += 1
      return counts[name]! == 1 ? name : "\(name) (\(counts[name]!))"
    }
    return (shared.last ?? "", names)
  }
}
