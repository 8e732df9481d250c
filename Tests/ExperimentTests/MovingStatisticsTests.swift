import Storage
import Testing

@testable import ConvNet
@testable import Experiment

/// What is said of batch norms whose moving statistics a run hardly moves.
@Suite struct MovingStatisticsTests {
  private static func spec(
    _ norms: String, epochs: Int, batchSize: Int = 64, count: Int = 6000, more: String = ""
  ) throws -> ExperimentSpec {
    let text = """
      { "name": "short", "dataset": { "name": "mnist", "train_count": \(count) },
        "model": [ { "layer": "conv2d", "filters": 2, "kernel": 3 }, \(norms),
          { "layer": "flatten" }, { "layer": "dense", "units": 10 } ],
        "optimizer": { "name": "sgd", "learning_rate": 0.1\(more) },
        "training": { "epochs": \(epochs), "batch_size": \(batchSize) } }
      """
    return try ExperimentSpec.load(bytes: Array(text.utf8), name: "short.json").spec
  }

  private static let plain = #"{ "layer": "batch_norm" }"#

  @Test func saysWhatIsLeft() throws {
    // 94 batches an epoch, the last of 48 images: 0.99¹⁸⁸ = 0.1511.
    let spec = try Self.spec(Self.plain, epochs: 2)
    let statistics = try #require(MovingStatistics(spec, trainingImages: 6000))
    #expect(statistics.batches == 188)
    #expect(abs(statistics.remainder - 0.15115) < 1e-5)
    #expect(
      spec.movingStatisticsNote() == """
        batch_norm's moving averages, by which it is tested, still hold 15.12 % of what they began \
        with after the 188 batches of the whole run (momentum 0.99, one layer): set "debias": true \
        there, or a momentum of 0.984 at most
        """)
    // As many as the files hold.
    #expect(spec.movingStatisticsNote(trainingImages: 60_000) == nil)
    #expect(spec.movingStatisticsNote(trainingImages: 64)?.contains("after the 2 batches") == true)
  }

  /// 0.99²⁹⁸ = 0.05003 is too much, 0.99²⁹⁹ = 0.04953 is not.
  @Test func theBoundIsATwentieth() throws {
    for (batches, isSaid) in [(298, true), (299, false)] {
      let spec = try Self.spec(Self.plain, epochs: batches, count: 64)
      #expect((spec.movingStatisticsNote() != nil) == isSaid, "\(batches)")
    }
    for batches in [1, 7, 188, 5000] {
      let spec = try Self.spec(
        #"{ "layer": "batch_norm", "momentum": 0.9999 }"#, epochs: batches, count: 64)
      let statistics = try #require(MovingStatistics(spec, trainingImages: 64))
      let fitting = statistics.fitting
      let fitted = try Self.spec(
        "{ \"layer\": \"batch_norm\", \"momentum\": \(fitting) }", epochs: batches, count: 64)
      #expect(fitted.movingStatisticsNote() == nil, "\(batches): \(fitting)")
    }
  }

  @Test func countsLayersAndBatches() throws {
    let several = """
      { "layer": "repeat", "times": 3, "layers": [ { "layer": "batch_norm" } ] },
      { "layer": "batch_norm", "momentum": 0.5 }
      """
    let note = try Self.spec(several, epochs: 1).movingStatisticsNote()
    #expect(note?.contains("(momentum 0.99, 3 layers)") == true)
    // Each pass of an accumulated step is a batch.
    let accumulated = try Self.spec(
      Self.plain, epochs: 2,
      more: #", "accumulation": 4"#)
    #expect(MovingStatistics(accumulated, trainingImages: 6000)?.batches == 188)
  }

  @Test func saysNothingWithoutReason() throws {
    let corrected = #"{ "layer": "batch_norm", "debias": true }"#
    #expect(try Self.spec(corrected, epochs: 1).movingStatisticsNote() == nil)
    let none = #"{ "layer": "layer_norm" }"#
    #expect(try Self.spec(none, epochs: 1).movingStatisticsNote() == nil)
    let forgetful = #"{ "layer": "batch_norm", "momentum": 0 }"#
    #expect(try Self.spec(forgetful, epochs: 1).movingStatisticsNote() == nil)
    #expect(try Self.spec(Self.plain, epochs: 4).movingStatisticsNote() == nil)
  }

  @Test func findsTheLeastMoved() throws {
    let specs = try [
      Self.spec(#"{ "layer": "layer_norm" }"#, epochs: 1), Self.spec(Self.plain, epochs: 5),
      Self.spec(Self.plain, epochs: 2), Self.spec(Self.plain, epochs: 3),
      Self.spec(#"{ "layer": "batch_norm", "momentum": 0.5 }"#, epochs: 1),
      Self.spec(Self.plain, epochs: 3, batchSize: 16),
    ]
    let least = specs.reduce(ExperimentSpec?.none) { MovingStatistics.lesserMoved($0, $1) }
    #expect(least == specs[2])
    #expect(MovingStatistics.lesserMoved(nil, specs[0]) == nil)
  }

  /// A resolved spec of before has no such key, and means none.
  @Test func olderSpecsDoWithout() throws {
    let spec = try Self.spec(Self.plain, epochs: 1)
    let text = spec.resolved().pretty
    let older = text.split(separator: "\n").filter { !$0.contains("\"debias\"") }
      .joined(separator: "\n").replacing("\"center\": true,", with: "\"center\": true")
    #expect(older.count < text.count)
    let read = try ExperimentSpec(
      resolved: JSONValue(parsing: Array(older.utf8), name: "resolved.json"))
    #expect(read == spec)
    #expect(read.network.model[1] == .layer(.batchNorm(BatchNormDescription(debias: false))))
  }
}
