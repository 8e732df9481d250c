import ConvNet
import Datasets
import Experiment
import Storage

extension SweepSpec {
  /// The most trials that a sweep has.
  public static let trialLimit = 1_000_000

  /// Reads a sweep's file and its base, and applies `key.path=value` arguments. A key that is not
  /// the sweep's but an experiment's is set in the base. Throws everything that is wrong, by
  /// position, before any work is done.
  public static func load(
    path: String, overrides: [String] = [], locator: DatasetLocator = .standard()
  ) throws(SpecErrors) -> LoadedSweep {
    let bytes: [UInt8]
    do { bytes = try specBytes(path) } catch { throw SpecErrors([error]) }
    return try load(bytes: bytes, name: path, overrides: overrides, locator: locator)
  }

  /// As `load(path:overrides:)`, from memory; `name` is what messages call the file, and the base is
  /// looked for from its folder.
  public static func load(
    bytes: [UInt8], name: String, overrides: [String] = [],
    locator: DatasetLocator = .standard()
  ) throws(SpecErrors) -> LoadedSweep {
    var reading = SpecReading()
    guard var root = reading.parse(bytes, name: name) else { throw reading.errors }
    for override in reading.overrides(overrides) {
      if case .key(let key)? = override.path.steps.first, isOfExperiment(key) {
        root.assign(override, in: "set")
      } else {
        reading.apply(override, to: &root)
      }
    }
    var basePath: String?
    var reader = SweepReader(reading: reading, root: root, name: name, locator: locator)
    let (spec, template) = try reader.read { path, origin, reading in
      let full = specPath(path, besides: name)
      basePath = full
      do throws(Diagnostic) {
        return reading.parse(try specBytes(full), name: full)
      } catch {
        reading.report(
          SpecChecker.Problem(
            origin: origin, path: Path() + "base",
            message: "\(JSONValue.quoted(full)): \(error.message)"))
        return nil
      }
    }
    return LoadedSweep(
      spec: spec, verbatim: bytes, basePath: basePath, overrides: overrides, template: template,
      reading: reader.reading)
  }

  /// The sweep of a resolved document.
  public init(resolved: JSONValue, name: String = "resolved.json") throws(SpecErrors) {
    var document = resolved
    if let base = resolved["base"] {
      var node = JSONNode(base, origin: .file(offset: 0))
      node.add(.first)
      document["base"] = node.value
    }
    self = try Self.load(bytes: Array(document.pretty.utf8), name: name).spec
  }

  /// Whether the first key of an argument means the base experiment rather than the sweep.
  private static func isOfExperiment(_ key: String) -> Bool {
    let own = SweepDescription.root.fields.map(\.name)
    if own.contains(key) { return false }
    if SpecDescription.root.fields.map(\.name).contains(key) { return true }
    return nearMiss(to: key, among: own) == nil
  }
}

extension JSONNode {
  /// Sets a member of a section by the whole text of its path, as `set` has them.
  mutating func assign(_ override: Override, in section: String) {
    let key = override.path.description
    let member = Member(key: key, keyOrigin: override.node.origin, value: override.node)
    guard case .object(var members) = content else { return }
    if !members.contains(where: { $0.key == section }) {
      let empty = JSONNode(origin: override.node.origin, content: .object([]))
      members.append(Member(key: section, keyOrigin: override.node.origin, value: empty))
    }
    let place = members.firstIndex { $0.key == section }!
    guard case .object(var inner) = members[place].value.content else { return }
    inner.removeAll { Path(parsing: $0.key) == override.path }
    inner.append(member)
    members[place].value.content = .object(inner)
    content = .object(members)
  }
}
