import ConvNet
import Datasets
import Statistics

/// One of the tests of a window of requests against the validation images.
public struct WatchTest: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable {
    case chiSquared = "chi-squared"
    case kolmogorovSmirnov = "Kolmogorov-Smirnov"
    case meanDiscrepancy = "mean discrepancy"
  }

  /// What it is of: `classes`, a quantity, or `features`.
  public let name: String
  public let kind: Kind
  public let statistic: Double
  public let p: Double
  /// After Holm's correction for all tests of the look.
  public internal(set) var adjustedP = 1.0
  /// Whether it is at most the level of the look.
  public internal(set) var hasMoved = false
}

/// How a quantity lies in a window and in the validation images.
public struct QuantityShift: Hashable, Sendable {
  public let name: String
  public let stability: PopulationStability
  public let referenceMedian: Double
  public let windowMedian: Double
}

/// A share that is expected or was measured, with an interval.
public struct Estimate: Hashable, Sendable {
  public let value: Double
  public let interval: Interval
  /// Of how many requests.
  public let count: Int
}

/// What a window of requests comes to.
public struct WatchLook: Hashable, Sendable {
  /// From 1.
  public let number: Int
  public let count: Int
  /// Of the first and the last request; nil where times aren't known.
  public var first: String?
  public var last: String?
  /// What all tests of this look together may err with.
  public let level: Double
  public let tests: [WatchTest]
  public let shifts: [QuantityShift]
  /// Accuracy without labels, and by a temperature alone where all probabilities are known.
  public let expected: Estimate
  /// What requests that have moved look like; nil where they have not, or the profile doesn't know.
  public let condition: ConditionMatch?
  public let byTemperature: Double?
  /// Of the requests whose right class somebody told.
  public let accuracy: Estimate?
  public let calibrationError: Estimate?
  /// What is not as it was agreed to be, as sentences.
  public internal(set) var broken: [String]

  public var moved: [WatchTest] { tests.filter(\.hasMoved) }
}

/// Holds windows of requests against a model's profile.
public struct Watch: Sendable {
  public struct Options: Hashable, Sendable {
    /// The chance that any look at requests that are like the validation images is told to be another.
    public var alpha = 0.01
    /// Whether `alpha` is spent over all looks that will ever be taken; else each has all of it.
    public var spends = true
    /// The greatest distance of two distribution functions that is of no consequence. Validation images are
    /// of the world, and not the world: of enough requests, any test would find out what else is.
    public var tolerance = 0.03
    /// Permutations of the mean discrepancy's test.
    public var permutations = 999
    public var seed: UInt64 = 1
    /// Below this, accuracy breaks a bound; nil for none.
    public var minAccuracy: Double?

    public init() {}
  }

  public let profile: ValidationProfile
  public let options: Options
  /// Each quantity of the validation images, in ascending order.
  private let columns: [[Double]]
  private let bandwidth: Double
  private let traits: ImageTraits
  private let matcher: ConditionMatcher?

  /// The fewest requests that are looked at.
  public static let fewest = 20
  /// The most whose features are compared; of more, so many at equal distances.
  private static let mostFeatures = 500

  /// - Parameter conditions: those that requests may be found to be in; nil for those of the profile.
  public init(
    _ profile: ValidationProfile, _ options: Options, conditions: ConditionLibrary? = nil
  ) {
    self.profile = profile
    traits = profile.traits
    matcher = (conditions ?? profile.conditions).map { ConditionMatcher($0) }
    self.options = options
    columns = ValidationProfile.quantities.indices.map { profile.column($0).sorted() }
    bandwidth = MeanDiscrepancy.bandwidth(of: profile.sample, width: profile.width)
  }

  /// - Parameters:
  ///   - labels: the right class of each request, where somebody told it.
  ///   - number: which look it is at one stream of requests, from 1.
  /// - Precondition: there are at least `fewest`.
  public func look(
    at seen: [SeenImage], labels: [Int?] = [], number: Int
  ) -> WatchLook {
    precondition(seen.count >= Self.fewest)
    let level =
      options.spends
      ? AlphaSpending.level(look: number, alpha: options.alpha) : options.alpha
    let values = seen.map(ValidationProfile.values)
    var tests = [classes(seen)]
    var shifts: [QuantityShift] = []
    for (quantity, name) in ValidationProfile.quantities.enumerated() {
      // Of requests that were logged without a profile the distance isn't known.
      let window = values.compactMap { $0[quantity].map { Double($0) } }.sorted()
      guard window.count >= Self.fewest else { continue }
      let reference = columns[quantity]
      let test = KolmogorovSmirnov(sorted: window, reference, tolerance: options.tolerance)
      tests.append(
        WatchTest(
          name: name, kind: .kolmogorovSmirnov, statistic: test.distance, p: test.p))
      shifts.append(
        QuantityShift(
          name: name, stability: PopulationStability(sorted: reference, window: window),
          referenceMedian: reference[reference.count / 2],
          windowMedian: window[window.count / 2]))
    }
    if let test = features(seen, number: number) { tests.append(test) }
    for (place, p) in Holm.adjusted(tests.map(\.p)).enumerated() {
      tests[place].adjustedP = p
      tests[place].hasMoved = p <= level
    }
    let hasMoved = tests.contains(where: \.hasMoved)
    let condition = hasMoved ? match(seen) : nil
    let expected =
      condition?.isNear == true
      ? condition!.accuracy : profile.correctness.accuracy(of: seen, hasMoved: hasMoved)
    let hasAll = seen.allSatisfy { !$0.probabilities.isEmpty }
    let byTemperature =
      hasAll
      ? seen.reduce(0.0) {
        $0 + profile.temperature.confidence(ofProbabilities: $1.probabilities)
      } / Double(seen.count) : nil
    let known = zip(seen, labels).compactMap { seen, label in label.map { (seen, $0) } }
    var look = WatchLook(
      number: number, count: seen.count, level: level, tests: tests, shifts: shifts,
      expected: expected, condition: condition,
      byTemperature: byTemperature, accuracy: accuracy(known),
      calibrationError: calibration(known, number: number), broken: [])
    look.broken = broken(look)
    return look
  }

  /// Nil where not all traits of all requests are known.
  private func match(_ seen: [SeenImage]) -> ConditionMatch? {
    guard let matcher else { return nil }
    let known = seen.compactMap { traits.of($0) }
    return known.count == seen.count ? matcher.match(known) : nil
  }

  private func classes(_ seen: [SeenImage]) -> WatchTest {
    var counts = [Int](repeating: 0, count: profile.classCounts.count)
    for seen in seen where counts.indices.contains(seen.prediction) {
      counts[seen.prediction] += 1
    }
    let test = CountsTest(counts, profile.classCounts)
    return WatchTest(name: "classes", kind: .chiSquared, statistic: test.statistic, p: test.p)
  }

  /// Nil where the features of fewer than `fewest` are known.
  private func features(_ seen: [SeenImage], number: Int) -> WatchTest? {
    let known = seen.filter { $0.features.count == profile.width }
    guard known.count >= Self.fewest else { return nil }
    let count = min(known.count, Self.mostFeatures)
    let window = (0..<count).flatMap { known[$0 * known.count / count].features }
    let test = MeanDiscrepancy(
      window, profile.sample, width: profile.width, bandwidth: bandwidth,
      permutations: options.permutations
    ) { permutation, order in
      var stream = RandomStream(
        seed: options.seed &+ UInt64(number) << 20, purpose: .watch,
        epoch: WatchUse.permutations, sample: UInt32(permutation))
      stream.shuffle(&order)
    }
    return WatchTest(
      name: "features", kind: .meanDiscrepancy, statistic: test.squared, p: test.p)
  }

  private func accuracy(_ known: [(SeenImage, Int)]) -> Estimate? {
    guard !known.isEmpty else { return nil }
    let right = Proportion(known.count { $0.prediction == $1 }, of: known.count)
    return Estimate(value: right.value, interval: right.interval(), count: known.count)
  }

  private func calibration(_ known: [(SeenImage, Int)], number: Int) -> Estimate? {
    guard !known.isEmpty else { return nil }
    var stream = RandomStream(
      seed: options.seed, purpose: .watch, epoch: WatchUse.bootstrap, sample: UInt32(number))
    let error = CalibrationError(
      known.map { (Double($0.0.confidence), $0.0.prediction == $0.1) }
    ) { Int(stream.below(UInt32($0))) }
    return Estimate(value: error.value, interval: error.interval, count: known.count)
  }

  private func broken(_ look: WatchLook) -> [String] {
    var broken: [String] = []
    let moved = look.moved
    if !moved.isEmpty {
      broken.append(
        "look \(look.number): \(moved.map(\.name).joined(separator: ", ")) "
          + "\(moved.count == 1 ? "is" : "are") not as in validation")
    }
    if let least = options.minAccuracy {
      // Of labels and of expectations the surer; a bound is broken where even the interval is below it.
      let (what, estimate) =
        look.accuracy.map { ("accuracy", $0) } ?? ("expected accuracy", look.expected)
      if estimate.interval.high < least {
        broken.append(
          "look \(look.number): \(what) \(percent(estimate.value)) is below \(percent(least))")
      }
    }
    return broken
  }
}
