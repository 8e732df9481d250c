import ConvNet
import Experiment
import Search
import Storage

/// Builds the experiments of configurations, network and all, and gathers what is wrong with them,
/// with the values that are to blame.
struct TrialChecker {
  let template: TrialTemplate
  let space: SearchSpace
  private(set) var problems: [SpecChecker.Problem] = []
  /// How many configurations were built.
  private(set) var count = 0
  /// The least and the most epochs of those that are right.
  private(set) var epochs: ClosedRange<Int>?
  /// The one whose batch norms' moving statistics are left most of their beginning; nil where none has
  /// any that doesn't correct for it.
  private(set) var leastMoved: ExperimentSpec?
  /// Whether one of them holds no images out.
  private(set) var lacksValidation = false

  /// The kernels that they ask for.
  private(set) var kernels: Set<String> = []

  /// What they measure besides loss and accuracy: one list where all measure the same.
  private(set) var measured: [[MetricName]] = []

  private var seen: Set<SpecChecker.Problem> = []

  /// More are not looked for.
  static let problemLimit = 50

  var isFull: Bool { problems.count >= Self.problemLimit }

  init(_ template: TrialTemplate, _ space: SearchSpace) {
    self.template = template
    self.space = space
  }

  /// The experiment of a configuration; nil, and a problem, where it isn't one.
  @discardableResult
  mutating func check(_ configuration: Configuration) -> ExperimentSpec? {
    count += 1
    let (experiment, found) = template.check(configuration)
    for problem in found where seen.insert(problem).inserted {
      problems.append(blamed(problem, configuration))
    }
    if let experiment {
      let length = experiment.training.epochs
      epochs = min(epochs?.lowerBound ?? length, length)...max(epochs?.upperBound ?? length, length)
      kernels.insert(experiment.compute.kernel)
      if experiment.dataset.validation == .none { lacksValidation = true }
      if !measured.contains(experiment.metrics) { measured.append(experiment.metrics) }
      leastMoved = MovingStatistics.lesserMoved(leastMoved, experiment)
    }
    return experiment
  }

  /// Tries every option, and the ends and the inside of every interval, one parameter at a time. A
  /// number inside is hardly whole, and shows what takes no others.
  mutating func checkEachValue() {
    check(configuration([:]))
    for place in space.parameters.indices {
      for value in space.parameters[place].domain.samples {
        if isFull { return }
        check(configuration([place: value]))
      }
      let origin = template.slots[place].origin
      guard case .range = space.parameters[place].domain,
        !problems.contains(where: { $0.origin == origin })
      else { continue }
      check(configuration([place: space.parameters[place].domain.value(at: 0.382)]))
      for index in problems.indices where problems[index].origin == origin {
        problems[index].message += "; write \"integers\" for \"range\" if it is to be whole"
      }
    }
  }

  /// The configuration with some values, all else being the first option or the lower bound. What
  /// the given ones depend on is chosen so that they matter.
  func configuration(_ chosen: [Int: Configuration.Value]) -> Configuration {
    var chosen = chosen
    for place in chosen.keys.sorted(by: >) {
      var child = place
      while let condition = space.parameters[child].condition {
        if case .option(let option)? = chosen[condition.parameter],
          condition.options.contains(option)
        {
          break
        }
        if chosen[condition.parameter] != nil { break }
        chosen[condition.parameter] = .option(condition.options[0])
        child = condition.parameter
      }
    }
    return space.configuration { chosen[$0] ?? $1.first }
  }

  // MARK: - Blame

  /// The problem, its message naming the values that cause it, but for one that it points at.
  private func blamed(
    _ problem: SpecChecker.Problem, _ configuration: Configuration
  ) -> SpecChecker.Problem {
    var blamed = responsible(for: problem, in: configuration)
    blamed.removeAll { place in
      template.slots[place].isOrigin(of: problem, configuration.values[place]!)
    }
    if blamed.isEmpty { return problem }
    let values = blamed.map { place in
      let parameter = space.parameters[place]
      let value = configuration.values[place]!
      let label = parameter.domain.label(value)
      if case .option = value, parameter.domain.json(value).number == nil {
        return "\(parameter.path) = \(shortened(label))"
      }
      return "\(parameter.path) = \(label)"
    }
    var problem = problem
    problem.message += " (with \(values.joined(separator: ", ")))"
    return problem
  }

  /// The parameters without whose values the problem goes away: what is left when as many as can
  /// be are set back to their first value. Where none is left, those whose first value alone does
  /// it.
  private func responsible(
    for problem: SpecChecker.Problem, in configuration: Configuration
  ) -> [Int] {
    func has(_ configuration: Configuration) -> Bool {
      template.check(configuration).problems.contains(problem)
    }
    var values = configuration.values
    for place in values.indices.reversed() {
      guard let value = values[place], value != space.parameters[place].domain.first else {
        continue
      }
      var others = values
      others[place] = space.parameters[place].domain.first
      let other = space.configuration { others[$0] ?? $1.first }
      if has(other) { values = other.values }
    }
    let left = values.indices.filter {
      values[$0] != nil && values[$0] != space.parameters[$0].domain.first
        && values[$0] == configuration.values[$0]
    }
    if !left.isEmpty { return left }
    return values.indices.filter { place in
      guard values[place] != nil, values[place] == configuration.values[place] else { return false }
      return space.parameters[place].domain.samples.prefix(8).dropFirst().contains { value in
        !has(space.configuration { $0 == place ? value : values[$0] ?? $1.first })
      }
    }
  }
}

extension TrialTemplate.Slot {
  /// Whether the problem's place is within what was written for this value.
  fileprivate func isOrigin(
    of problem: SpecChecker.Problem, _ value: Configuration.Value
  ) -> Bool {
    guard case .option(let place) = value else { return problem.origin == origin }
    return options[place].contains(problem.origin)
  }
}

extension JSONNode {
  fileprivate func contains(_ other: Origin) -> Bool {
    if origin == other { return true }
    switch content {
    case .array(let items): return items.contains { $0.contains(other) }
    case .object(let members):
      return members.contains { $0.keyOrigin == other || $0.value.contains(other) }
    default: return false
    }
  }
}

extension Domain {
  /// The first option, or the lower bound.
  var first: Configuration.Value {
    switch self {
    case .choice: .option(0)
    case .range(let lower, _, _): .number(lower)
    case .integers(let lower, _, _): .integer(lower)
    }
  }

  /// Values that show whether all are right: every option, or both ends.
  var samples: [Configuration.Value] {
    switch self {
    case .choice(let options): options.indices.map(Configuration.Value.option)
    case .range(let lower, let upper, _): [.number(lower), .number(upper)]
    case .integers(let lower, let upper, _): [.integer(lower), .integer(upper)]
    }
  }
}
