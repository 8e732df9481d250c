import ConvNet
import Datasets
import Foundation
import Images
import Statistics
import Storage
import TestSupport
import Testing

@testable import Experiment
@testable import Watching

/// What a watch holds requests against, and what it finds.
@Suite struct WatchTests {
  /// Three normal quantities and features for each image, as a network might give them.
  private static func seen(
    _ count: Int, from first: Int = 0, shift: Float = 0, classes: Int = 4, width: Int = 5
  ) -> [SeenImage] {
    (first..<first + count).map { image in
      var random = RandomStream(seed: 9, purpose: .probe, sample: UInt32(image))
      let odds = 3 + 2 * random.normal()
      let p = 1 / (1 + exp(-odds))
      return SeenImage(
        prediction: Int(random.below(UInt32(classes))), confidence: p, logOdds: odds,
        energy: 10 + random.normal(), distance: 2 + 0.3 * random.normal(),
        figures: ImageFigures(
          ink: 0.2 + 0.02 * random.normal() + shift, width: 0.5 + 0.1 * random.normal(),
          height: 0.7, slant: 0.1 * random.normal(), stroke: 3 + 0.4 * random.normal(), x: 0.5,
          y: 0.5),
        probabilities: [p, 1 - p, 0, 0],
        features: (0..<width).map { _ in random.normal() + 5 * shift })
    }
  }

  private static func profile(_ count: Int = 600) -> ValidationProfile {
    let seen = seen(count, from: 100_000)
    var counts = [0, 0, 0, 0]
    for one in seen { counts[one.prediction] += 1 }
    var answers = CorrectnessModel.Answers()
    for (place, one) in seen.enumerated() {
      var random = RandomStream(seed: 10, purpose: .probe, sample: UInt32(place))
      answers.append(one, isRight: random.uniform() < one.confidence)
    }
    return ValidationProfile(
      modelDigest: "abc", validation: 2 * count, classCounts: counts,
      values: seen.flatMap { ValidationProfile.values(of: $0).map { $0! } }, featureCount: 5,
      mean: [0, 0, 0, 0, 0],
      covariance: (0..<25).map { $0 % 6 == 0 ? 1 : 0 },
      sample: seen.prefix(200).flatMap(\.features), accuracy: 0.9,
      temperature: TemperatureScaling(temperature: 1),
      correctness: CorrectnessModel(plain: answers, distorted: []), tests: Self.tests)
  }

  private static let tests = TestedImages(
    pixels: (0..<12).map { UInt8($0 * 20) }, shape: ImageShape(height: 2, width: 2, channels: 1),
    scores: [3, 1, 0, -1, 0, 8, -2, 1, 0.5, 0, 0, 0.25])

  @Test func aModelThatAnswersItsTestsOtherwiseIsFoundOut() {
    #expect(Self.tests.count == 3)
    #expect(Self.tests.complaint(about: Self.tests.scores) == nil)
    // Another kernel's last digits.
    #expect(Self.tests.complaint(about: Self.tests.scores.map { $0 * (1 + 1e-6) }) == nil)
    #expect(
      Self.tests.complaint(about: Self.tests.scores.map { $0 + 0.01 })!.contains("differ"))
    var wrong = Self.tests.scores
    wrong[8] = 0.1
    #expect(
      Self.tests.complaint(about: wrong)
        == "it answers 1 of its 3 own test images otherwise than in its run")
    wrong[8] = .nan
    #expect(Self.tests.complaint(about: wrong)!.contains("no numbers"))
  }

  @Test func aProfileIsReadAsItWasWritten() throws {
    let folder = try TemporaryFolder()
    let profile = Self.profile()
    let path = "\(folder.path)/model.profile"
    #expect(ValidationProfile.path(besideModel: "\(folder.path)/model.safetensors") == path)
    #expect(try ValidationProfile(besideModel: "\(folder.path)/model.safetensors") == nil)
    try profile.write(to: path)
    let read = try #require(
      try ValidationProfile(besideModel: "\(folder.path)/model.safetensors"))
    #expect(read == profile)
    #expect(read.encoded == profile.encoded)
    // A byte of it changed is seen, wherever it is.
    let bytes = [UInt8](try folder.data("model.profile"))
    for place in stride(from: 0, to: bytes.count, by: 997) {
      var changed = bytes
      changed[place] ^= 1
      try folder.file("changed.profile", changed)
      #expect(throws: (any Error).self, "byte \(place)") {
        try ValidationProfile(reading: "\(folder.path)/changed.profile")
      }
    }
    let other = try ModelFile(
      importing: Model(
        NetworkPlan(
          NetworkDescription(
            input: .image(height: 2, width: 2, channels: 1),
            model: [.layer(.flatten), .layer(.dense(DenseDescription(units: 2)))], classes: 2)),
        seed: 1), name: "m", classNames: ["a", "b"],
      ImagePreparation(shape: ImageShape(height: 2, width: 2, channels: 1)), kernel: "HASWELL")
    try other.write(to: "\(folder.path)/model.safetensors")
    #expect {
      try ValidationProfile(reading: "\(folder.path)/model.safetensors")
    } throws: { "\($0)".contains("is not a profile of this program") }
  }

  /// What is like the validation images is told to be another as seldom as promised; what isn't is seen,
  /// and named.
  @Test func looks() throws {
    var options = Watch.Options()
    options.permutations = 199
    options.spends = false
    options.alpha = 0.05
    let watch = Watch(Self.profile(), options)
    var alarms = 0
    for window in 0..<100 {
      let look = watch.look(at: Self.seen(100, from: 200 * window), number: 1)
      #expect(look.tests.count == 12)
      if !look.moved.isEmpty { alarms += 1 }
    }
    // Five of a hundred at the most, and four deviations.
    #expect(alarms <= 13, "\(alarms)")
    let look = watch.look(
      at: Self.seen(100, shift: 0.05), labels: Array(repeating: 0, count: 100), number: 1)
    #expect(Set(look.moved.map(\.name)).isSuperset(of: ["ink"]), "\(look.moved)")
    #expect(
      !look.moved.map(\.name).contains { ["width", "slant", "energy", "classes"].contains($0) })
    #expect(look.broken.count == 1 && look.broken[0].contains("ink"))
    let ink = try #require(look.shifts.first { $0.name == "ink" })
    #expect(ink.stability.index > 0.25 && ink.windowMedian > ink.referenceMedian)
    #expect(look.accuracy?.count == 100)
    // The same of the same requests, whatever came before.
    #expect(
      look
        == watch.look(
          at: Self.seen(100, shift: 0.05), labels: Array(repeating: 0, count: 100), number: 1))
  }

  /// The expected accuracy of answers whose confidence is what it says is their accuracy.
  @Test func accuracyIsExpected() {
    let profile = Self.profile(3000)
    let seen = Self.seen(2000)
    let mean = seen.reduce(0.0) { $0 + Double($1.confidence) } / 2000
    let expected = profile.correctness.accuracy(of: seen, hasMoved: false)
    let (value, interval) = (expected.value, expected.interval)
    #expect(abs(value - mean) < 0.03, "\(value), \(mean)")
    #expect(interval.low < mean && mean < interval.high && interval.high - interval.low < 0.06)
    let moved = profile.correctness.accuracy(of: seen, hasMoved: true)
    #expect(abs(moved.value - mean) < 0.04, "\(moved), \(mean)")
  }

  @Test func whatIsSpentOnLooks() throws {
    var options = Watch.Options()
    options.permutations = 99
    let watch = Watch(Self.profile(), options)
    #expect(watch.look(at: Self.seen(30), number: 1).level == 0.005)
    #expect(watch.look(at: Self.seen(30), number: 9).level == 0.01 / 90)
    // Without features, distances and all scores it looks at what there is.
    let bare = Self.seen(30).map {
      SeenImage(
        prediction: $0.prediction, confidence: $0.confidence, logOdds: $0.logOdds,
        energy: $0.energy, figures: $0.figures)
    }
    let look = watch.look(at: bare, number: 1)
    #expect(look.tests.count == 10 && look.byTemperature == nil)
    options.minAccuracy = 0.999
    let strict = Watch(Self.profile(), options)
    let broken = strict.look(
      at: Self.seen(100), labels: Array(repeating: 3, count: 100), number: 1)
    #expect(broken.broken.contains { $0.contains("is below 99.90 %") }, "\(broken.broken)")
  }

  /// Of a log one model's requests, in windows that stay as they are when it grows.
  @Test func windowsOfALog() throws {
    let folder = try TemporaryFolder()
    func line(_ place: Int, model: String) -> String {
      LogLine.request(
        LoggedRequest(
          id: "\(place)", time: LogTime.text(seconds: 1_795_248_184 + place, milliseconds: 0),
          model: model, image: nil, className: "x", latency: 1, seen: Self.seen(1, from: place)[0])
      ).text
    }
    var text = (0..<70).map { line($0, model: $0 % 10 == 9 ? "other" : "abc") }.joined()
    text +=
      LogLine.feedback(
        LoggedFeedback(request: "3", time: LogTime.now, label: 2, className: "c")
      ).text
    try folder.write(text, to: "a.jsonl")
    var options = Watch.Options()
    options.permutations = 99
    let watch = Watch(Self.profile(), options)
    let first = WatchedLog(try RequestLog(reading: "\(folder.path)/a.jsonl"), model: "abc")
    #expect(first.requests.count == 63 && first.ofOthers == 7)
    #expect(first.labels[3] == 2 && first.labels.count { $0 != nil } == 1)
    let looks = first.looks(by: watch, size: 25)
    #expect(looks.looks.map(\.number) == [1, 2] && looks.left == 13)
    #expect(looks.looks[0].first == "2026-11-21T08:03:04.000Z")
    try folder.write(text + (70..<90).map { line($0, model: "abc") }.joined(), to: "a.jsonl")
    let grown = WatchedLog(try RequestLog(reading: "\(folder.path)/a.jsonl"), model: "abc")
      .looks(by: watch, size: 25)
    #expect(grown.looks.count == 3 && Array(grown.looks.prefix(2)) == looks.looks)
    #expect(first.looks(by: watch, size: 25, before: 5).looks.map(\.number) == [6, 7])
  }

  @Test func metricsForPrometheus() throws {
    var options = Watch.Options()
    options.permutations = 99
    let look = Watch(Self.profile(), options).look(at: Self.seen(30, shift: 0.2), number: 1)
    let text = WatchMetrics([look], requests: 30, model: "abc").text
    #expect(
      text.contains(
        "# TYPE runner_watch_broken gauge\nrunner_watch_broken{model=\"abc\"} 1.0\n"))
    #expect(text.contains("runner_watch_moved{model=\"abc\",test=\"ink\"} 1.0\n"))
    #expect(text.contains("runner_watch_expected_accuracy_low{model=\"abc\"} 0."))
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      #expect(line.wholeMatch(of: /[a-z_]+\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\} [-0-9.e]+/) != nil)
    }
    #expect(!text.contains("runner_watch_accuracy{"))
  }

  /// Wide features are projected so that distances stay about what they are.
  @Test func projectionsKeepDistances() {
    let reduction = FeatureReduction(count: 2000)
    #expect(reduction.width == 128)
    for pair in 0..<20 {
      var random = RandomStream(seed: 1, purpose: .probe, sample: UInt32(pair))
      let a = (0..<2000).map { _ in max(0, random.normal()) }
      let b = (0..<2000).map { _ in max(0, random.normal()) }
      func distance(_ a: [Float], _ b: [Float]) -> Float {
        zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      }
      let ratio = distance(reduction.reduced(a), reduction.reduced(b)) / distance(a, b)
      #expect(abs(ratio - 1) < 0.3, "\(ratio)")
    }
    #expect(FeatureReduction(count: 3).reduced([1, 2, 3]) == [1, 2, 3])
  }

  @Test func labelsOfVersions() throws {
    let folder = try TemporaryFolder()
    #expect(try VersionLabels(reading: folder.path) == VersionLabels())
    var labels = VersionLabels()
    labels.move(
      .init(
        time: "t", label: "stable", from: nil, to: 1, model: "abc", reason: "first \"one\"",
        isForced: false))
    labels.move(
      .init(
        time: "u", label: "stable", from: 1, to: 12, model: "def", reason: "better",
        isForced: true))
    try labels.write(in: folder.path)
    #expect(try VersionLabels(reading: folder.path) == labels)
    #expect(labels.labels == ["stable": 12])
    for text in ["", "{}", "{\"labels\": {\"stable\": \"one\"}}", "{\"labels\": {\"1st\": 2}}"] {
      try folder.write(text, to: "labels.json")
      #expect(throws: RecordError.self, "\(text)") { try VersionLabels(reading: folder.path) }
    }
    for version in ["1", "12", "03", "a"] {
      try folder.file("\(version)/model.safetensors", [])
    }
    try folder.file("7/model", [])
    #expect(try VersionLabels.versions(in: folder.path) == [1, 12])
    #expect(VersionLabels.isName("canary-2"))
    #expect(!VersionLabels.isName("") && !VersionLabels.isName("2"))
  }

  @Test func whichModelIsBetter() {
    let labels = Array(repeating: 0, count: 200)
    func answers(_ right: Range<Int>) -> [Int] { labels.indices.map { right.contains($0) ? 0 : 1 } }
    let better = ModelComparison(first: answers(0..<150), second: answers(0..<180), labels: labels)
    #expect(better.verdict == .better && better.difference == 0.15)
    #expect(better.interval.low > 0.09 && better.interval.high < 0.21)
    #expect(
      ModelComparison(first: answers(0..<180), second: answers(0..<150), labels: labels).verdict
        == .worse)
    let same = ModelComparison(first: answers(0..<150), second: answers(2..<152), labels: labels)
    #expect(same.verdict == .notShown && same.sentence("1", "2").hasPrefix("no difference"))
  }
}
