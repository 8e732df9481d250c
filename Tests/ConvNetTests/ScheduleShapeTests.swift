import TestSupport
import Testing

@testable import ConvNet

/// The schedules of `schedule_shapes.json` over many epochs, and warm-ups before them, against PyTorch's and Keras's own
/// numbers.
@Suite struct ScheduleShapeTests {
  struct Case: Decodable {
    let source: String
    let schedule: Shape
    let stepsPerEpoch: Int
    let learningRate: Float
    let rates: [Double]
    let momenta: [Double]?
    /// By epoch, what a plateau is looked for in.
    let monitored: [Double]?
  }

  struct Shape: Decodable {
    struct Rise: Decodable { let epochs, from: Double }
    let name: String
    let epochs, rise, start, final, growth, peak, power, timescale, factor, decay: Double?
    let every, patience: Int?
    let anneal: String?
    let threePhase: Bool?
    let momentum, boundaries, factors: [Double]?
    let warmup: Rise?

    var schedule: Schedule {
      switch name {
      case "constant": .constant
      case "step": .step(StepDescription(every: every!, factor: factor!))
      case "exponential": .exponential(ExponentialDescription(decay: decay!, staircase: false))
      case "cosine": .cosine(CosineDescription(epochs: epochs!, final: final!))
      case "reduce_on_plateau":
        .reduceOnPlateau(PlateauDescription(factor: factor!, patience: patience!))
      case "one_cycle":
        .oneCycle(
          OneCycleDescription(
            epochs: epochs!, rise: rise!, start: start!, final: final!,
            anneal: OneCycleDescription.Anneal(rawValue: anneal!)!, threePhase: threePhase!,
            momentum: momentum.map { .init(low: $0[0], high: $0[1]) }))
      case "cosine_restarts":
        .cosineRestarts(
          CosineRestartsDescription(
            epochs: epochs!, growth: growth!, peak: peak ?? 1, final: final!))
      case "polynomial":
        .polynomial(PolynomialDescription(epochs: epochs!, power: power!, final: final!))
      case "piecewise": .piecewise(PiecewiseDescription(boundaries: boundaries!, factors: factors!))
      case "inverse_sqrt": .inverseSquareRoot(timescale: timescale!)
      default: preconditionFailure("an unknown schedule, \(name)")
      }
    }
  }

  @Test func manyEpochs() throws {
    let cases = try Fixture.cases("schedule_shapes", as: Case.self)
    #expect(Set(cases.map(\.schedule.name)).count == 10)
    for c in cases {
      var rate = LearningRate(
        base: c.learningRate, schedule: c.schedule.schedule,
        warmup: c.schedule.warmup.map { Warmup(epochs: $0.epochs, from: $0.from) },
        stepsPerEpoch: c.stepsPerEpoch)
      // Keras computes in 32 bits, where what is left of 1 + cos near its end is as rough as 1.
      let limit = c.source.hasPrefix("keras") ? Double(c.learningRate.ulp) : 0
      for (step, expected) in c.rates.enumerated() {
        if let monitored = c.monitored, step > 0, step % c.stepsPerEpoch == 0 {
          rate.finishEpoch(monitored: monitored[step / c.stepsPerEpoch - 1])
        }
        let actual = Double(rate.rate(step: step))
        #expect(
          abs(actual - expected) <= max(1e-5 * expected, limit),
          "\(c.source), \(c.schedule.name), step \(step): \(actual), not \(expected)")
      }
      for (step, expected) in (c.momenta ?? []).enumerated() {
        let actual = rate.momentum(step: step).map { Double($0) } ?? .nan
        #expect(abs(actual - expected) <= 1e-7, "\(c.source), momentum of step \(step)")
      }
    }
  }

  /// Beyond their end, schedules stay where they ended.
  @Test func afterTheEnd() {
    let schedules: [(Schedule, Float)] = [
      (.oneCycle(OneCycleDescription(epochs: 2, final: 0.125, momentum: .init())), 0.125),
      (.polynomial(PolynomialDescription(epochs: 2, power: 2, final: 0.25)), 0.25),
      (.piecewise(PiecewiseDescription(boundaries: [1.5], factors: [1, 0.5])), 0.5),
    ]
    for (schedule, last) in schedules {
      let rate = LearningRate(base: 1, schedule: schedule, warmup: nil, stepsPerEpoch: 4)
      for step in [8, 9, 1000] { #expect(rate.rate(step: step) == last) }
      if let momentum = rate.momentum(step: 1000) { #expect(momentum == 0.95) }
    }
  }

  /// A cycle waits for the end of the warm-up; before it the momentum is that of the beginning.
  @Test func cycleAfterWarmup() {
    let cycle = Schedule.oneCycle(
      OneCycleDescription(epochs: 3, rise: 0.5, start: 1, momentum: .init(low: 0.5, high: 0.75)))
    let alone = LearningRate(base: 1, schedule: cycle, warmup: nil, stepsPerEpoch: 4)
    let later = LearningRate(
      base: 1, schedule: cycle, warmup: Warmup(epochs: 2), stepsPerEpoch: 4)
    for step in 0..<12 {
      #expect(later.rate(step: step + 8) == alone.rate(step: step))
      #expect(later.momentum(step: step + 8) == alone.momentum(step: step))
    }
    for step in 0..<8 { #expect(later.momentum(step: step) == 0.75) }
    #expect(later.rate(step: 4) == 0.5)
  }
}
