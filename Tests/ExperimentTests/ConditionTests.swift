import ConvNet
import Foundation
import Images
import Statistics
import Storage
import TestSupport
import Testing

@testable import Datasets
@testable import Experiment
@testable import Watching

/// What spoiled images look like, and what requests are found to look like.
@Suite struct ConditionTests {
  private struct Cases: Decodable {
    struct Case: Decodable {
      struct Known: Decodable {
        let kind: String?
        let severity: Int?
        let count, right: Int
        let residual: Double
      }
      let conditions: [Known]
      let means, slopes, covariance: [Float]
      let answers: Int
      let spread, bend: Double
      let traits: [[Float]]
      let parts: [Int]
      let shares: [Double]
      let distance, accuracy, low, high: Double
      let near: Bool

      var library: ConditionLibrary {
        ConditionLibrary(
          conditions: conditions.map {
            ImageCondition(
              kind: $0.kind, severity: $0.severity, count: $0.count, right: $0.right,
              residual: $0.residual)
          }, width: traits[0].count, answers: answers, means: means, slopes: slopes,
          covariance: covariance, spread: spread, bend: bend)
      }
    }
    let cases: [Case]
  }

  /// Fixtures/make_conditions.py computes them by other ways.
  @Test func matchesAreThoseOfNumPyAndSciPy() throws {
    for c in try Fixture.load("conditions", as: Cases.self).cases {
      let library = c.library
      let match = try #require(ConditionMatcher(library).match(c.traits))
      #expect(match.parts.map(\.condition) == c.parts.map { library.conditions[$0] })
      for (part, share) in zip(match.parts, c.shares) {
        #expect(abs(part.share - share) < 1e-6, "\(part), \(share)")
      }
      #expect(abs(match.distance - c.distance) < 1e-6 * max(1, c.distance))
      #expect(match.isNear == c.near)
      #expect(abs(match.accuracy.value - c.accuracy) < 1e-7, "\(match), \(c.accuracy)")
      #expect(abs(match.accuracy.interval.low - c.low) < 1e-6)
      #expect(abs(match.accuracy.interval.high - c.high) < 1e-6)
      #expect(match.accuracy.count == c.traits.count)
    }
  }

  /// Of a network some features are never awake on known images; one that wakes a little on requests tells
  /// next to nothing.
  @Test func aFeatureThatSleptTellsLittle() throws {
    let c = try Fixture.load("conditions", as: Cases.self).cases[0]
    let (known, width) = (c.library, c.traits[0].count)
    func asleep(_ values: [Float], rows: Int) -> [Float] {
      var values = values
      for row in 0..<rows { values[row * width] = 0 }
      return values
    }
    var covariance = asleep(c.covariance, rows: width)
    for column in 0..<width { covariance[column] = 0 }
    let library = ConditionLibrary(
      conditions: known.conditions, width: width, answers: c.answers,
      means: asleep(c.means, rows: known.conditions.count), slopes: c.slopes,
      covariance: covariance, spread: c.spread, bend: c.bend)
    func match(_ value: Float) throws -> ConditionMatch {
      try #require(
        ConditionMatcher(library).match(c.traits.map { [value] + $0.dropFirst() }))
    }
    // A fiftieth of what features deviate by on the average.
    let features = width - c.answers
    let variance = (0..<features).reduce(0) { $0 + covariance[$1 * width + $1] } / Float(features)
    let (still, woken) = (try match(0), try match(0.02 * variance.squareRoot()))
    #expect(still.isNear && woken.isNear, "\(still), \(woken)")
    #expect(woken.parts.map(\.condition) == still.parts.map(\.condition))
    #expect(abs(woken.distance - still.distance) < 0.1)
    #expect(try !match(10).isNear)
  }

  /// Digits drawn by the program, and the nearest mean of a class for a network.
  private static func centroids() throws -> (Inference, ImageSet) {
    let set = SyntheticDigits(seed: 3).images(1200, part: .train, threads: 2)
    let size = 49
    var means = [Float](repeating: 0, count: 10 * size)
    for image in 0..<set.count {
      let pixels = set.image(image)
      for place in pixels.indices {
        means[set.labels[image] * size + place / 112 * 7 + place % 28 / 4] +=
          Float(pixels[place]) / 255 / 16 / Float(set.count / 10)
      }
    }
    // −|x − m|²/2 is x·m − |m|²/2 but for what all classes have in common; ten times as sure.
    let plan = try NetworkPlan(
      NetworkDescription(
        input: .image(height: 28, width: 28, channels: 1),
        model: [
          .layer(.averagePool(AveragePoolDescription(size: Extent(4, 4)))), .layer(.flatten),
          .layer(.dense(DenseDescription(units: 10))),
        ], classes: 10))
    let model = Model(plan) { tensor, values in
      for i in values.indices {
        let mean = means[(i % 10) * size..<(i % 10 + 1) * size]
        values[i] =
          tensor.role == .kernel
          ? 10 * means[i % 10 * size + i / 10] : -5 * mean.reduce(0) { $0 + $1 * $1 }
      }
    }
    return (try Inference(model, team: Team(threads: 2)), set)
  }

  /// From images to what is said of requests: of a known condition, of two mixed, of one left out.
  @Test func spoiledImagesAreRecognised() throws {
    let (inference, set) = try Self.centroids()
    func profile(threads: Int) throws -> ValidationProfile {
      try #require(
        ValidationProfile(
          ImageSource(set), by: Inference(inference.model, team: Team(threads: threads)),
          modelDigest: "abc", seed: 1, spoiled: 6000))
    }
    let made = try profile(threads: 2)
    #expect(try profile(threads: 1).encoded == made.encoded)
    let library = try #require(made.conditions)
    #expect(library.conditions.count == 60 && library.conditions[0].name == "as they are")
    #expect(library.conditions[11].name == "fog (5)" && library.conditions[10].name == "stripe")
    #expect(library.conditions.allSatisfy { $0.count >= 50 })

    let folder = try TemporaryFolder()
    try made.write(to: "\(folder.path)/model.profile")
    #expect(try ValidationProfile(reading: "\(folder.path)/model.profile") == made)

    let images = SyntheticDigits(seed: 4).images(300, part: .test, threads: 2)
    let observer = Observer(
      modelDigest: "abc", shape: ImageShape(height: 28, width: 28, channels: 1),
      reduction: FeatureReduction(count: made.featureCount), centre: made.centre)
    var options = Watch.Options()
    options.permutations = 99
    let watch = Watch(made, options)
    let plain = inference.observations(of: ImageSource(images), by: observer)
    func seen(_ kind: Corruption) -> [SeenImage] {
      inference.observations(
        of: ImageSource(kind.apply(to: images, seed: 8, threads: 2)), by: observer)
    }
    func look(_ seen: [SeenImage], _ watch: Watch = watch) -> WatchLook {
      watch.look(at: seen, labels: images.labels.map { $0 }, number: 1)
    }
    for kind in [Corruption.stripe, .translate, .impulseNoise] {
      let found = look(seen(kind))
      let match = try #require(found.condition)
      #expect(match.isNear && match.parts[0].condition.kind == kind.rawValue, "\(match.phrase)")
      #expect(found.expected == match.accuracy)
      let truth = try #require(found.accuracy).value
      let interval = found.expected.interval
      #expect(abs(found.expected.value - truth) < 0.1, "\(kind): \(found.expected), \(truth)")
      #expect(interval.low < truth && truth < interval.high, "\(kind): \(interval), \(truth)")
    }
    let stripe = seen(.stripe)
    let half = look(plain.indices.map { $0 % 2 == 0 ? plain[$0] : stripe[$0] })
    let match = try #require(half.condition)
    #expect(match.isNear && match.phrase.contains("stripe"), "\(match.phrase)")
    #expect(match.parts.contains { $0.condition.kind == nil && abs($0.share - 0.5) < 0.1 })
    // What is not known is said not to be, and an estimate of before takes its place.
    let without = look(
      stripe, Watch(made, options, conditions: library.without { $0.kind == "stripe" }))
    #expect(without.condition?.isNear == false)
    #expect(without.condition!.phrase.hasPrefix("nothing known (nearest: "))
    #expect(
      without.expected == made.correctness.accuracy(of: stripe, hasMoved: true))
    // So is a window without features.
    let bare = look(
      stripe.map {
        var seen = $0
        seen.features = []
        return seen
      })
    #expect(bare.condition == nil && bare.expected == without.expected)
    #expect(
      WatchMetrics([look(stripe)], requests: 300, model: "abc").text
        .contains("runner_watch_condition{model=\"abc\",condition=\"stripe\"}"))
  }

  @Test func aShortTrainingKnowsNone() throws {
    let (inference, set) = try Self.centroids()
    let profile = try #require(
      ValidationProfile(
        ImageSource(set), by: inference, modelDigest: "abc", seed: 1, spoiled: 1000))
    #expect(profile.conditions == nil)
    // Neither do profiles of earlier versions: those bytes are as they were.
    #expect(!String(decoding: profile.encoded.prefix(4096), as: UTF8.self).contains("conditions"))
  }

  @Test func conditionsThatAreNotSoundAreRefused() throws {
    let one =
      "{\"kind\": \"fog\", \"severity\": 3, \"count\": 10, \"right\": 9, \"residual\": 0.1}"
    func parsed(_ conditions: String, _ spread: String = "0.1") throws -> Bool {
      let text = "{\"spread\": \(spread), \"bend\": 0, \"conditions\": [\(conditions)]}"
      return ConditionLibrary.parsed(try JSONValue(parsing: Array(text.utf8), name: "x")) != nil
    }
    #expect(try parsed(one))
    #expect(try !parsed(""))
    #expect(try !parsed(one, "-1"))
    #expect(try !parsed(Array(repeating: one, count: 257).joined(separator: ",")))
    for (part, other) in [
      ("\"fog\"", "\"Fog\\n\""), ("\"fog\"", "3"), ("3,", "0,"), ("3,", "\"3\","),
      ("10,", "0,"), ("9,", "11,"), ("0.1", "1.5"), ("\"residual\"", "\"rest\""),
    ] {
      let changed = one.replacing(part, with: other)
      #expect(changed != one)
      #expect(try !parsed(changed), "\(changed)")
    }
    // A tensor of another shape, in a file with its digest.
    let (inference, set) = try Self.centroids()
    let profile = try #require(
      ValidationProfile(
        ImageSource(set), by: inference, modelDigest: "abc", seed: 1, spoiled: 0))
    let folder = try TemporaryFolder()
    var file = try Safetensors(parsing: profile.encoded, path: "x")
    file.metadata["conditions"] = "{\"spread\": 0, \"bend\": 0, \"conditions\": [\(one)]}"
    try folder.file("model.profile", file.sealed)
    #expect {
      try ValidationProfile(reading: "\(folder.path)/model.profile")
    } throws: { "\($0)".contains("conditions/means is not as it should be") }
  }
}
