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

  public init(_ path: String, _ domain: Domain, when condition: Condition? = nil, points: Int? = nil)
  {
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

  /// - Precondition: a condition refers to an earlier parameter, which is a choice.
  public init(_ parameters: [Parameter]) {
    for (place, parameter) in parameters.enumerated() {
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
