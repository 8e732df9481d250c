/// How far confidences are from how often they are right: Σ |right − confidence|/N over bins of equal
/// width, the sums of a bin's answers (the expected calibration error of Naeini et al. 2015; Guo et al.
/// 2017 take fifteen bins).
public struct CalibrationError: Hashable, Sendable {
  public let value: Double
  /// Between the quantiles α/2 and 1 − α/2 of bootstrap samples, moved by how much these are above the
  /// value on average: few answers in a bin are never as often right as they should be, and a sample of
  /// a sample has that twice (Efron and Tibshirani 1993, 10.3).
  public let interval: Interval

  public static let bins = 15

  /// - Parameters:
  ///   - samples: how many bootstrap samples.
  ///   - draw: a number below the one given, of a generator that is the caller's.
  public init(
    _ answers: [(confidence: Double, isRight: Bool)], alpha: Double = 0.05, samples: Int = 1000,
    draw: (Int) -> Int
  ) {
    precondition(!answers.isEmpty)
    // By how much an answer is to its bin what the confidence isn't.
    let terms = answers.map { answer in
      (
        bin: min(Self.bins - 1, Int(answer.confidence * Double(Self.bins))),
        surplus: (answer.isRight ? 1 : 0) - answer.confidence
      )
    }
    func error(_ places: some Sequence<Int>) -> Double {
      var sums = [Double](repeating: 0, count: Self.bins)
      for place in places { sums[terms[place].bin] += terms[place].surplus }
      return sums.reduce(0) { $0 + abs($1) } / Double(terms.count)
    }
    let observed = error(terms.indices)
    value = observed
    let drawn = (0..<samples).map { _ in
      error(terms.indices.map { _ in draw(terms.count) })
    }.sorted()
    guard !drawn.isEmpty else {
      interval = Interval(0, 1)
      return
    }
    let bias = drawn.reduce(0, +) / Double(samples) - observed
    func quantile(_ p: Double) -> Double {
      let place = min(samples - 1, max(0, Int(p * Double(samples))))
      return min(1, max(0, drawn[place] - bias))
    }
    interval = Interval(quantile(alpha / 2), quantile(1 - alpha / 2))
  }
}
