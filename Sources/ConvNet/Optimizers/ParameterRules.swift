/// The rules of parameters that don't go by the optimizer's own: those of layers whose learning rate has a
/// factor, and of such as began to learn later than the others.
final class ParameterRules {
  private struct Kind: Hashable {
    var factor: Float = 1
    /// Steps that don't count.
    var after = 0
  }

  private let kinds: [Kind]
  /// For each parameter, which of the kinds is its own; nil where it goes by the optimizer's rule.
  private let places: [Int?]
  /// The rule of each kind at this step.
  private var rules: [OptimizerStep]

  init(_ optimizer: OptimizerDescription, of parameters: [Parameter]) {
    var kinds: [Kind] = []
    places = parameters.map { parameter in
      var kind = Kind(after: parameter.after)
      if let own = optimizer.layerFactors.first(where: {
        parameter.name.hasPrefix("\($0.layer)/")
      }) {
        kind.factor = own.factor
      }
      guard kind != Kind() else { return nil }
      if !kinds.contains(kind) { kinds.append(kind) }
      return kinds.firstIndex(of: kind)!
    }
    self.kinds = kinds
    rules = kinds.map { OptimizerStep(optimizer, learningRate: $0.factor, step: 1) }
  }

  func begin(_ optimizer: OptimizerDescription, learningRate: Float, step: Int, momentum: Float?) {
    for (i, kind) in kinds.enumerated() {
      rules[i] = OptimizerStep(
        optimizer, learningRate: learningRate * kind.factor, step: max(1, step - kind.after),
        momentum: momentum)
    }
  }

  /// What the learning rate of a parameter is multiplied by.
  func factor(of parameter: Int) -> Float {
    kinds.isEmpty ? 1 : places[parameter].map { kinds[$0].factor } ?? 1
  }

  /// The rule of a parameter that has one of its own.
  func rule(of parameter: Int) -> OptimizerStep? {
    kinds.isEmpty ? nil : places[parameter].map { rules[$0] }
  }
}
