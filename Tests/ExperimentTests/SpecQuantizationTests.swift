import ConvNet
import Storage
import TestSupport
import Testing

@testable import Experiment

/// What a spec says of training with quantisation.
struct SpecQuantizationTests {
  private static let convolution = #"{ "layer": "conv2d", "filters": 4, "kernel": 3 }"#

  private static func document(
    _ quantization: String, initial: String? = #"{ "model": "somewhere" }"#,
    layer: String = convolution
  ) throws -> JSONValue {
    let text = """
      {
        "name": "x",
        "dataset": { "name": "mnist", "validation": 0.2 },
        "model": [ \(layer), { "layer": "flatten" }, { "layer": "dense", "units": 10 } ],
        "initial": \(initial ?? "null"), "quantization": \(quantization),
        "optimizer": { "name": "adam" },
        "training": { "epochs": 3, "batch_size": 64 }
      }
      """
    return try JSONValue(parsing: Array(text.utf8), name: "x.json")
  }

  private static func problems(_ document: JSONValue) -> [String] {
    do throws(SpecErrors) {
      _ = try ExperimentSpec(resolved: document)
      return []
    } catch { return error.diagnostics.map { "\($0.path): \($0.message)" } }
  }

  @Test func whatIsSaid() throws {
    let spec = try ExperimentSpec(resolved: Self.document("{}"))
    let quantization = try #require(spec.quantization)
    #expect(quantization.ranges == .learned && quantization.integers.weightBits == 8)
    #expect(
      spec.network.quantization
        == FakeQuantization(
          weightBits: 8, ranges: .learned,
          values: ["conv2d_0", "dense_0"].map { FakeQuantization.Value($0, range: $0) }))
    let running = try ExperimentSpec(
      resolved: Self.document(
        #"{ "weight_bits": 4, "ranges": { "name": "running", "momentum": 0.5 } }"#))
    #expect(running.quantization?.ranges == .running(momentum: 0.5))
    #expect(running.quantization?.integers.weightBits == 4)
    for spec in [spec, running] {
      #expect(try ExperimentSpec(resolved: spec.resolved()) == spec)
    }
    // Who says nothing of it has nothing of it written.
    let plain = try ExperimentSpec(resolved: Self.document("null"))
    #expect(plain.quantization == nil && plain.resolved()["quantization"] == nil)
    #expect(plain.network.quantization == nil)
  }

  @Test func whatIsWrong() throws {
    #expect(
      Self.problems(try Self.document("{}", initial: nil)) == [
        #"quantization: it begins with a model that was trained in floats: name it, "initial": "#
          + #"{ "model": … }"#
      ])
    #expect(
      Self.problems(try Self.document(#"{ "percentile": 1 }"#)) == [
        "quantization.percentile: goes with calibration percentile"
      ])
    #expect(
      Self.problems(
        try Self.document(
          "{}",
          initial: #"{ "model": "x", "frozen": ["conv2d_0"], "features": "conv2d_0" }"#)) == [
          "initial.features: what is kept of images isn't rounded, as quantization asks; leave one of "
            + "the two out"
        ])
    #expect(
      Self.problems(
        try Self.document("{}", layer: #"{ "layer": "activation", "function": "gelu" }"#))
        == [
          "model[0]: activation_0: of activations, linear, relu and relu6 are computed in integers, "
            + "as quantization asks"
        ])
    #expect(
      Self.problems(try Self.document(#"{ "weight_bits": 9 }"#)).first?
        .hasPrefix("quantization.weight_bits: ") == true)
    #expect(
      Self.problems(try Self.document(#"{ "ranges": { "name": "learned", "momentum": 0.9 } }"#))
        .first?.hasPrefix("quantization.ranges.momentum: ") == true)
  }
}
