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
  /// How much more it takes to tell.
  public struct Further: Hashable, Sendable {
    /// The difference to be shown.
    public let difference: Double
    /// Seeds of each configuration in all; nil for more than a million.
    public let seeds: Int?
    /// Those not run yet.
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
  public let further: Further?

  /// The second mean less the first, over what the test is over.
  public var difference: Double { test?.difference ?? secondSample.mean - firstSample.mean }

  /// Compares two configurations.
  ///
  /// - Parameters:
  ///   - difference: what further seeds are to settle; nil for the difference observed.
  ///   - power: the probability with which they are to show it.
  init(
    _ first: (place: Int, values: [SeedValue]), _ second: (place: Int, values: [SeedValue]),
    alpha: Double, power: Double, difference wanted: Double?
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

    let size = abs(wanted ?? test?.difference ?? 0)
    guard let effect, test != nil, size > 0 else {
      further = nil
      return
    }
    let needed =
      isPaired
      ? Power.pairsNeeded(effect: size / effect.deviation, alpha: alpha, power: power)
      : Power.eachNeeded(effect: size / effect.deviation, alpha: alpha, power: power)
    let have = isPaired ? differences.count : min(firstSample.count, secondSample.count)
    further = Further(
      difference: size, seeds: needed, more: needed.map { max(0, $0 - have) })
  }

  /// Compares every two of some configurations, or each with the first; those without values are left
  /// out. p-values are corrected by Holm's method for all that are tested.
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
            (first, configurations[first]), (second, configurations[second]), alpha: alpha,
            power: power, difference: difference))
      }
    }
    let tested = comparisons.indices.filter { comparisons[$0].test != nil }
    let adjusted = Holm.adjusted(tested.map { comparisons[$0].test!.p })
    for (place, p) in zip(tested, adjusted) { comparisons[place].adjustedP = p }
    return comparisons
  }
}
