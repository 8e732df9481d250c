import Experiment
import Search
import Storage

/// Makes the experiments of a sweep's configurations: the base with the parameters' values in it.
///
/// First the values of key paths are put in, in the order of the parameters, so that a path may lead
/// into the value of one before it; then every variable that is left is replaced.
public struct TrialTemplate: Sendable {
  /// The base with `set` applied, knowing where each value was written.
  let base: JSONNode
  let slots: [Slot]
  private let variables: [String]

  /// Where a parameter's value goes, and what it was written as.
  struct Slot: Sendable {
    let target: Target
    /// The options of a choice, by place; empty for numbers.
    let options: [JSONNode]
    /// Where the bounds of numbers were written.
    let origin: JSONNode.Origin
    /// Where the target was written.
    let keyOrigin: JSONNode.Origin

    enum Target: Sendable {
      case path(Path)
      case variable(String)

      init?(_ key: String) {
        if isVariable(key) {
          self = .variable(key)
        } else if let path = Path(parsing: key) {
          self = .path(path)
        } else {
          return nil
        }
      }
    }

    func node(_ value: Configuration.Value) -> JSONNode {
      switch value {
      case .option(let place): options[place]
      case .number(let number): JSONNode(JSONValue(number), origin: origin)
      case .integer(let number): JSONNode(JSONValue(number), origin: origin)
      }
    }
  }

  init(base: JSONNode, slots: [Slot]) {
    self.base = base
    self.slots = slots
    variables = slots.compactMap { if case .variable(let name) = $0.target { name } else { nil } }
  }

  public init(_ spec: SweepSpec) {
    let origin = JSONNode.Origin.file(offset: 0)
    var base = JSONNode(spec.base, origin: origin)
    for assignment in spec.set {
      guard let path = Path(parsing: assignment.path) else {
        preconditionFailure("\(assignment.path) is no path")
      }
      let override = Override(path: path, node: JSONNode(assignment.value, origin: origin))
      do { try override.apply(to: &base) } catch { preconditionFailure(error.message) }
    }
    let slots = spec.space.parameters.map { parameter in
      guard let target = Slot.Target(parameter.path) else {
        preconditionFailure("\(parameter.path) is no path")
      }
      var options: [JSONNode] = []
      if case .choice(let choices) = parameter.domain {
        options = choices.map { JSONNode($0.value, origin: origin) }
      }
      return Slot(target: target, options: options, origin: origin, keyOrigin: origin)
    }
    self.init(base: base, slots: slots)
  }

  /// The experiment of a configuration with a seed: what a run of it takes.
  ///
  /// - Throws: what is wrong with it, by key path, where checks of the whole sweep have not seen
  ///   this configuration.
  public func experiment(
    for configuration: Configuration, seed: UInt64
  ) throws(SpecErrors) -> ExperimentSpec {
    let (experiment, problems) = check(configuration, seed: seed)
    guard let experiment else { throw SpecErrors(problems, of: "trial") }
    return experiment
  }

  /// The experiment of a configuration, or all that is wrong with it.
  func check(
    _ configuration: Configuration, seed: UInt64 = 1
  ) -> (experiment: ExperimentSpec?, problems: [SpecChecker.Problem]) {
    var problems: [SpecChecker.Problem] = []
    let document = document(of: configuration, seed: seed, &problems)
    // What couldn't be put in its place would only be found again.
    guard problems.isEmpty else { return (nil, problems) }
    var checker = SpecChecker(root: document)
    let checked = checker.checkExperiment()
    guard let checked, checker.problems.isEmpty else { return (nil, checker.problems) }
    return (ExperimentSpec(checked: checked), [])
  }

  /// The document of a configuration, unchecked.
  func document(
    of configuration: Configuration, seed: UInt64, _ problems: inout [SpecChecker.Problem]
  ) -> JSONNode {
    precondition(configuration.values.count == slots.count, "a configuration of another space")
    var root = base
    var values: [String: JSONNode] = [:]
    for (slot, value) in zip(slots, configuration.values) {
      guard let value else { continue }
      let node = slot.node(value)
      switch slot.target {
      case .path(let path):
        do throws(SpecChecker.Problem) {
          try Override(path: path, node: node, origin: slot.keyOrigin).apply(to: &root)
        } catch { problems.append(error) }
      case .variable(let name):
        values[name] = replaced(node, values, Path(), &problems)
      }
    }
    if !variables.isEmpty { root = replaced(root, values, Path(), &problems) }
    let seedNode = JSONNode(JSONValue(seed), origin: .file(offset: 0))
    if case .object(var members) = root.content {
      members.removeAll { $0.key == "seed" }
      members.append(JSONNode.Member(key: "seed", keyOrigin: seedNode.origin, value: seedNode))
      root.content = .object(members)
    }
    return root
  }

  /// A value with its variables replaced. Names that are no parameter's are left as they are.
  private func replaced(
    _ node: JSONNode, _ values: [String: JSONNode], _ path: Path,
    _ problems: inout [SpecChecker.Problem]
  ) -> JSONNode {
    switch node.content {
    case .string(let text):
      guard text.utf8.first == UInt8(ascii: "$"), variables.contains(text) else { return node }
      if let value = values[text] { return value }
      problems.append(
        SpecChecker.Problem(
          origin: node.origin, path: path,
          message: "\(text) has no value here, since what its \"when\" says doesn't hold"))
      return node
    case .array(let items):
      var result = node
      result.content = .array(
        items.enumerated().map { replaced($1, values, path + $0, &problems) })
      return result
    case .object(var members):
      for index in members.indices {
        members[index].value = replaced(
          members[index].value, values, path + members[index].key, &problems)
      }
      var result = node
      result.content = .object(members)
      return result
    default: return node
    }
  }
}

/// Whether a string stands for a parameter's value: `$` and a name.
func isVariable(_ text: String) -> Bool {
  guard text.utf8.first == UInt8(ascii: "$") else { return false }
  let name = text.utf8.dropFirst()
  func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
  }
  guard let first = name.first, isLetter(first) else { return false }
  return name.allSatisfy {
    isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
  }
}

extension SweepSpec {
  /// As `TrialTemplate.experiment(for:seed:)`; take the template where many are made.
  public func experiment(
    for configuration: Configuration, seed: UInt64
  ) throws(SpecErrors) -> ExperimentSpec {
    try TrialTemplate(self).experiment(for: configuration, seed: seed)
  }
}
