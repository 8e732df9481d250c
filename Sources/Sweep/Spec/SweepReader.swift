import ConvNet
import Datasets
import Experiment
import Search
import Storage

/// Turns a sweep's document into a `SweepSpec`: holds it against its description, takes in the base,
/// reads the parameters, and checks what they make of it. Gathers everything that is wrong.
struct SweepReader {
  private(set) var reading: SpecReading
  /// The sweep's document, knowing where each value was written.
  let root: JSONNode
  /// Whether the parameters come from the command line, not from a section of the document.
  let isAdHoc: Bool
  /// Finds one's own files, which are asked for what the base leaves to them.
  let locator: DatasetLocator
  /// The sweep's file.
  let name: String
  /// The document with its defaults; what was wrong is missing.
  private(set) var checked: JSONValue = [:]

  init(
    reading: SpecReading, root: JSONNode, name: String, isAdHoc: Bool = false,
    locator: DatasetLocator
  ) {
    self.name = name
    self.locator = locator
    self.reading = reading
    self.root = root
    self.isAdHoc = isAdHoc
  }

  mutating func report(_ origin: JSONNode.Origin, _ path: Path, _ message: String) {
    reading.report(SpecChecker.Problem(origin: origin, path: path, message: message))
  }

  /// Reports at the value of a path, or at the nearest thing around it that was written.
  mutating func report(at path: Path, _ message: String) {
    var checker = SpecChecker(root: root)
    checker.report(at: path, message)
    reading.report(checker.problems)
  }

  /// - Parameter base: reads the base experiment from the path that the document gives.
  mutating func read(
    base load: (String, JSONNode.Origin, inout SpecReading) -> JSONNode?
  ) throws(SpecErrors) -> (spec: SweepSpec, template: TrialTemplate) {
    var checker = SpecChecker(root: root)
    let document = checker.check(root, .object(SweepDescription.root), Path())
    reading.report(checker.problems)
    guard let document else { throw reading.errors }
    checked = document

    let seeds = readSeeds()
    let limit = readTimeLimit()
    let parameters = readParameters()
    let space = SearchSpace(parameters.map(\.parameter))
    var template: TrialTemplate?
    var written = JSONValue.null
    var assignments: [SweepSpec.Assignment] = []
    if var base = try askFiles(readBase(load), parameters) {
      written = base.value
      assignments = apply(to: &base, parameters)
      let candidate = TrialTemplate(base: base, slots: parameters.map(\.slot))
      if checkVariables(of: candidate, parameters) { template = candidate }
    }
    guard let template else { throw reading.errors }
    var trials = TrialChecker(template, space)
    trials.checkEachValue()
    reading.report(trials.problems)
    guard reading.isFine else { throw reading.errors }
    let spec = checkRules(
      SweepSpec(
        checked: checked, base: written, set: assignments, space: space,
        measured: trials.measured.first!, seeds: seeds, timeLimit: limit,
        epochs: trials.epochs!.upperBound),
      parameters, trials)
    guard reading.isFine else { throw reading.errors }
    return (spec, template)
  }

  // MARK: - Single keys

  private mutating func readSeeds() -> [UInt64] {
    guard let value = checked["seeds"] else { return [] }
    var seeds: [UInt64] = []
    if let text = value.string {
      guard let list = SeedList.seeds(text) else {
        report(
          at: Path() + "seeds",
          "\(shortened(text)) is no list of at most \(SeedList.limit) seeds, each range from the "
            + "lesser to the greater")
        return []
      }
      seeds = list
    } else {
      seeds = value.array?.compactMap(\.uint64) ?? []
    }
    var seen: Set<UInt64> = []
    for (place, seed) in seeds.enumerated() where !seen.insert(seed).inserted {
      report(
        at: value.string == nil ? Path() + "seeds" + place : Path() + "seeds",
        "the seed \(seed) is given twice; it would run the same again")
    }
    return seeds
  }

  private mutating func readTimeLimit() -> Double? {
    guard let value = checked["time_limit"] else { return nil }
    let seconds = value.double ?? value.string.flatMap(DurationText.seconds)
    if seconds == 0 { report(at: Path() + "time_limit", "no time is no limit; null is") }
    return seconds
  }

  /// The base as it is written, without the editor's schema, and with the numerics that it means.
  private mutating func readBase(
    _ load: (String, JSONNode.Origin, inout SpecReading) -> JSONNode?
  ) -> JSONNode? {
    guard let member = root["base"], checked["base"] != nil else { return nil }
    var base: JSONNode? = member.value
    if case .string(let path) = member.value.content {
      base = load(path, member.value.origin, &reading)
    }
    guard var base else { return nil }
    guard case .object(var members) = base.content else {
      report(base.origin, Path(), "found \(base.found), but an experiment, an object, is expected")
      return nil
    }
    members.removeAll { $0.key == "$schema" }
    base.content = .object(members)
    base.add(Numerics.unsaid(in: basePath))
    return base
  }

  /// The base with what it leaves to one's own files, as they are with the values of `set`.
  private mutating func askFiles(
    _ base: JSONNode?, _ parameters: [ReadParameter]
  ) throws(SpecErrors) -> JSONNode? {
    guard var base else { return nil }
    var set = base
    _ = apply(to: &set, parameters)
    do throws(DatasetError) {
      if let told = try set.toldByFiles(locator) { base.add(told) }
    } catch {
      report(base.origin, Path() + "dataset" + "path", error.message)
      throw reading.errors
    }
    do throws(SpecChecker.Problem) {
      try base.addModels(told: set, of: basePath) { section in
        parameters.map(\.parameter.path).contains { path in
          path == section
            || ["model", "weights_sha256"].contains { path.hasPrefix("\(section).\($0)") }
        }
      }
    } catch {
      reading.report(error)
      throw reading.errors
    }
    return base
  }

  /// The file of the base.
  private var basePath: String {
    guard case .string(let path)? = root["base"]?.value.content else { return name }
    return specPath(path, besides: name)
  }

  /// Puts the values of `set` into the base.
  private mutating func apply(
    to base: inout JSONNode, _ parameters: [ReadParameter]
  ) -> [SweepSpec.Assignment] {
    guard case .object(let members)? = root["set"]?.value.content else { return [] }
    var assignments: [SweepSpec.Assignment] = []
    var paths: [Path] = []
    for member in members {
      guard let path = Path(parsing: member.key), !isVariable(member.key) else {
        reportKey(member, "set")
        continue
      }
      let place = self.place("set", member.key)
      if path.steps == [.key("seed")] {
        report(
          member.keyOrigin, place,
          "an experiment's seed is one of the sweep's; give \"seeds\" instead")
        continue
      }
      if paths.contains(path) {
        report(member.keyOrigin, place, "is given twice")
        continue
      }
      if let parameter = parameters.first(where: { $0.isAround(path) }) {
        report(
          member.keyOrigin, place,
          "sets what the parameter \(parameter.parameter.path) replaces; leave it out")
        continue
      }
      paths.append(path)
      let override = Override(path: path, node: member.value, origin: member.keyOrigin)
      reading.apply(override, to: &base)
      assignments.append(
        SweepSpec.Assignment(path: path.description, value: member.value.value))
    }
    return assignments
  }

  mutating func reportKey(_ member: JSONNode.Member, _ section: String) {
    report(
      member.keyOrigin, place(section, member.key),
      "is not a key; write it as optimizer.learning_rate or model[0].filters"
        + (section == "parameters" ? ", or as a name such as $rate" : ""))
  }

  /// Where messages say that a member of a section is: on the command line it stands by itself.
  func place(_ section: String, _ key: String) -> Path {
    if isAdHoc, let path = Path(parsing: key) { return path }
    return Path() + section + key
  }

  // MARK: - Variables

  /// Whether every variable that is used is a parameter, and every one that is a parameter is used.
  private mutating func checkVariables(
    of template: TrialTemplate, _ parameters: [ReadParameter]
  ) -> Bool {
    var defined: [String] = []
    if case .object(let members)? = root["parameters"]?.value.content {
      defined = members.map(\.key).filter(isVariable)
    }
    var used: Set<String> = []
    var isFine = true
    var problems: [SpecChecker.Problem] = []
    func look(_ node: JSONNode, _ path: Path, in known: [String]) {
      switch node.content {
      case .string(let text) where isVariable(text):
        used.insert(text)
        if known.contains(text) { return }
        isFine = false
        let near = nearMiss(to: text, among: defined)
        let message =
          defined.contains(text)
          ? "\(text) stands here before its own parameter; move that one before this"
          : "\(text) is none of the sweep's parameters"
            + (near.map { "; did you mean \($0)?" } ?? "")
        problems.append(
          SpecChecker.Problem(origin: node.origin, path: path, message: message))
      case .array(let items):
        for (index, item) in items.enumerated() { look(item, path + index, in: known) }
      case .object(let members):
        for member in members { look(member.value, path + member.key, in: known) }
      default: break
      }
    }
    look(template.base, Path(), in: defined)
    for (place, read) in parameters.enumerated() {
      var known = defined
      if case .variable = read.slot.target {
        // Only those before it, so that none leads back to itself.
        known = parameters[..<place].map(\.parameter.path).filter(isVariable)
      }
      for (option, node) in read.slot.options.enumerated() {
        look(node, read.optionPath(option), in: known)
      }
    }
    reading.report(problems)
    for read in parameters {
      guard case .variable(let name) = read.slot.target, !used.contains(name) else { continue }
      report(
        read.keyOrigin, read.path,
        "stands nowhere; write \"\(name)\" as a value in the base, in set or in a choice")
      isFine = false
    }
    // One that is wrong itself has no value to be replaced by.
    let read = parameters.map(\.parameter.path).filter(isVariable)
    return isFine && read.count == defined.count
  }
}
