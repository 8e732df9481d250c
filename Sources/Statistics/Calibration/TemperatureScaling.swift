import Glibc

/// One number by which all scores are divided, so that probabilities are what they say: the T that
/// minimises Σ −ln softmax(z/T)_label over images that were not trained on (Guo et al., "On calibration of
/// modern neural networks", 2017).
public struct TemperatureScaling: Hashable, Sendable {
  public let temperature: Double

  public init(temperature: Double) { self.temperature = temperature }

  /// Within 1/64 to 64, by golden sections of ln T: the sum is convex in 1/T.
  /// - Parameter scores: (N, classes).
  public init(scores: [Float], labels: [Int]) {
    let classes = labels.isEmpty ? 1 : scores.count / labels.count
    precondition(scores.count == labels.count * classes)
    func loss(_ logarithm: Double) -> Double {
      let inverse = exp(-logarithm)
      var sum = 0.0
      for (row, label) in labels.enumerated() {
        let first = row * classes
        var most = -Double.infinity
        for c in 0..<classes { most = max(most, Double(scores[first + c])) }
        var total = 0.0
        for c in 0..<classes { total += exp((Double(scores[first + c]) - most) * inverse) }
        sum += log(total) - (Double(scores[first + label]) - most) * inverse
      }
      return sum
    }
    let ratio = (5.0.squareRoot() - 1) / 2
    var (low, high) = (-log(64.0), log(64.0))
    var (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
    var (lossA, lossB) = (loss(a), loss(b))
    while high - low > 1e-6 {
      if lossA <= lossB {
        (high, b, lossB) = (b, a, lossA)
        a = high - ratio * (high - low)
        lossA = loss(a)
      } else {
        (low, a, lossA) = (a, b, lossB)
        b = low + ratio * (high - low)
        lossB = loss(b)
      }
    }
    temperature = exp((low + high) / 2)
  }

  /// The largest probability of softmax(z/T), by probabilities p = softmax(z): of p^(1/T) over their sum.
  public func confidence(ofProbabilities probabilities: [Float]) -> Double {
    let powers = probabilities.map { $0 > 0 ? pow(Double($0), 1 / temperature) : 0 }
    let sum = powers.reduce(0, +)
    return sum > 0 ? (powers.max() ?? 0) / sum : 0
  }
}
