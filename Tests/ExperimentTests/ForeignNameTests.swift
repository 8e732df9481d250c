import Storage
import Testing

@testable import Experiment

/// What other libraries call things, and how it is written here.
@Suite struct ForeignNameTests {
  private static let catalogue = ExperimentSpec.catalogue()

  @Test func thereAreManyAndEachIsToldOnce() {
    #expect(ForeignName.all.count > 150)
    for (name, rows) in Dictionary(grouping: ForeignName.all, by: { "\($0.library) \($0.name)" }) {
      #expect(rows.count == 1, "\(name)")
    }
  }

  @Test(arguments: ForeignName.all.filter { $0.library != .optuna })
  func leadsToTheEntry(_ name: ForeignName) {
    guard let entry = name.entry else { return }
    #expect(lookUp(path: entry, in: Self.catalogue) != nil, "\(name.name): \(entry)")
  }

  /// Each example is a part of a spec that is fine, or of one of a user's own images.
  @Test(arguments: ForeignName.all.filter { $0.isJSON && $0.library != .optuna })
  func isWrittenRightly(_ name: ForeignName) throws {
    let written = try JSONValue(parsing: Array("{ \(name.written) }".utf8), name: name.name)
    var spec = try JSONValue(
      parsing: Array(
        """
        {
          "name": "x", "dataset": { "name": "mnist", "validation": 0.2 },
          "model": [{ "layer": "flatten" }, { "layer": "dense", "units": 10 }],
          "optimizer": { "name": "adam" }, "training": { "epochs": 10, "batch_size": 64 }
        }
        """.utf8), name: "base")
    for member in written.object!.members {
      switch member.key {
      case "model":
        // Images come in, scores go out.
        var layers = member.value.array!
        let isFlat = ["flatten", "global_average_pool", "global_max_pool", "dense"].contains(
          layers.last!["layer"]!.string!)
        if layers.first!["layer"] == "dense" { layers.insert(["layer": "flatten"], at: 0) }
        if !isFlat { layers.append(["layer": "flatten"]) }
        spec["model"] = .array(
          [["layer": "conv2d", "filters": 1, "kernel": 3]] + layers
            + [["layer": "dense", "units": 10]])
      case "dataset" where member.value["name"] == nil:
        var dataset = spec["dataset"]!
        for part in member.value.object!.members { dataset[part.key] = part.value }
        spec["dataset"] = dataset
      default: spec[member.key] = member.value
      }
    }
    #expect(SpecErrorTests.errors(spec.pretty) == [])
  }

  @Test(arguments: [
    ("nn.Conv2d", "conv2d"), ("tf.keras.layers.BatchNormalization", "batch_norm"),
    ("MaxPooling2D", "max_pool"), ("ImageDataGenerator", nil), ("rotation_range", "rotate"),
    ("CrossEntropyLoss", "softmax_cross_entropy"), ("CosineAnnealingLR", "cosine"),
    ("lr", "adam.learning_rate"), ("kernel_size", "conv2d.kernel"),
    ("min_lr", "reduce_on_plateau.min_learning_rate"),
  ])
  func names(word: String, entry: String?) throws {
    #expect(try #require(ForeignName.named(word).first).entry == entry)
  }

  /// One slip is one error, and says how it is written.
  @Test(arguments: [
    (
      "\"layer\": \"conv2d\", \"filters\": 4, \"kernel\": 3",
      "\"layer\": \"conv2d\", \"filters\": 4, \"kernel_size\": 3",
      "5:40: model[0].kernel_size: unknown key; did you mean \"kernel\"?"
    ),
    (
      "\"layer\": \"flatten\"", "\"layer\": \"relu\"",
      "6:16: model[1].layer: \"relu\" is not a layer; Keras's ReLU is written \"model\": "
        + "[{ \"layer\": \"activation\", \"function\": \"relu\" }]"
    ),
    (
      "\"layer\": \"conv2d\"", "\"layer\": \"Conv2D\"",
      "5:16: model[0].layer: \"Conv2D\" is not a layer; did you mean \"conv2d\"?"
    ),
    (
      "\"adam\"", "\"adam\", \"lr\": 0.1",
      "9:34: optimizer.lr: unknown key; did you mean \"learning_rate\"?"
    ),
    (
      "\"optimizer\"", "\"schedule\": { \"name\": \"CosineAnnealingLR\" }, \"optimizer\"",
      "9:25: schedule.name: \"CosineAnnealingLR\" is not a schedule; did you mean \"cosine\"?"
    ),
    (
      "\"optimizer\"", "\"loss\": \"CrossEntropyLoss\", \"optimizer\"",
      "9:11: loss: \"CrossEntropyLoss\" is not a loss; did you mean \"softmax_cross_entropy\"?"
    ),
    (
      "\"validation\": 0.2", "\"rotation_range\": 10",
      "3:33: dataset.rotation_range: unknown key; Keras's rotation_range is written "
        + "\"augmentation\": [{ \"op\": \"rotate\", \"degrees\": 10 }]"
    ),
    (
      "\"epochs\": 3, \"batch_size\": 64", "\"epoch\": 3, \"batchsize\": 64",
      "10:17: training.epoch: unknown key; did you mean \"epochs\"?\n"
        + "10:29: training.batchsize: unknown key; did you mean \"batch_size\"?"
    ),
  ])
  func oneSlipIsOneError(old: String, new: String, message: String) {
    #expect(
      SpecErrorTests.errors(SpecErrorTests.edited(old, new))
        == message.split(separator: "\n").map { "x.json:\($0)" })
  }
}
