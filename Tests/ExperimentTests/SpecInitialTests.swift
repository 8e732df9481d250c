import ConvNet
import Storage
import TestSupport
import Testing

@testable import Experiment

/// What a spec says of the model that it begins with, as far as the spec alone tells.
struct SpecInitialTests {
  private static let digest = String(repeating: "a", count: 64)

  private static func text(_ initial: String, _ more: String = "") -> String {
    """
    {
      "name": "x",
      "dataset": { "name": "mnist", "validation": 0.2 },
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 3 },
        { "layer": "batch_norm" },
        { "layer": "dropout", "rate": 0.5 },
        { "layer": "flatten" },
        { "layer": "dense", "units": 10 }
      ],
      "initial": { "model": "somewhere", \(initial) },
      "optimizer": { "name": "adam" }, \(more)
      "training": { "epochs": 3, "batch_size": 64 }
    }
    """
  }

  /// All that is wrong, where the model was not looked at.
  private static func problems(_ initial: String, _ more: String = "") throws -> [String] {
    let json = try JSONValue(parsing: Array(text(initial, more).utf8), name: "x.json")
    do throws(SpecErrors) {
      _ = try ExperimentSpec(resolved: json)
      return []
    } catch { return error.diagnostics.map { "\($0.path): \($0.message)" } }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let initial: String
    var more = ""
    let message: String
    var testDescription: String { initial }
  }

  @Test(arguments: [
    Case(
      initial: #""frozen": ["conv"]"#,
      message: "initial.frozen[0]: no layer with weights is called \"conv\"; did you mean "
        + "\"conv2d_0\"?"),
    Case(
      initial: #""layers": ["block*"]"#,
      message:
        "initial.layers[0]: no layer with weights is called \"block*\"; those are \"conv2d_0\", "
        + "\"batch_norm_0\", \"dense_0\""),
    Case(
      initial: #""frozen": ["..batch_nrom_0"]"#,
      message: "initial.frozen[0]: no layer with weights is called \"batch_nrom_0\"; did you mean "
        + "\"batch_norm_0\"?"),
    Case(
      initial: #""frozen": ["flatten_0"]"#,
      message: "initial.frozen[0]: \"flatten_0\" has no weights"),
    Case(
      initial: #""frozen": ["*"]"#,
      message: "initial.frozen: all layers with weights are frozen, so that none would learn"),
    Case(
      initial: #""frozen": "all""#,
      message: "initial.frozen: \"all\" is not what to freeze; did you mean \"all_but_last\"?"),
    Case(
      initial: #""unfreeze": ["conv2d_0"]"#,
      message: "initial.unfreeze: the epoch is missing: give \"unfreeze_at\""),
    Case(initial: #""unfreeze_at": 2"#, message: "initial.unfreeze_at: nothing is frozen"),
    Case(
      initial: #""frozen": ["conv2d_0"], "unfreeze_at": 4"#,
      message:
        "initial.unfreeze_at: 4 comes after the last epoch, 3; leave it out where nothing is to "
        + "be unfrozen"),
    Case(
      initial: #""frozen": ["conv2d_0"], "unfreeze_at": 2, "unfreeze": ["dense_0"]"#,
      message: "initial.unfreeze[0]: \"dense_0\" isn't frozen"),
    Case(
      initial: #""frozen": "all_but_last", "features": "flatten_0""#,
      message:
        "initial.features: what \"flatten_0\" gives can't be kept, since it reads what dropout_0 "
        + "gives, which is drawn anew for each step"),
    Case(
      initial: #""frozen": ["conv2d_0"], "features": "batch_norm_0""#,
      message: "initial.features: what \"batch_norm_0\" gives can't be kept, since it reads what "
        + "batch_norm_0 gives, which isn't frozen"),
    Case(
      initial: #""frozen": "all_but_last", "features": "batch_norm_1""#,
      message:
        "initial.features: no layer is called \"batch_norm_1\"; did you mean \"batch_norm_0\"?"),
    Case(
      initial: #""frozen": "all_but_last", "features": "batch_norm_0", "unfreeze_at": 2"#,
      message:
        "initial.features: what is to learn later (unfreeze_at) can't be kept; leave one of the "
        + "two out"),
    Case(
      initial: #""frozen": "all_but_last", "features": "batch_norm_0""#,
      more: #""augmentation": [{ "op": "rotate", "degrees": 5 }],"#,
      message: "initial.features: augmentation shows each image otherwise in every epoch, so that "
        + "nothing can be kept of it; leave one of the two out"),
    Case(
      initial: #""weights_sha256": "abc""#,
      message: "initial.weights_sha256: found \"abc\", but 64 hexadecimal digits in lower case is "
        + "expected"),
  ])
  func isRefused(_ c: Case) throws {
    #expect(try Self.problems(c.initial, c.more) == [c.message])
  }

  @Test func aModelsFiguresAndOwnOnesExclude() throws {
    let text = Self.text(#""normalization": "model""#).replacing(
      "\"validation\": 0.2", with: "\"validation\": 0.2, \"normalize\": \"per_channel\"")
    let json = try JSONValue(parsing: Array(text.utf8), name: "x.json")
    #expect(throws: SpecErrors.self) { try ExperimentSpec(resolved: json) }
    let own = text.replacing("\"normalization\": \"model\"", with: "\"layers\": null")
    let spec = try ExperimentSpec(
      resolved: try JSONValue(parsing: Array(own.utf8), name: "x.json"))
    #expect(spec.initial?.normalization == .dataset)
  }

  /// What is resolved reads back as itself; and where nothing is said, nothing is written.
  @Test func roundTrip() throws {
    let json = try JSONValue(
      parsing: Array(
        Self.text(
          """
          "weights_sha256": "\(Self.digest)", "layers": ["conv2d_*"], "frozen": ["conv2d_0"],
          "unfreeze_at": 2, "unfreeze": ["conv*"]
          """
        ).utf8), name: "x.json")
    let spec = try ExperimentSpec(resolved: json)
    #expect(
      spec.initial
        == InitialSpec(
          model: "somewhere", weightsDigest: Self.digest, layers: ["conv2d_*"], wholeLayers: false,
          frozen: .layers(["conv2d_0"]), unfreezeAt: 2, unfreeze: ["conv*"]))
    #expect(try ExperimentSpec(resolved: spec.resolved()) == spec)
    // Where a resolved spec doesn't say so, a layer's tensors are taken each by itself, and so it is written.
    #expect(spec.initial?.wholeLayers == false)
    #expect(spec.resolved()["initial"]?.object?.members.count == 8)
    var fresh = spec
    fresh.initial = nil
    #expect(fresh.resolved()["initial"] == nil)
  }

  @Test func patterns() {
    for (pattern, label, isOne) in [
      ("conv2d_0", "conv2d_0", true), ("conv2d_0", "conv2d_01", false), ("*", "", true),
      ("conv*", "conv2d_0", true), ("*_0", "conv2d_0", true), ("c*_*1", "conv2d_11", true),
      ("c*_*1", "conv2d_10", false), ("", "a", false), ("a*b*c", "abbbc", true), ("a**", "a", true),
    ] {
      #expect(LayerPattern.matches(pattern, label) == isOne, "\(pattern) \(label)")
    }
  }

  @Test func rangesOfLayers() {
    let labels = ["a", "b", "c"]
    #expect(LayerPattern.matches(["..b"], among: labels) == ["a", "b"])
    #expect(LayerPattern.matches(["..a", "c"], among: labels) == ["a", "c"])
    #expect(LayerPattern.matches(["..d"], among: labels) == [])
  }

  /// Of a training there are at most two times, of which the second counts an optimizer's steps anew.
  @Test func freezings() throws {
    let json = try JSONValue(
      parsing: Array(
        Self.text(#""frozen": "all_but_last", "unfreeze_at": 3, "unfreeze": ["conv2d_0"]"#).utf8),
      name: "x.json")
    let spec = try ExperimentSpec(resolved: json)
    let plan = try NetworkPlan(spec.network)
    let first = Freezing(layers: ["conv2d_0", "batch_norm_0"])
    for epoch in 1...2 {
      #expect(spec.freezing(epoch: epoch, stepsPerEpoch: 7, of: plan) == first)
    }
    #expect(
      spec.freezing(epoch: 3, stepsPerEpoch: 7, of: plan)
        == Freezing(layers: ["batch_norm_0"], late: ["conv2d_0"], lateAfter: 14))
    #expect(spec.freezings(of: plan).count == 2)
  }

  /// What is kept of images is counted, and refused where it doesn't fit.
  @Test func memoryOfFeatures() throws {
    let json = try JSONValue(
      parsing: Array(
        Self.text(#""frozen": ["conv2d_0", "batch_norm_0"], "features": "batch_norm_0""#).utf8),
      name: "x.json")
    let spec = try ExperimentSpec(resolved: json)
    let memory = try TrainingMemory(spec, threads: 1)
    #expect(memory.features == 60_000 * 26 * 26 * 4 * 4)
    #expect(memory.total > memory.features)
  }

  /// The examples of others' models, which aren't here.
  @Test(arguments: ["resnet50", "vgg16"]) func examples(name: String) throws {
    let path = "\(SpecRoundTripTests.experiments)/transfer/\(name).json"
    let spec = try ExperimentSpec.load(path: path, isBeginning: false).spec
    let plan = try NetworkPlan(spec.network)
    let freezing = spec.freezings(of: plan)[0]
    #expect(freezing.features != nil)
    #expect(plan.trainingFLOPs(freezing) * 20 < plan.trainingFLOPs)
  }
}
