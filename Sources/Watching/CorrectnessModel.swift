import ConvNet
import Datasets
import Statistics
import Storage

/// How likely an answer is right, by what was observed of it and without its label: the mean over
/// requests is the accuracy to be expected of them.
///
/// Of requests that look like the validation images it is fitted on these (J. Platt, "Probabilistic outputs
/// for support vector machines", 1999). Confidences that were calibrated so are too sure of others. For
/// requests that don't look so the chance is fitted on validation images as they are and distorted in many ways (as C. Tomani et al.,
/// "Post-hoc uncertainty calibration for domain drift scenarios", CVPR 2021, do for a temperature), by
/// logistic regression on the answer's log-odds, the energy and the distance of the features; accuracy is
/// then told of sets that are unlike any seen before, as W. Deng and L. Zheng ("Are labels always necessary
/// for classifier accuracy evaluation?", CVPR 2021) do by regression over whole sets.
public struct CorrectnessModel: Hashable, Sendable {
  /// Of the terms of requests that look like the validation images, and of others.
  let plain: [Double]
  let coefficients: [Double]
  /// How many images the first were fitted on.
  let count: Int
  /// The mean and the deviation of each figure over the validation images as they are.
  let centres: [Double]
  let scales: [Double]
  /// How far the accuracy of a kind of distortion that was left out of the fit was from what was expected,
  /// in log-odds: the root of the mean square over the kinds.
  public let spread: Double

  /// How many figures there are of an answer, and how many terms of them; the first of them are those of
  /// requests that look like the validation images.
  private static let figures = 3
  /// Of distortions.
  static let kinds = 15
  private static let plainTerms = 4
  private static let terms = 10

  init(
    plain: [Double], coefficients: [Double], count: Int, centres: [Double], scales: [Double],
    spread: Double
  ) {
    self.plain = plain
    self.coefficients = coefficients
    self.count = count
    self.centres = centres
    self.scales = scales
    self.spread = spread
  }

  /// Answers to images of one kind, as they are or distorted in one way.
  struct Answers {
    var figures: [[Double]] = []
    var isRight: [Bool] = []

    mutating func append(_ seen: SeenImage, isRight: Bool) {
      figures.append(CorrectnessModel.figures(of: seen))
      self.isRight.append(isRight)
    }
  }

  /// - Parameters:
  ///   - plain: answers to images as they are.
  ///   - distorted: for each kind of distortion.
  init(plain: Answers, distorted: [Answers]) {
    var (centres, scales) = ([Double](), [Double]())
    for figure in 0..<Self.figures {
      let sample = Sample(plain.figures.map { $0[figure] })
      centres.append(sample.mean)
      scales.append(max(sample.deviation ?? 1, 1e-6))
    }
    let kinds = distorted.filter { !$0.isRight.isEmpty }
    func fitted(without left: Int?) -> LogisticFit {
      var (rows, right, weights) = ([Double](), [Bool](), [Double]())
      func add(_ answers: Answers, weight: Double) {
        for (figures, isRight) in zip(answers.figures, answers.isRight) {
          rows += Self.terms(figures, centres, scales)
          right.append(isRight)
          weights.append(weight)
        }
      }
      // As much as all that is distorted.
      let others = kinds.reduce(0) { $0 + $1.isRight.count }
      add(plain, weight: max(1, Double(others) / Double(max(1, plain.isRight.count))))
      for (kind, answers) in kinds.enumerated() where kind != left { add(answers, weight: 1) }
      return LogisticFit(rows: rows, width: Self.terms, happened: right, weights: weights)
    }
    let own = LogisticFit(
      rows: plain.figures.flatMap { Self.terms($0, centres, scales).prefix(Self.plainTerms) },
      width: Self.plainTerms, happened: plain.isRight,
      weights: Array(repeating: 1, count: plain.isRight.count))
    self.plain = own.coefficients.map(Self.rounded)
    count = plain.isRight.count
    // Six digits, which no last bit of a library's exponential reaches.
    coefficients = fitted(without: nil).coefficients.map(Self.rounded)
    self.centres = centres.map(Self.rounded)
    self.scales = scales.map(Self.rounded)
    var sum = 0.0
    for (kind, answers) in kinds.enumerated() {
      let fit = fitted(without: kind)
      let expected = answers.figures.map {
        fit.probability(Self.terms($0, centres, scales))
      }.reduce(0, +)
      let right = Double(answers.isRight.count { $0 })
      // Half an answer to each side, so that none of them is an infinity.
      let count = Double(answers.isRight.count) + 1
      let difference =
        Self.logOdds((expected + 0.5) / count) - Self.logOdds((right + 0.5) / count)
      sum += difference * difference
    }
    spread = kinds.isEmpty ? 0 : Self.rounded((sum / Double(kinds.count)).squareRoot())
  }

  private static func rounded(_ value: Double) -> Double {
    guard value.isFinite, value != 0 else { return 0 }
    var scale = 1.0
    while abs(value) * scale < 1e5 && scale < 1e12 { scale *= 10 }
    return (value * scale).rounded() / scale
  }

  static func logOdds(_ p: Double) -> Double { Elementary.log(p) - Elementary.log(1 - p) }

  private static func figures(of seen: SeenImage) -> [Double] {
    [
      Double(seen.logOdds), Double(seen.energy),
      Elementary.log(max(1e-6, Double(seen.distance ?? 1))),
    ]
  }

  private static func terms(
    _ figures: [Double], _ centres: [Double], _ scales: [Double]
  ) -> [Double] {
    // What lies far outside says no more than what lies outside.
    let z = figures.indices.map {
      max(-8, min(8, (figures[$0] - centres[$0]) / scales[$0]))
    }
    return [
      1, z[0], z[1], z[2], z[0] * z[0], z[0] * z[1], z[0] * z[2], z[1] * z[1], z[1] * z[2],
      z[2] * z[2],
    ]
  }

  /// The chance that an answer is right.
  /// - Parameter hasMoved: whether requests don't look like the validation images.
  public func probability(of seen: SeenImage, hasMoved: Bool) -> Double {
    let terms = Self.terms(Self.figures(of: seen), centres, scales)
    return hasMoved
      ? LogisticFit(coefficients: coefficients).probability(terms)
      : LogisticFit(coefficients: plain).probability(Array(terms.prefix(Self.plainTerms)))
  }

  /// The accuracy that is expected of answers, with an interval of confidence 1 − α: the mean chance p̄,
  /// and in log-odds ± √(z² Σ p(1 − p)/(n p̄(1 − p̄))² + v), the chance of the draw, and with v that of
  /// the validation images, z²/(N p̄(1 − p̄)), or t²·spread², what the fit errs by on images of another
  /// kind, t of Student's distribution, since that is known of a few kinds.
  public func accuracy(
    of seen: some Collection<SeenImage>, hasMoved: Bool, alpha: Double = 0.05
  ) -> Estimate {
    precondition(!seen.isEmpty)
    let chances = seen.map { probability(of: $0, hasMoved: hasMoved) }
    let n = Double(chances.count)
    let mean = min(1 - 1e-9, max(1e-9, chances.reduce(0, +) / n))
    let variance = chances.reduce(0) { $0 + $1 * (1 - $1) }
    let slope = n * mean * (1 - mean)
    let z = -StandardNormal.quantile(alpha / 2)
    // The spread is known of so many kinds only.
    let t = -StudentT(degrees: Double(Self.kinds - 1)).quantile(alpha / 2)
    let other =
      hasMoved ? t * t * spread * spread : z * z * n / (slope * Double(max(1, count)))
    let reach = (z * z * variance / (slope * slope) + other).squareRoot()
    func inverse(_ odds: Double) -> Double { 1 / (1 + Elementary.exp(-odds)) }
    let odds = Self.logOdds(mean)
    return Estimate(
      value: mean, interval: Interval(inverse(odds - reach), inverse(odds + reach)),
      count: chances.count)
  }

  var json: JSONValue {
    func list(_ values: [Double]) -> JSONValue { .array(values.map { JSONValue($0) }) }
    return [
      "plain": list(plain), "count": JSONValue(count), "coefficients": list(coefficients),
      "centres": list(centres), "scales": list(scales),
      "spread": JSONValue(spread),
    ]
  }

  init?(_ json: JSONValue) {
    func list(_ key: String, _ count: Int) -> [Double]? {
      let values = json[key]?.array?.compactMap(\.double) ?? []
      return values.count == count && values.allSatisfy(\.isFinite) ? values : nil
    }
    guard let plain = list("plain", Self.plainTerms), let count = json["count"]?.int, count > 0,
      let coefficients = list("coefficients", Self.terms),
      let centres = list("centres", Self.figures), let scales = list("scales", Self.figures),
      scales.allSatisfy({ $0 > 0 }), let spread = json["spread"]?.double, spread.isFinite,
      spread >= 0
    else { return nil }
    self.init(
      plain: plain, coefficients: coefficients, count: count, centres: centres, scales: scales,
      spread: spread)
  }
}
