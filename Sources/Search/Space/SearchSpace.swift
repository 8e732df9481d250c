/// One dimension of a search.
public struct Parameter: Hashable, Sendable {
  /// The key path in the experiment that it sets, such as `optimizer.learning_rate`; or a variable
  /// such as `$dropout`, which stands wherever the experiment says `"$dropout"`.
  public let path: String
  public let domain: Domain
  /// When it matters at all; nil for always.
  public let condition: Condition?
  /// How many values a grid takes of a range; nil for a choice, or all the whole numbers.
  public let points: Int?

  public init(
    _ path: String, _ domain: Domain, when condition: Condition? = nil, points: Int? = nil
  ) {
    self.path = path
    self.domain = domain
    self.condition = condition
    self.points = points
  }
}

/// Holds when another parameter is active and has one of some values.
public struct Condition: Hashable, Sendable {
  /// The place of that parameter in the space, before the one that depends on it.
  public let parameter: Int
  /// The options of its choice, by place.
  public let options: [Int]

  public init(parameter: Int, options: [Int]) {
    self.parameter = parameter
    self.options = options
  }
}

/// The hyperparameters that a sweep varies, in the order of its spec.
public struct SearchSpace: Hashable, Sendable {
  public let parameters: [Parameter]

  /// The most values that a grid takes of a range.
  public static let maximumPoints = 10_000
  /// The largest magnitude of a whole number: each still has a cell of its own in [0, 1].
  public static let maximumInteger = 1 << 48

  /// - Precondition: a condition refers to an earlier parameter, which is a choice; a domain has at
  ///   least one value, bounds that are finite and in order, above 0 on the log scale, within
  ///   ±`maximumInteger` where they are whole; `points` is 1 to `maximumPoints`.
  public init(_ parameters: [Parameter]) {
    for (place, parameter) in parameters.enumerated() {
      precondition(parameter.domain.isSound, "\(parameter.path) has no sound domain")
      precondition(parameter.points.map { (1...Self.maximumPoints).contains($0) } ?? true)
      guard let condition = parameter.condition else { continue }
      precondition(condition.parameter < place)
      guard case .choice(let options) = parameters[condition.parameter].domain else {
        preconditionFailure("a condition on what is no choice")
      }
      precondition(condition.options.allSatisfy(options.indices.contains))
    }
    self.parameters = parameters
  }
}

extension Domain {
  fileprivate var isSound: Bool {
    switch self {
    case .choice(let options): !options.isEmpty
    case .range(let lower, let upper, let scale):
      lower.isFinite && upper.isFinite && lower <= upper && (scale == .linear || lower > 0)
    case .integers(let lower, let upper, let scale):
      lower <= upper && -SearchSpace.maximumInteger <= lower
        && upper <= SearchSpace.maximumInteger && (scale == .linear || lower > 0)
    }
  }
}
