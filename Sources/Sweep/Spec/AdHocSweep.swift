import Datasets
import Experiment
import Storage

extension SweepSpec {
  /// A sweep of an experiment's file, or of a sweep's: whichever it is.
  ///
  /// - Parameter seeds: such as `1-3`, in place of what the sweep says.
  public static func open(
    path: String, arguments: [String] = [], seeds: String? = nil,
    locator: DatasetLocator = .standard()
  ) throws(SpecErrors) -> LoadedSweep {
    let bytes: [UInt8]
    do { bytes = try specBytes(path) } catch { throw SpecErrors([error]) }
    var reading = SpecReading()
    guard let root = reading.parse(bytes, name: path) else { throw reading.errors }
    guard root.isSweep else {
      return try adHoc(
        bytes: bytes, name: path, arguments: arguments, seeds: seeds, locator: locator)
    }
    let seeds = seeds.map { ["seeds=" + JSONValue.quoted($0)] } ?? []
    return try load(bytes: bytes, name: path, overrides: arguments + seeds, locator: locator)
  }

  /// A grid over values on the command line: `optimizer.learning_rate=1e-4,3e-4` tries both,
  /// `training.epochs=3` sets it for all. Commas within brackets, braces or quotes separate
  /// nothing. A key of sweeps, such as `metric`, is set in the sweep.
  ///
  /// It is named after the experiment and the digest of what it says.
  public static func adHoc(
    path: String, arguments: [String], seeds: String? = nil
  ) throws(SpecErrors) -> LoadedSweep {
    let bytes: [UInt8]
    do { bytes = try specBytes(path) } catch { throw SpecErrors([error]) }
    return try adHoc(bytes: bytes, name: path, arguments: arguments, seeds: seeds)
  }

  /// As `adHoc(path:arguments:seeds:)`, from memory; `name` is what messages call the file.
  public static func adHoc(
    bytes: [UInt8], name: String, arguments: [String], seeds: String? = nil,
    locator: DatasetLocator = .standard()
  ) throws(SpecErrors) -> LoadedSweep {
    var reading = SpecReading()
    guard let base = reading.parse(bytes, name: name) else { throw reading.errors }
    guard case .object = base.content else {
      reading.report(
        SpecChecker.Problem(
          origin: base.origin, path: Path(),
          message: "found \(base.found), but an experiment or a sweep, an object, is expected"))
      throw reading.errors
    }
    var root = JSONNode(
      ["name": "sweep", "sampler": ["name": "grid"], "parameters": [:], "set": [:]],
      origin: .override(0))
    root.set("base", base)
    if let seeds {
      root.set("seeds", JSONNode(.string(seeds), origin: .override(arguments.count)))
    }
    var paths: [Path] = []
    for (index, argument) in arguments.enumerated() {
      do throws(SpecChecker.Problem) {
        let (path, text) = try Override.split(argument, index: index)
        if paths.contains(path) {
          throw SpecChecker.Problem(
            origin: .override(index), path: path, message: "is given twice")
        }
        paths.append(path)
        if case .key(let key)? = path.steps.first, sweepKeys.contains(key) {
          try Override(argument, index: index).apply(to: &root)
          continue
        }
        let origin = JSONNode.Origin.override(index)
        var values: [JSONNode] = []
        for piece in Override.pieces(text) {
          values.append(try Override.value(piece, origin: origin, path: path))
        }
        if values.count == 1, path.steps != [.key("seed")] {
          root.assign(Override(path: path, node: values[0]), in: "set")
        } else {
          var choice = JSONNode([:], origin: origin)
          choice.set("choice", JSONNode(origin: origin, content: .array(values)))
          root.assign(Override(path: path, node: choice), in: "parameters")
        }
      } catch { reading.report(error) }
    }
    var reader = SweepReader(
      reading: reading, root: root, name: name, isAdHoc: true, locator: locator)
    var (spec, template) = try reader.read { _, _, _ in nil }
    let experiment = spec.base["name"]?.string ?? "sweep"
    spec.name = "\(experiment.prefix(91))-\(spec.identity.prefix(8))"
    return LoadedSweep(
      spec: spec, verbatim: bytes, basePath: name, overrides: arguments, template: template,
      reading: reader.reading)
  }

  /// The keys that an argument sets in the sweep itself.
  private static let sweepKeys = [
    "sampler", "metric", "direction", "trials", "seeds", "early_termination", "lag", "time_limit",
    "confirm",
  ]
}

extension JSONNode {
  /// Sets a member of an object, as if written where its value was.
  fileprivate mutating func set(_ key: String, _ value: JSONNode) {
    guard case .object(var members) = content else { preconditionFailure("not an object") }
    members.removeAll { $0.key == key }
    members.append(Member(key: key, keyOrigin: value.origin, value: value))
    content = .object(members)
  }
}
