import ConvNet
import Foundation
import Storage
import Testing

@testable import Exchange
@testable import Experiment
@testable import ONNX

/// Keras is told to go on as the run did, in its own words; see Fixtures/make_keras_training.py.
@Suite struct KerasTrainingTests {
  private static func spec(
    _ optimizer: String, _ loss: String = "\"softmax_cross_entropy\"", more: String = "",
    layers: String = "{ \"layer\": \"flatten\" }"
  ) throws -> ExperimentSpec {
    let text = """
      { "name": "a", "dataset": { "name": "mnist" },
        "model": [ \(layers), { "layer": "dense", "units": 10 } ], \(more)
        "optimizer": \(optimizer), "loss": \(loss), "training": { "epochs": 3, "batch_size": 8 } }
      """
    return try ExperimentSpec.load(bytes: Array(text.utf8), name: "a.json").spec
  }

  private static func training(
    _ spec: ExperimentSpec, softmax: Bool = false
  ) throws -> KerasTraining {
    try KerasTraining(spec, Model(NetworkPlan(spec.network)), softmax: softmax)
  }

  @Test func saysWhatKerasItselfWrites() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/keras_training.json")
    let cases = try #require(
      JSONValue(parsing: [UInt8](Data(contentsOf: path)), name: "cases").array)
    #expect(cases.count == 10)
    for example in cases {
      let training = try Self.training(
        Self.spec(example["optimizer"]!.compact, example["loss"]!.compact),
        softmax: example["softmax"]!.bool!)
      let expected = example["keras"]!
      for (part, legacy) in [("optimizer", "optimizer_config"), ("loss", "loss")] {
        let (own, keras) = (training.compileConfig[part]!, expected[part]!)
        #expect(own["class_name"] == keras["class_name"] && own["module"] == keras["module"])
        #expect(training.trainingConfig[legacy]!["config"] == own["config"])
        // What is left unsaid is Keras's default.
        for (key, value) in own["config"]!.object!.members.map({ ($0.key, $0.value) }) {
          // Keras reads it, and does not write it.
          if key == "delta" { continue }
          let there = try #require(keras["config"]?[key], "\(part).\(key)")
          #expect(
            there == value || there.double.map { Float($0) } == value.double.map { Float($0) },
            "\(part).\(key)")
        }
        let unsaid = keras["config"]!.object!.members.filter {
          own["config"]![$0.key] == nil && $0.key != "name"
        }
        #expect(
          unsaid.allSatisfy {
            $0.key == "axis" || $0.value == .null || $0.value == false || $0.value.double == 0
              || $0.key == "ema_momentum" && $0.value.double == 0.99
          }, "\(unsaid)")
      }
      #expect(training.compileConfig["metrics"] == expected["metrics"])
    }
  }

  @Test func tellsWhatTheFileCannotSay() throws {
    let adam = #"{ "name": "adam", "learning_rate": 0.001, "convention": "pytorch" }"#
    #expect(try Self.training(Self.spec(adam)).notes.count == 1)
    let all = try Self.training(
      Self.spec(
        #"""
        { "name": "adamw", "learning_rate": 0.001, "weight_decay": 0.01, "clip_norm": 1,
          "clip_value": 1, "averaging": { "name": "swa", "after": 1 }, "sam": 0.05,
          "learning_rate_factors": { "dense_0": 0.1 } }
        """#, #"{ "name": "softmax_cross_entropy", "class_weights": "balanced" }"#,
        more: #""schedule": { "name": "cosine" },"#,
        layers: #"{ "layer": "flatten" }, { "layer": "dropout", "rate": 0.1 }"#)
    ).notes.joined(separator: "\n")
    for word in [
      "weight decay", "clip_value", "average over epochs", "sharpness", "learning_rate_factors",
      "class_weight", "schedule", "dropout",
    ] {
      #expect(all.contains(word), "\(word)")
    }
  }

  @Test(arguments: ["muon", "shampoo", "kfac"]) func whatKerasHasNot(_ name: String) throws {
    let spec = try Self.spec(#"{ "name": "\#(name)", "learning_rate": 0.01 }"#)
    #expect(throws: ExchangeError.self) { try Self.training(spec) }
  }

  @Test func lossesOfScoresTakeNoProbabilities() throws {
    let spec = try Self.spec(
      #"{ "name": "sgd", "learning_rate": 0.01 }"#, #""mean_squared_error""#)
    #expect(throws: ExchangeError.self) { try Self.training(spec, softmax: true) }
    #expect(try Self.training(spec).notes.count == 1)
  }
}
