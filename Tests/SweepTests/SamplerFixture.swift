import Sweep

@testable import Search

extension Domain {
  static func labels(_ labels: String...) -> Domain {
    .choice(labels.map { Option(label: $0, value: .string($0)) })
  }
}

/// A space with all that a space can have: a choice, both scales, both kinds of numbers, conditions
/// on a choice, and on a conditional choice.
let mixedSpace = SearchSpace([
  Parameter("optimizer.name", .labels("sgd", "adam", "adadelta")),
  Parameter("optimizer.learning_rate", .range(lower: 1e-4, upper: 1e-1, scale: .log), points: 4),
  Parameter(
    "optimizer.momentum", .range(lower: 0, upper: 0.99, scale: .linear),
    when: Condition(parameter: 0, options: [0]), points: 3),
  Parameter(
    "$kind", .labels("constant", "step"), when: Condition(parameter: 0, options: [0, 1])),
  Parameter(
    "$every", .integers(lower: 1, upper: 4, scale: .linear),
    when: Condition(parameter: 3, options: [1])),
  Parameter("training.batch_size", .integers(lower: 16, upper: 512, scale: .log), points: 3),
])
