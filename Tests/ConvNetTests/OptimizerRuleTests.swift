import TestSupport
import Testing

@testable import ConvNet

/// The optimizers of `optimizer_rules.json` over fifty steps, against PyTorch's and Keras's own
/// numbers.
@Suite struct OptimizerRuleTests {
  struct Fixtures: Decodable {
    let initial: [Double]
    let gradients: [[Double]]
    let cases: [Case]
  }

  struct Case: Decodable {
    struct After: Decodable {
      let step: Int
      let parameters: [Double]
    }
    let name, source, optimizer: String
    let momentum, beta1, beta2, epsilon, rho, initial, momentumDecay, weightDecay: Float?
    let nesterov, amsgrad, centered: Bool?
    let learningRates: [Float]
    let after: [After]

    var rule: OptimizerRule {
      let convention: OptimizerConvention = source == "torch" ? .pytorch : .keras
      return switch optimizer {
      case "sgd":
        .sgd(SGDDescription(momentum: momentum!, nesterov: nesterov!, convention: convention))
      case "adam", "adamw":
        .adam(
          AdamDescription(
            beta1: beta1!, beta2: beta2!, epsilon: epsilon!, convention: convention,
            amsgrad: amsgrad ?? false))
      case "adadelta": .adadelta(AdadeltaDescription(rho: rho!, epsilon: epsilon!))
      case "rmsprop":
        .rmsprop(
          RMSpropDescription(
            rho: rho!, momentum: momentum!, epsilon: epsilon!, centered: centered!,
            convention: convention))
      case "adagrad":
        .adagrad(AdagradDescription(initial: initial!, epsilon: epsilon!, convention: convention))
      case "adamax":
        .adamax(
          AdamaxDescription(beta1: beta1!, beta2: beta2!, epsilon: epsilon!, convention: convention)
        )
      case "nadam":
        .nadam(
          NadamDescription(
            beta1: beta1!, beta2: beta2!, epsilon: epsilon!, momentumDecay: momentumDecay!))
      case "lion": .lion(LionDescription(beta1: beta1!, beta2: beta2!))
      default: preconditionFailure("an unknown optimizer, \(optimizer)")
      }
    }
  }

  /// Each parameter moves as far as it should, to a hundred-thousandth of that way, or to what w, a
  /// float32 number, is rounded by: half a unit in its last place at each step, and as much again where
  /// it decays. What begins at 0 has small units, and what has no gradient stays where it is.
  @Test func fiftySteps() throws {
    let fixture = try Fixture.load("optimizer_rules", as: Fixtures.self)
    #expect(Set(fixture.cases.map(\.optimizer)).count == 9)
    for c in fixture.cases {
      let description = OptimizerDescription(
        rule: c.rule, learningRate: c.learningRates[0], weightDecay: c.weightDecay ?? 0)
      // Two whole vectors and a rest, each number thrice.
      let count = fixture.initial.count
      let (w, g) = (Buffer(3 * count), Buffer(3 * count))
      let moments = c.rule.moments.map { _ in
        let moment = Buffer(3 * count)
        moment.all.update(repeating: c.rule.initialMoment)
        return moment
      }
      for i in 0..<3 * count { w.base[i] = Float(fixture.initial[i % count]) }
      var largest = w.all.map { abs($0) }
      for (index, gradient) in fixture.gradients.enumerated() {
        for i in 0..<3 * count { g.base[i] = Float(gradient[i % count]) }
        OptimizerStep(description, learningRate: c.learningRates[index], step: index + 1)
          .update(
            w.base, gradient: g.base, MomentRun(moments, at: 0, gradient: g.base),
            count: 3 * count, decays: true)
        for i in 0..<3 * count { largest[i] = max(largest[i], abs(w.base[i])) }
        for i in 0..<3 * count where g.base[i] != Float(gradient[i % count]) {
          Issue.record("\(c.name): the gradient was changed")
        }
        guard let after = c.after.first(where: { $0.step == index + 1 }) else { continue }
        for i in 0..<3 * count {
          let start = fixture.initial[i % count]
          let (way, expected) = (Double(w.base[i]) - start, after.parameters[i % count] - start)
          let rounding =
            Double(index + 1) * (c.weightDecay == nil ? 0.5 : 1) * Double(largest[i].ulp)
          #expect(
            abs(way - expected) <= max(1e-5 * abs(expected), expected == 0 ? 0 : rounding),
            "\(c.name), step \(index + 1), parameter \(i): moved by \(way), not \(expected)")
        }
      }
    }
  }

  /// Decoupled decay is for kernels only.
  @Test func decaySparesBiases() {
    let description = OptimizerDescription(
      rule: .sgd(SGDDescription(momentum: 0, nesterov: false, convention: .keras)),
      learningRate: 0.5,
      weightDecay: 0.25)
    let (w, g) = (Buffer(20), Buffer(20))
    for decays in [false, true] {
      for i in 0..<20 { w.base[i] = 2 }
      OptimizerStep(description, learningRate: 0.5, step: 1).update(
        w.base, gradient: g.base, MomentRun([], at: 0, gradient: g.base), count: 20,
        decays: decays)
      #expect(w.all.allSatisfy { $0 == (decays ? 1.75 : 2) })
    }
  }

  static let rules: [OptimizerRule] = [
    .sgd(SGDDescription(momentum: 0, nesterov: false, convention: .keras)),
    .sgd(SGDDescription(momentum: 0.9, nesterov: true, convention: .pytorch)),
    .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras)),
    .adam(
      AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras, amsgrad: true)),
    .adadelta(AdadeltaDescription(rho: 0.95, epsilon: 1e-7)),
    .rmsprop(RMSpropDescription(momentum: 0.9, centered: true)),
    .rmsprop(RMSpropDescription(centered: true)), .rmsprop(RMSpropDescription()),
    .adagrad(AdagradDescription(initial: 0.1, epsilon: 1e-7, convention: .keras)),
    .adamax(AdamaxDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .pytorch)),
    .nadam(NadamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, momentumDecay: 0.004)),
    .lion(LionDescription(beta1: 0.9, beta2: 0.99)),
  ]

  static let determinismCases = rules.enumerated().map { i, rule in
    DeterminismTests.Case(
      name: "\(rule.name) \(i)", input: DeterminismTests.image,
      model: DeterminismTests.cases[0].model,
      optimizer: OptimizerDescription(rule: rule, learningRate: 1e-2, weightDecay: 0.01))
  }

  /// The state that a rule needs is the state that it says it has.
  @Test(arguments: rules) func stateIsAllThatCounts(_ rule: OptimizerRule) {
    let description = OptimizerDescription(rule: rule, learningRate: 0.01)
    func run(movingAt stop: Int?) -> [UInt32] {
      let count = 21
      var (w, moments) = (Buffer(count), rule.moments.map { _ in Buffer(count) })
      for moment in moments { moment.all.update(repeating: rule.initialMoment) }
      _ = w.all.update(fromContentsOf: randomFloats(count, seed: 1))
      for step in 1...12 {
        if step == stop {
          let (other, others) = (Buffer(count), rule.moments.map { _ in Buffer(count) })
          other.base.update(from: w.base, count: count)
          for (to, from) in zip(others, moments) { to.base.update(from: from.base, count: count) }
          (w, moments) = (other, others)
        }
        let g = Buffer(count)
        _ = g.all.update(fromContentsOf: randomFloats(count, seed: UInt64(step)))
        OptimizerStep(description, learningRate: 0.01, step: step).update(
          w.base, gradient: g.base, MomentRun(moments, at: 0, gradient: g.base), count: count,
          decays: true)
      }
      return bits(w.all)
    }
    #expect(run(movingAt: 7) == run(movingAt: nil))
  }

  /// A schedule's momentum is the rule's own, if it is the same, and another rule's if not.
  @Test func cycledMomentum() {
    for rule in Self.rules {
      guard let own = rule.momentum else { continue }
      #expect(rule.with(momentum: own) == rule)
      #expect(rule.with(momentum: 0.5) != rule)
      #expect(rule.with(momentum: 0.5).momentum == 0.5)
      #expect(rule.with(momentum: 0.5).moments == rule.moments)
    }
  }
}
