/// The phases of one cycle, in steps.
struct OneCycle {
  private let description: OneCycleDescription
  /// The last step of each phase, counted from 0; a fraction where the rise isn't a whole number of
  /// steps (PyTorch's end_step).
  private let ends: [Double]

  init(_ description: OneCycleDescription, stepsPerEpoch: Int) {
    self.description = description
    let steps = max((description.epochs * Double(stepsPerEpoch)).rounded(), 1)
    let rise = description.rise * steps - 1
    ends = description.threePhase ? [rise, 2 * rise, steps - 1] : [rise, steps - 1]
  }

  /// The factor of the learning rate, and the momentum where that is cycled.
  func values(at step: Double) -> (factor: Double, momentum: Double?) {
    let (start, final) = (description.start, description.final)
    let factors = description.threePhase ? [start, 1, start, final] : [start, 1, final]
    let phase = ends.firstIndex { step <= $0 } ?? ends.count - 1
    let begin = phase == 0 ? 0 : ends[phase - 1]
    let length = ends[phase] - begin
    let part = length == 0 ? 1 : min(max((step - begin) / length, 0), 1)
    let momentum = description.momentum.map { cycle in
      let values =
        description.threePhase
        ? [cycle.high, cycle.low, cycle.high, cycle.high] : [cycle.high, cycle.low, cycle.high]
      return between(values[phase], values[phase + 1], part)
    }
    return (between(factors[phase], factors[phase + 1], part), momentum)
  }

  private func between(_ from: Double, _ to: Double, _ part: Double) -> Double {
    switch description.anneal {
    case .linear: from + (to - from) * part
    case .cosine: to + (from - to) / 2 * (1 + LearningRate.cosine(part))
    }
  }
}
