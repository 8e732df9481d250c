import Storage

/// What a repository has checked out: a commit, and how the tracked files differ from it.
public struct WorkingTree: Hashable, Sendable {
  public let commit: String
  /// Whether tracked files differ from the commit.
  public let isModified: Bool
  /// SHA-256 of how they differ, as `git diff` tells it with the options of `differenceOptions`; nil
  /// where they don't, and in records of before it was taken.
  public let difference: String?

  public init(commit: String, isModified: Bool = false, difference: String? = nil) {
    self.commit = commit
    self.isModified = isModified
    self.difference = difference
  }

  /// The repository of a folder; nil where git is missing, or there is none.
  /// - Parameter folder: the working folder where nil.
  public init?(of folder: String? = nil) {
    let place = (folder.map { ["-C", $0] } ?? []) + ["--no-optional-locks"]
    // One process tells both; it takes no lock that another git in this repository would wait for.
    let answer = try? Subprocess.output(
      of: "git",
      place + [
        "status", "--porcelain=v2", "--branch", "--no-ahead-behind", "--untracked-files=no",
      ], isMerged: false)
    guard let answer else { return nil }
    let lines = answer.output.split(separator: "\n")
    let marker = "# branch.oid "
    // Before the first commit it says "(initial)".
    guard let line = lines.first(where: { $0.hasPrefix(marker) }),
      case let commit = line.dropFirst(marker.count), commit.count >= 40
    else { return nil }
    let isModified = lines.contains { !$0.hasPrefix("#") }
    self.init(
      commit: String(commit), isModified: isModified,
      difference: isModified ? Self.difference(place) : nil)
  }

  /// No setting of the user's changes what is told with these: a colleague who has the same difference
  /// gets the same digest by `git diff OPTIONS HEAD | sha256sum`.
  public static let differenceOptions = [
    "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-relative", "--binary",
    "--full-index", "--diff-algorithm=myers", "--unified=3", "--inter-hunk-context=0",
    "--src-prefix=a/", "--dst-prefix=b/", "-O/dev/null", "--ignore-submodules=dirty",
  ]

  private static func difference(_ place: [String]) -> String? {
    let digest = SHA256()
    let status = try? Subprocess.run(
      "git", place + ["diff"] + differenceOptions + ["HEAD"], isMerged: false
    ) { bytes in
      bytes.withUnsafeBytes { digest.update($0) }
    }
    return status == 0 ? digest.finalizeHex() : nil
  }
}

extension WorkingTree {
  /// What a run.json says; nil where it names no commit.
  init?(json: JSONValue) {
    guard let commit = json["git_commit"]?.string else { return nil }
    self.init(
      commit: commit, isModified: json["git_dirty"]?.bool ?? false,
      difference: json["git_diff_sha256"]?.string)
  }
}

extension WorkingTree: CustomStringConvertible {
  /// The commit, and what tells one modification of it from another.
  public var description: String {
    guard isModified else { return commit }
    return commit + " with modified files" + (difference.map { " (\($0.prefix(12)))" } ?? "")
  }
}
