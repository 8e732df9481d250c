import ConvNet
import Testing

@testable import Experiment

/// What a learning-rate range test suggests.
struct LearningRateRangeTests {
  static func rows(_ losses: [Double]) -> [LearningRateRange.Row] {
    losses.enumerated().map {
      LearningRateRange.Row(
        step: $0 + 1, learningRate: Float($0 + 1) / 64, loss: $1, smoothedLoss: $1)
    }
  }

  @Test func steepestDescentAndLeastLoss() throws {
    let falling = LearningRateRange(
      rows: Self.rows([2, 2, 2, 1.9, 1.8, 1.3, 0.9, 0.8, 0.9, 2, 4]), ending: .diverged)
    #expect(falling.steepest?.step == 6)
    #expect(falling.least?.step == 8)
    // A fall after the least loss is none that counts.
    let later = LearningRateRange(
      rows: Self.rows([2, 2, 2, 1.9, 1.8, 1.6, 1.5, 1.5, 1.6, 9, 3, 2]), ending: .complete)
    #expect(later.steepest?.step == 5 || later.steepest?.step == 6)
    let rising = LearningRateRange(rows: Self.rows([1, 2, 3, 4, 5]), ending: .complete)
    #expect(rising.steepest == nil)
    #expect(rising.least?.step == 1)
    let none = LearningRateRange(rows: [], ending: .notFinite)
    #expect(none.steepest == nil && none.least == nil)
    #expect(none.csv == "step,learning_rate,loss,smoothed_loss\n")
    for count in 1...4 {
      let few = LearningRateRange(
        rows: Self.rows((0..<count).map { 3 - Double($0) }), ending: .complete)
      #expect(few.least?.step == count)
    }
  }
}
