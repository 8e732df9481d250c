/// What a run with a seed measured.
public struct SeedValue: Hashable, Sendable {
  public let seed: UInt64
  public let value: Double
  public init(seed: UInt64, value: Double) {
    self.seed = seed
    self.value = value
  }
}

/// Whether one configuration is really better than another, judged by the runs of both.
///
/// Over the seeds that both have, where there are at least two: the paired t test of the second's
/// values less the first's. Else Welch's test. Where either has a single value, there is no test.
public struct Comparison: Hashable, Sendable {
  /// How much more it takes to tell, by the same test and at the level at which Holm's correction
  /// judges it, if the deviations really are those measured.
  public struct Further: Hashable, Sendable {
    /// The difference to be shown.
    public let difference: Double
    /// The level that the test's own p must be below.
    public let alpha: Double
    /// The probability with which as many seeds as there are show the difference.
    public let power: Double
    /// Seeds not run yet: of pairs, or of each of two independent samples. Nil for more than a million;
    /// 0 where those there are show the difference with the power asked for, and where the difference
    /// observed is shown already.
    public let more: Int?
  }

  /// The places of the two configurations among those compared.
  public let first: Int
  public let second: Int
  public let firstSample: Sample
  public let secondSample: Sample
  /// Seeds that both have.
  public let commonSeeds: [UInt64]
  public let test: TTest?
  public let effect: EffectSize?
  /// Of the pairs; nil for independent samples.
  public let wilcoxon: WilcoxonSignedRank?
  /// p of the test, after Holm's correction for all comparisons made together.
  public internal(set) var adjustedP: Double?
  /// Nil where there is no test, or nothing to be shown, or nothing varies.
  public internal(set) var further: Further?

  /// The second mean less the first, over what the test is over.
  public var difference: Double { test?.difference ?? secondSample.mean - firstSample.mean }

  init(
    _ first: (place: Int, values: [SeedValue]), _ second: (place: Int, values: [SeedValue]),
    alpha: Double
  ) {
    self.first = first.place
    self.second = second.place
    firstSample = Sample(first.values.map(\.value))
    secondSample = Sample(second.values.map(\.value))
    var seeds: [UInt64] = []
    var differences: [Double] = []
    for value in first.values {
      guard let other = second.values.first(where: { $0.seed == value.seed }) else { continue }
      seeds.append(value.seed)
      differences.append(other.value - value.value)
    }
    commonSeeds = seeds
    let isPaired = differences.count >= 2
    test =
      isPaired
      ? TTest(ofDifferences: differences, alpha: alpha)
      : TTest(firstSample, secondSample, alpha: alpha)
    effect =
      isPaired
      ? EffectSize(ofDifferences: differences, alpha: alpha)
      : EffectSize(firstSample, secondSample, alpha: alpha)
    wilcoxon = isPaired ? WilcoxonSignedRank(ofDifferences: differences) : nil
    adjustedP = test?.p
  }

  /// - Parameters:
  ///   - wanted: what further seeds are to settle; nil for the difference observed.
  ///   - alpha: the level that the test's own p must be below.
  ///   - power: the probability with which they are to show it.
  private func further(_ wanted: Double?, alpha: Double, power: Double) -> Further? {
    let size = abs(wanted ?? test?.difference ?? 0)
    guard let test, let effect, size > 0 else { return nil }
    let reached: Double
    let more: Int?
    switch test.kind {
    case .paired:
      let d = size / effect.deviation
      reached = Power.paired(pairs: test.count, effect: d, alpha: alpha)
      more = Power.pairsNeeded(effect: d, alpha: alpha, power: power).map {
        max(0, $0 - test.count)
      }
    case .welch:
      let groups = [firstSample, secondSample].map {
        Power.Group(count: $0.count, deviation: $0.deviation!)
      }
      reached = Power.welch(groups[0], groups[1], difference: size, alpha: alpha)
      more = Power.moreNeeded(
        groups[0], groups[1], difference: size, alpha: alpha, power: power)
    }
    let isSettled = wanted == nil && test.p < alpha
    return Further(
      difference: size, alpha: alpha, power: reached, more: isSettled ? 0 : more)
  }

  /// Compares every two of some configurations, or each with the first; those without values are left
  /// out. p-values are corrected by Holm's method for all that are tested.
  ///
  /// - Parameters:
  ///   - power: the probability with which further seeds are to show a difference.
  ///   - difference: the one that they are to show; nil for the one observed.
  public static func all(
    _ configurations: [[SeedValue]], againstFirst: Bool = false, alpha: Double = 0.05,
    power: Double = 0.8, difference: Double? = nil
  ) -> [Comparison] {
    let present = configurations.indices.filter { !configurations[$0].isEmpty }
    var comparisons: [Comparison] = []
    for (number, first) in present.enumerated() {
      if againstFirst && number > 0 { break }
      for second in present[(number + 1)...] {
        comparisons.append(
          Comparison(
            (first, configurations[first]), (second, configurations[second]), alpha: alpha))
      }
    }
    let tested = comparisons.indices.filter { comparisons[$0].test != nil }
    let values = tested.map { comparisons[$0].test!.p }
    let levels = Holm.levels(values, alpha: alpha)
    for (i, (place, p)) in zip(tested, Holm.adjusted(values)).enumerated() {
      comparisons[place].adjustedP = p
      comparisons[place].further = comparisons[place].further(
        difference, alpha: levels[i], power: power)
    }
    return comparisons
  }
}
