#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A spec with what it was read from.
public struct LoadedSpec: Sendable {
  public let spec: ExperimentSpec
  /// The file as it lies on disk, for `spec.json`.
  public let verbatim: [UInt8]
  /// The `key=value` arguments that were applied to it.
  public let overrides: [String]
  /// The spec with every default and override written out, for `resolved.json`.
  public var resolved: JSONValue { spec.resolved() }
}

extension ExperimentSpec {
  /// Reads a spec file and applies `key.path=value` overrides. Throws everything that is wrong with
  /// the two, by position, before any work is done.
  public static func load(
    path: String, overrides: [String] = []
  ) throws(SpecErrors) -> LoadedSpec {
    let bytes: [UInt8]
    do { bytes = try readFile(path) } catch { throw SpecErrors([error]) }
    return try load(bytes: bytes, name: path, overrides: overrides)
  }

  /// As `load(path:overrides:)`, from memory; `name` is what messages call the file.
  public static func load(
    bytes: [UInt8], name: String, overrides: [String] = []
  ) throws(SpecErrors) -> LoadedSpec {
    let source = SourceText(name: name, bytes: bytes)
    var parser = JSONParser(source)
    var root: JSONNode
    do { root = try parser.document() } catch { throw SpecErrors([error]) }

    var problems: [SpecChecker.Problem] = []
    var seen: Set<Path> = []
    for (index, argument) in overrides.enumerated() {
      do throws(SpecChecker.Problem) {
        let override = try Override(argument, index: index)
        guard seen.insert(override.path).inserted else {
          throw SpecChecker.Problem(
            origin: .override(index), path: override.path, message: "is given twice")
        }
        try override.apply(to: &root)
      } catch { problems.append(error) }
    }
    var checker = SpecChecker(root: root)
    let checked = checker.check(root, .object(SpecDescription.root), Path())
    if let checked { checker.checkConsistency(checked) }
    problems += checker.problems

    var located = parser.duplicates.map { (order: $0.offset, diagnostic: $0.diagnostic) }
    for problem in problems {
      switch problem.origin {
      case .file(let offset):
        located.append(
          (offset, source.diagnostic(at: offset, path: problem.path, problem.message)))
      case .override(let index):
        let diagnostic = Diagnostic(
          source: "command line", path: problem.path.description, message: problem.message)
        located.append((bytes.count + 1 + index, diagnostic))
      }
    }
    guard located.isEmpty, let checked else {
      let sorted = located.enumerated().sorted {
        ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
      }
      throw SpecErrors(sorted.map(\.element.diagnostic))
    }
    return LoadedSpec(
      spec: ExperimentSpec(checked: checked), verbatim: bytes, overrides: overrides)
  }

  /// The spec of a resolved document; its errors have paths but no lines.
  public init(resolved: JSONValue, name: String = "resolved.json") throws(SpecErrors) {
    let root = JSONNode(resolved, origin: .file(offset: 0))
    var checker = SpecChecker(root: root)
    let checked = checker.check(root, .object(SpecDescription.root), Path())
    if let checked { checker.checkConsistency(checked) }
    guard let checked, checker.problems.isEmpty else {
      throw SpecErrors(
        checker.problems.map {
          Diagnostic(source: name, path: $0.path.description, message: $0.message)
        })
    }
    self.init(checked: checked)
  }
}

/// The whole file, or one byte more than the limit of a spec.
private func readFile(_ path: String) throws(Diagnostic) -> [UInt8] {
  guard let file = fopen(path, "r") else { throw unreadable(path, errno) }
  defer { fclose(file) }
  let limit = JSONParser.sizeLimit + 1
  var failure: Int32 = 0
  let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
    count = fread(buffer.baseAddress, 1, limit, file)
    if ferror(file) != 0 { failure = errno }
  }
  if failure != 0 { throw unreadable(path, failure) }
  return bytes
}

private func unreadable(_ path: String, _ code: Int32) -> Diagnostic {
  let message =
    switch code {
    case ENOENT: "no such file" + (nearbySpec(path).map { "; did you mean \($0)?" } ?? "")
    case EISDIR: "is a folder; give the spec file in it"
    default: "cannot be read: \(String(cString: strerror(code)))"
    }
  return Diagnostic(source: path, path: "", message: message)
}

/// A spec in the same folder, or in `experiments`, whose name is near.
private func nearbySpec(_ path: String) -> String? {
  let parts = path.split(separator: "/", omittingEmptySubsequences: false)
  var name = String(parts.last ?? "")
  if name.hasSuffix(".json") { name.removeLast(5) }
  let folder = parts.dropLast().joined(separator: "/")
  for candidate in [folder.isEmpty ? "." : folder, "experiments"] {
    guard let directory = opendir(candidate) else { continue }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory), names.count < 1000 {
      let found = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if found.hasSuffix(".json"), found != "experiment.schema.json" {
        names.append(String(found.dropLast(5)))
      }
    }
    names.sort()
    if let near = nearMiss(to: name, among: names) {
      return candidate == "." ? "\(near).json" : "\(candidate)/\(near).json"
    }
  }
  return nil
}
