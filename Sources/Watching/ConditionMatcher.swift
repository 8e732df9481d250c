import ConvNet
import Datasets
import Statistics

/// What a window of requests looks like, of the conditions that a library knows.
public struct ConditionMatch: Hashable, Sendable {
  public struct Part: Hashable, Sendable {
    public let condition: ImageCondition
    public let share: Double
  }

  /// From the greatest to the least.
  public let parts: [Part]
  /// By how much the window's mean is from these, in the variances of traits within a condition, summed over
  /// all directions, less what chance alone makes of it.
  public let distance: Double
  /// Whether that is little enough to go by it.
  public let isNear: Bool
  /// The accuracy that follows.
  public let accuracy: Estimate

  /// "fog (5)", "as they are 52 %, fog (5) 48 %", "nothing known (nearest: fog (3))"; parts below a
  /// twentieth are not named.
  public var phrase: String {
    guard isNear else { return "nothing known (nearest: \(parts[0].condition.name))" }
    let named = parts.filter { $0.share >= 0.05 }
    if named.count == 1 { return named[0].condition.name }
    return named.map { "\($0.condition.name) \(fixed(100 * $0.share, 0)) %" }
      .joined(separator: ", ")
  }
}

/// Finds the conditions that a window is a mixture of.
///
/// With z̄ the whitened mean of the traits of n requests and z̄ₖ that of a condition, the shares w are those
/// with |z̄ − Σ wₖ z̄ₖ|² least (`MeanMixture`), and the accuracy is
///
///   a = Σ wₖ (aₖ + βₖ·(x̄ − Σ wₗ x̄ₗ)),
///
/// the accuracy of the conditions and, as surveys correct their samples by what is known of all
/// (W. Cochran, "Sampling techniques", 1977, chapter 7), what follows from these requests being easier or
/// harder than the validation images in traits x that go with being right by βₖ. In log-odds its error has
/// the variance (Σ wₖ ρₖ/n + Σ wₖ² ρₖ/Nₖ)/(a(1 − a))² + s·D + b·(g/2)⁴: the chance of the draws; the distance
/// D from all that is known times what was erred by it on kinds left out of the library; and, of a mixture of
/// severities of one kind that are g apart, which may be one in between where the accuracy is no mean of
/// theirs, what was erred by on severities left out, where g is 2.
struct ConditionMatcher: Sendable {
  let library: ConditionLibrary
  private let scales: [Double]
  private let metric: Mahalanobis
  /// (K, d), whitened.
  private let rows: [[Double]]

  /// Half of what the images of one condition scatter in one direction.
  private static let near = 0.5
  private static let mostScattered = 2000

  init(_ library: ConditionLibrary) {
    self.library = library
    let d = library.width
    let variances = (0..<d).map { max(0, Double(library.covariance[$0 * d + $0])) }
    // By correlations, so that units don't matter to the ridge. A feature that no known image woke, or a
    // class that none was taken for, is not to make a window unlike all others by one that does.
    let features = d - library.answers
    let mean = variances[..<features].reduce(0, +) / Double(max(1, features))
    let scales = variances.enumerated().map { place, variance in
      max(variance, place < features && mean > 0 ? 0.01 * mean : 1e-3).squareRoot()
    }
    var correlations = [Double](repeating: 0, count: d * d)
    for i in 0..<d {
      for j in 0..<d {
        correlations[i * d + j] =
          i == j ? 1 : Double(library.covariance[i * d + j]) / scales[i] / scales[j]
      }
    }
    let metric = Mahalanobis(
      mean: [Double](repeating: 0, count: d), covariance: correlations)
    self.scales = scales
    self.metric = metric
    rows = library.conditions.indices.map { condition in
      metric.whitened((0..<d).map { Double(library.means[condition * d + $0]) / scales[$0] })
    }
  }

  /// - Parameter traits: of each request.
  func match(_ traits: [[Float]], alpha: Double = 0.05) -> ConditionMatch? {
    let (n, d) = (Double(traits.count), library.width)
    var mean = [Double](repeating: 0, count: d)
    for row in traits { for i in 0..<d { mean[i] += Double(row[i]) } }
    for i in 0..<d { mean[i] /= n }
    // What the requests scatter about their own mean; of very many, some say it.
    let some = stride(from: 0, to: traits.count, by: 1 + traits.count / Self.mostScattered)
    var (scatter, counted) = (0.0, 0.0)
    for row in some {
      let offset = (0..<d).map { (Double(traits[row][$0]) - mean[$0]) / scales[$0] }
      for value in metric.whitened(offset) { scatter += value * value }
      counted += 1
    }
    return match(mean: mean, count: n, scatter: scatter / counted, alpha: alpha)
  }

  /// - Parameters:
  ///   - scatter: the mean square of the distance of requests from their mean.
  ///   - isLeftOut: what is not to be known.
  private func match(
    mean: [Double], count n: Double, scatter: Double, alpha: Double = 0.05,
    without isLeftOut: (ImageCondition) -> Bool = { _ in false }
  ) -> ConditionMatch? {
    let d = library.width
    let conditions = library.conditions
    let known = conditions.indices.filter { !isLeftOut(conditions[$0]) }
    guard !known.isEmpty else { return nil }
    let z = metric.whitened((0..<d).map { mean[$0] / scales[$0] })
    let least = known.map { conditions[$0].count }.min()!
    // One more condition must take away more than chance does in a few directions.
    let chance = 12 * (1 / n + 1 / Double(least))
    let mixture = MeanMixture(of: z, from: known.map { rows[$0] }) { chance + 0.1 * $0 }
    var (accuracy, within, between, drawn) = (0.0, 0.0, 0.0, 0.0)
    var offset = mean[(d - library.answers)...].map { $0 }
    var slope = [Double](repeating: 0, count: library.answers)
    for part in mixture.parts {
      let place = known[part.index]
      let condition = conditions[place]
      let (w, size) = (part.weight, Double(condition.count))
      accuracy += w * condition.accuracy
      // Where none of some was wrong, one of some more may be.
      let residual = max(condition.residual, 1 / (size + 2))
      within += w * residual
      between += w * w * residual / size
      drawn += w * w * Double(d) / size
      for i in 0..<library.answers {
        offset[i] -= w * Double(library.means[place * d + d - library.answers + i])
        slope[i] += w * Double(library.slopes[place * library.answers + i])
      }
    }
    accuracy += zip(slope, offset).reduce(0) { $0 + $1.0 * $1.1 }
    guard accuracy.isFinite, mixture.rest.isFinite, scatter.isFinite else { return nil }
    let total = Double(known.reduce(0) { $0 + conditions[$1].count })
    let value = max(1 / (total + 2), min(1 - 1 / (total + 2), accuracy))
    let distance = max(0, mixture.rest - scatter / n - drawn)
    // So many directions by chance have this deviation.
    let chanceOfDistance = 2 * (2 * Double(d)).squareRoot() / n
    let slopeOfOdds = value * (1 - value)
    let half = Self.gap(mixture.parts.map { conditions[known[$0.index]] }) / 2
    let variance =
      (within / n + between) / (slopeOfOdds * slopeOfOdds) + library.spread * distance
      + library.bend * half * half * half * half
    let reach = -StandardNormal.quantile(alpha / 2) * variance.squareRoot()
    let odds = CorrectnessModel.logOdds(value)
    func inverse(_ odds: Double) -> Double { 1 / (1 + Elementary.exp(-odds)) }
    return ConditionMatch(
      parts: mixture.parts.map {
        ConditionMatch.Part(condition: conditions[known[$0.index]], share: $0.weight)
      },
      distance: distance, isNear: distance <= Self.near + chanceOfDistance,
      accuracy: Estimate(
        value: value, interval: Interval(inverse(odds - reach), inverse(odds + reach)),
        count: Int(n)))
  }

  /// How far severities of one kind are apart at most; 0 where no kind has two.
  private static func gap(_ parts: [ImageCondition]) -> Double {
    var gap = 0
    for a in parts {
      for b in parts where a.kind == b.kind {
        gap = max(gap, (a.severity ?? 0) - (b.severity ?? 0))
      }
    }
    return Double(gap)
  }

  /// What is said of a condition by others, and the square of what its log-odds are wrong by.
  private func error(
    of place: Int, without isLeftOut: (ImageCondition) -> Bool
  ) -> (match: ConditionMatch, squared: Double)? {
    let (condition, d) = (library.conditions[place], library.width)
    let size = Double(condition.count)
    let mean = (0..<d).map { Double(library.means[place * d + $0]) }
    guard let match = match(mean: mean, count: size, scatter: Double(d), without: isLeftOut)
    else { return nil }
    let truth = (Double(condition.right) + 0.5) / (size + 1)
    let difference =
      CorrectnessModel.logOdds(match.accuracy.value) - CorrectnessModel.logOdds(truth)
    return (match, difference * difference)
  }

  /// The mean over the kinds of (difference of log-odds)²/distance, each kind estimated from the others.
  var spreadOverKinds: Double {
    var seen: Set<String> = []
    var errors: [Double] = []
    for (place, condition) in library.conditions.enumerated() {
      // The first of a kind is the published one.
      guard let kind = condition.kind, seen.insert(kind).inserted,
        let (match, squared) = error(of: place, without: { $0.kind == kind })
      else { continue }
      errors.append(squared / max(match.distance, 0.1))
    }
    return errors.isEmpty ? 0 : errors.reduce(0, +) / Double(errors.count)
  }

  /// The mean over the severities with one below and one above of (difference of log-odds)², each estimated
  /// from the other conditions and found near them.
  var bendOverSeverities: Double {
    var errors: [Double] = []
    for (place, condition) in library.conditions.enumerated() {
      guard let severity = condition.severity,
        [severity - 1, severity + 1].allSatisfy({ other in
          library.conditions.contains { $0.kind == condition.kind && $0.severity == other }
        }),
        let (match, squared) = error(of: place, without: { $0 == condition }), match.isNear
      else { continue }
      errors.append(squared)
    }
    return errors.isEmpty ? 0 : errors.reduce(0, +) / Double(errors.count)
  }
}
