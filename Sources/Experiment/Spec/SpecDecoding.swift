import ConvNet
import Datasets
import Storage

// Values from a document that the checker has passed and completed, and back. What is missing or
// of another type here is our own bug, hence the traps.

extension ExperimentSpec {
  package init(checked value: JSONValue) {
    let schedule = value["schedule"]!
    self.init(
      name: value["name"]!.string!,
      description: value["description"]!.string!,
      seed: value["seed"]!.uint64!,
      dataset: DatasetSpec(checked: value["dataset"]!),
      model: value["model"]!.array!.map(ModelItem.init(checked:)),
      loss: LossDescription(checked: value["loss"]!),
      optimizer: OptimizerDescription(checked: value["optimizer"]!),
      schedule: Schedule(checked: schedule),
      warmup: schedule["warmup"].flatMap(Warmup.init(checked:)),
      augmentation: value["augmentation"]!.array!.map(AugmentationOp.init(checked:)),
      augmentationFill: BorderFill(rawValue: value["augmentation_fill"]!.string!)!,
      earlyStopping: value["early_stopping"].flatMap(EarlyStoppingSpec.init(checked:)),
      training: TrainingSpec(
        epochs: value["training"]!["epochs"]!.int!,
        batchSize: value["training"]!["batch_size"]!.int!),
      checkpoint: CheckpointSpec(everySteps: value["checkpoint"]!["every_steps"]?.int),
      compute: ComputeSpec(kernel: value["compute"]!["kernel"]!.string!),
      metrics: value["metrics"]!.array!.map { MetricName($0.string!)! },
      testTimeAugmentation: value["evaluation"]!["test_time_augmentation"].flatMap(
        TestTimeAugmentation.init(checked:)),
      expect: value["expect"]!.object!.members.compactMap { member in
        let bounds = member.value
        guard !(bounds["min"]?.double == nil && bounds["max"]?.double == nil) else { return nil }
        return Expectation(
          Metric(rawValue: member.key)!, min: bounds["min"]?.double, max: bounds["max"]?.double)
      })
  }

  /// The spec as a document, every default written out. Reading it gives this very spec. It is in
  /// one form, however the spec was written: `adam` with a weight decay is `adamw`, a kernel of 3
  /// is `[3, 3]`.
  public func resolved() -> JSONValue {
    var expectations = JSONObject()
    for expectation in expect {
      var bounds = JSONObject()
      bounds["min"] = expectation.min.map { JSONValue($0) }
      bounds["max"] = expectation.max.map { JSONValue($0) }
      expectations[expectation.metric.rawValue] = .object(bounds)
    }
    return [
      "name": .string(name),
      "description": .string(description),
      "seed": JSONValue(seed),
      "dataset": dataset.json,
      "model": .array(model.map(\.json)),
      "loss": loss.json,
      "optimizer": optimizer.json,
      "schedule": schedule.json(warmup: warmup),
      "augmentation": .array(augmentation.map(\.json)),
      "augmentation_fill": .string(augmentationFill.rawValue),
      "early_stopping": earlyStopping?.json ?? .null,
      "training": [
        "epochs": JSONValue(training.epochs), "batch_size": JSONValue(training.batchSize),
      ],
      "checkpoint": ["every_steps": JSONValue(checkpoint.everySteps)],
      "compute": ["kernel": .string(compute.kernel)],
      "metrics": .array(metrics.map { .string($0.text) }),
      "evaluation": ["test_time_augmentation": testTimeAugmentation?.json ?? .null],
      "expect": .object(expectations),
    ]
  }
}

extension JSONValue {
  /// A member that the description has made sure of.
  func float(_ key: String) -> Float { self[key]!.number!.float }
  func double(_ key: String) -> Double { self[key]!.number!.double }
  func int(_ key: String) -> Int { self[key]!.int! }
  func bool(_ key: String) -> Bool { self[key]!.bool! }
}

extension EarlyStoppingSpec {
  init?(checked value: JSONValue) {
    if value.isNull { return nil }
    self.init(
      monitor: Metric(rawValue: value["monitor"]!.string!)!, patience: value.int("patience"),
      minDelta: value.double("min_delta"), restoreBest: value.bool("restore_best"))
  }

  var json: JSONValue {
    [
      "monitor": .string(monitor.rawValue), "patience": JSONValue(patience),
      "min_delta": JSONValue(minDelta), "restore_best": .bool(restoreBest),
    ]
  }
}
