import Storage

/// A name for a version, which may move from one to another, with the part of the requests that it gets
/// of those that ask for no version.
///
/// A folder of versions has them in `labels.json`, where `runner promote` writes them with the history of
/// their moves:
///
///     {"labels": {"stable": 3, "canary": 4}, "history": […]}
///
/// The shares are the server's, `--share canary=0.1`. What they leave goes to `stable` or, where there is
/// none, to the newest version.
struct VersionLabel: Hashable, Sendable {
  let name: String
  let version: Int
  let share: Double

  /// - Throws: `Mistake` where the file isn't as above, or names versions that are not there.
  static func read(
    _ path: String, versions: Set<Int>, shares: [String: Double]
  ) throws -> [VersionLabel] {
    guard Files.exists(path) else { return [] }
    let json = try JSONValue(parsing: Files.read(path, limit: 1 << 24), name: path)
    guard let object = json["labels"]?.object else {
      throw Mistake("\(path): it must have \"labels\", as {\"labels\": {\"stable\": 3}}")
    }
    return try object.members.map { member in
      guard let version = member.value.int else {
        throw Mistake("\(path): labels.\(member.key) is not a version's number")
      }
      guard versions.contains(version) else {
        throw Mistake("\(path): \"\(member.key)\" is version \(version), which is not there")
      }
      return VersionLabel(name: member.key, version: version, share: shares[member.key] ?? 0)
    }
  }

  struct Mistake: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }
}
