import ConvNet
import Datasets
import Glibc
import Storage

/// A spec with what it was read from.
public struct LoadedSpec: Sendable {
  public let spec: ExperimentSpec
  /// The file as it lies on disk, for `spec.json`.
  public let verbatim: [UInt8]
  /// The `key=value` arguments that were applied to it.
  public let overrides: [String]
  /// The networks that it is taught by.
  public let teachers: [NetworkPlan]
  /// The spec with every default and override written out, for `resolved.json`.
  public var resolved: JSONValue { spec.resolved() }
}

extension ExperimentSpec {
  /// Reads a spec file and applies `key.path=value` overrides. Throws everything that is wrong with
  /// the two, by position, before any work is done.
  /// - Parameters:
  ///   - locator: finds one's own files, which are asked for what the spec leaves to them.
  ///   - isBeginning: whether a training is to begin, so that the model that it begins with must be there.
  public static func load(
    path: String, overrides: [String] = [], locator: DatasetLocator = .standard(),
    isBeginning: Bool = true
  ) throws(SpecErrors) -> LoadedSpec {
    let bytes: [UInt8]
    do { bytes = try specBytes(path) } catch { throw SpecErrors([error]) }
    return try load(
      bytes: bytes, name: path, overrides: overrides, locator: locator, isBeginning: isBeginning)
  }

  /// As `load(path:overrides:)`, from memory; `name` is what messages call the file.
  public static func load(
    bytes: [UInt8], name: String, overrides: [String] = [],
    locator: DatasetLocator = .standard(), isBeginning: Bool = true
  ) throws(SpecErrors) -> LoadedSpec {
    var reading = SpecReading()
    guard var root = reading.parse(bytes, name: name) else { throw reading.errors }
    if root.isSweep, root["model"] == nil {
      let message =
        "is a sweep, not an experiment; to search: runner sweep \(name); to check it, and see what it "
        + "will try: runner sweep \(name) --dry-run"
      throw SpecErrors([Diagnostic(source: name, path: "", message: message)])
    }
    root.add(Numerics.unsaid(in: name))
    for override in reading.overrides(overrides) { reading.apply(override, to: &root) }
    var reason: String?
    do throws(DatasetError) {
      if let told = try root.toldByFiles(locator) { root.add(told) }
    } catch { reason = error.message }
    var models = NamedModels()
    do throws(SpecChecker.Problem) {
      if isBeginning { models = try root.readModels(of: name) }
    } catch { reading.report(error) }
    root.add(models)
    var checker = SpecChecker(root: root)
    checker.filesReason = reason
    (checker.initialModel, checker.teachers) = (models.initial, models.teachers)
    let checked = checker.checkExperiment()
    reading.report(checker.problems)
    guard reading.isFine, let checked else { throw reading.errors }
    return LoadedSpec(
      spec: ExperimentSpec(checked: checked), verbatim: bytes, overrides: overrides,
      teachers: models.teachers.map(\.file.model.plan))
  }

  /// The spec of a resolved document; its errors have paths but no lines.
  public init(resolved: JSONValue, name: String = "resolved.json") throws(SpecErrors) {
    var root = JSONNode(resolved, origin: .file(offset: 0))
    root.add(.first)
    var checker = SpecChecker(root: root)
    let checked = checker.checkExperiment()
    guard let checked, checker.problems.isEmpty else {
      throw SpecErrors(checker.problems, of: name)
    }
    self.init(checked: checked)
  }
}

extension ExperimentSpec {
  /// The spec of a document that the checker has passed and completed.
  package init(checked value: JSONValue) {
    guard let spec = SpecDescription.experiment.decode(value) else {
      preconditionFailure("what the checker has passed is no experiment")
    }
    self = spec
  }

  /// The spec as a document, every default written out. Reading it gives this very spec. It is in
  /// one form, however the spec was written: `adam` with a weight decay is `adamw`, a kernel of 3
  /// is `[3, 3]`.
  public func resolved() -> JSONValue { SpecDescription.experiment.encode(self) }
}

extension SpecErrors {
  /// Errors with paths but no lines, in a document that has none.
  package init(_ problems: [SpecChecker.Problem], of source: String) {
    self.init(
      problems.map {
        Diagnostic(source: source, path: $0.path.description, message: $0.message)
      })
  }
}

extension JSONNode {
  /// Whether a document is a sweep's rather than an experiment's.
  package var isSweep: Bool { ["base", "parameters", "sampler"].contains { self[$0] != nil } }
}

/// The whole file, or one byte more than the limit of a spec.
package func specBytes(_ path: String) throws(Diagnostic) -> [UInt8] {
  do throws(FileError) {
    return try Files.read(path, upTo: JSONParser.sizeLimit + 1)
  } catch {
    let message =
      switch error.code {
      case ENOENT: "no such file" + (nearbySpec(path).map { "; did you mean \($0)?" } ?? "")
      case EISDIR: "is a folder; give the spec file in it"
      default: "cannot be read: \(error.reason)"
      }
    throw Diagnostic(source: path, path: "", message: message)
  }
}

/// A path that is meant from the folder of a file, or, where that came through a descriptor, from the
/// current one.
package func specPath(_ path: String, besides file: String) -> String {
  guard !path.hasPrefix("/"), InheritedPipe.descriptor(namedBy: file) == nil,
    let slash = file.lastIndex(of: "/")
  else { return path }
  var folder = file[..<slash].split(separator: "/", omittingEmptySubsequences: false)
  var rest = path[...]
  while rest.hasPrefix("../"), let last = folder.last, last != "..", last != ".", !last.isEmpty {
    folder.removeLast()
    rest = rest.dropFirst(3)
  }
  return folder.isEmpty ? String(rest) : folder.joined(separator: "/") + "/" + rest
}

/// A spec in the same folder, or in those of this repository, whose name is near.
private func nearbySpec(_ path: String) -> String? {
  let parts = path.split(separator: "/", omittingEmptySubsequences: false)
  var name = String(parts.last ?? "")
  if name.hasSuffix(".json") { name.removeLast(5) }
  let folder = parts.dropLast().joined(separator: "/")
  for candidate in [folder.isEmpty ? "." : folder, "experiments", "experiments/sweeps"] {
    let found = (try? FolderNames(of: candidate))?.names ?? []
    let names = found.filter { $0.hasSuffix(".json") && !$0.hasSuffix(".schema.json") }
      .prefix(1000).map { String($0.dropLast(5)) }
    if let near = nearMiss(to: name, among: names) {
      return candidate == "." ? "\(near).json" : "\(candidate)/\(near).json"
    }
  }
  return nil
}
