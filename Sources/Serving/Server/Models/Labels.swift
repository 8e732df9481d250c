import Experiment
import Storage
import Watching

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

  /// The labels of a folder of versions.
  /// - Throws: `RecordError` where its labels.json isn't as above, or names versions that are not there;
  ///   `FileError`.
  static func read(
    _ folder: String, versions: Set<Int>, shares: [String: Double]
  ) throws -> [VersionLabel] {
    let labels = try VersionLabels(reading: folder).labels
    return try labels.sorted { $0.key < $1.key }.map { name, version in
      guard versions.contains(version) else {
        throw RecordError(
          VersionLabels.path(in: folder), "\"\(name)\" is version \(version), which is not there")
      }
      return VersionLabel(name: name, version: version, share: shares[name] ?? 0)
    }
  }
}
