import ConvNet
import Storage

// What two keys say about each other. Works on a document that may lack what was wrong in it, so
// that all errors can be told at once.

extension SpecChecker {
  mutating func checkConsistency(_ spec: JSONValue) {
    checkDataset(spec)
    checkModel(spec)
    checkTraining(spec)
    checkAugmentation(spec)
    checkMetrics(spec)
  }

  // MARK: - Model

  private mutating func checkModel(_ spec: JSONValue) {
    guard let layers = spec["model"]?.array, let last = layers.last, !last.isNull else { return }
    let path = Path() + "model" + (layers.count - 1)
    let loss = spec["loss"]?.string ?? spec["loss"]?["name"]?.string
    let itself: [String: String] = [
      "softmax_cross_entropy": "softmax", "focal": "softmax", "binary_cross_entropy": "sigmoid",
    ]
    for (key, isOwnLayer) in [("activation", false), ("function", true)] {
      let function = last[key]?["name"] ?? last[key]
      if let loss, let applied = itself[loss], function?.string == applied {
        report(
          at: path + key,
          "\(loss) applies \(applied) itself; drop this " + (isOwnLayer ? "layer" : "activation"))
        return
      }
    }
    guard let facts = DatasetFacts(spec["dataset"]), let classes = facts.classes else { return }
    if let weights = spec["loss"]?["class_weights"]?.array, weights.count != classes {
      report(
        at: Path() + "loss" + "class_weights",
        "\(weights.count) weights do not fit the \(classes) classes of \(facts.name.rawValue)")
    }
    guard !problems.contains(where: { $0.path.begins(with: "model") }),
      let input = facts.sampleShape
    else { return }
    let model = layers.compactMap(SpecDescription.layers.decode)
    // The last layer that sets how many outputs there are.
    let scoring = model.lastIndex {
      switch $0.content {
      case .layer(.dropout), .layer(.activation), .layer(.batchNorm), .layer(.layerNorm),
        .layer(.groupNorm), .layer(.prelu), .layer(.gaussianNoise):
        false
      default: true
      }
    }
    if let scoring, case .layer(.dense(let dense)) = model[scoring].content,
      dense.units != classes
    {
      report(
        at: Path() + "model" + scoring + "units",
        "\(dense.units) outputs do not fit the \(classes) classes of \(facts.name.rawValue)")
      return
    }
    do {
      let plan = try NetworkPlan(
        NetworkDescription(input: input, model: model, classes: classes))
      checkLayerNames(spec, plan)
      checkInitial(spec, plan)
      checkTeacher(spec, plan)
      checkQuantization(spec, plan)
      checkPruning(spec, plan)
    } catch {
      report(at: error.layer.map(Path.init) ?? Path() + "model", error.message)
    }
  }

  // MARK: - Training

  private mutating func checkTraining(_ spec: JSONValue) {
    let epochs = spec["training"]?["epochs"]?.double
    let schedule = spec["schedule"]
    if let warmup = schedule?["warmup"]?["epochs"], let length = warmup.double, let epochs,
      length > epochs
    {
      report(
        at: Path() + "schedule" + "warmup" + "epochs",
        "a warm-up of \(Bounds.text(length)) epochs is longer than the training of "
          + Bounds.text(epochs))
    }
    if let least = schedule?["min_learning_rate"]?.double,
      let rate = spec["optimizer"]?["learning_rate"]?.double, least > rate
    {
      report(
        at: Path() + "schedule" + "min_learning_rate",
        "\(Bounds.text(least)) is more than the learning rate, \(Bounds.text(rate)), itself")
    }
    checkSchedule(spec)
    if let optimizer = spec["optimizer"] { checkOptimizer(optimizer, spec) }
    if spec["optimizer"]?["nesterov"] == true, spec["optimizer"]?["momentum"]?.double == 0 {
      report(
        at: Path() + "optimizer" + "nesterov",
        "Nesterov's form needs a \"momentum\" of more than 0")
    }
  }

  private mutating func checkOptimizer(_ optimizer: JSONValue, _ spec: JSONValue) {
    let path = Path() + "optimizer"
    if let after = optimizer["averaging"]?["after"]?.int,
      let epochs = spec["training"]?["epochs"]?.int, after >= epochs
    {
      report(
        at: path + "averaging" + "after",
        "\(after) leaves none of the \(epochs) epochs to average")
    }
    if let sam = optimizer["sam"], !sam.isNull, let count = optimizer["accumulation"]?.int,
      count > 1
    {
      report(at: path + "sam", "a second pass over \(count) accumulated batches is not supported")
    }
  }

  /// What the optimizer says of some layers must be of such as have weights.
  private mutating func checkLayerNames(_ spec: JSONValue, _ plan: NetworkPlan) {
    let factors = spec["optimizer"]?["learning_rate_factors"]?.object ?? JSONObject()
    let names = plan.layers.filter { $0.parameters > 0 }.map(\.label)
    for key in factors.keys where !names.contains(key) {
      let hint =
        nearMiss(to: key, among: names).map { "did you mean \"\($0)\"?" }
        ?? "those are \(names.quotedList)"
      report(
        at: Path() + "optimizer" + "learning_rate_factors" + key,
        "there is no such layer with weights; \(hint)")
    }
  }

  private mutating func checkSchedule(_ spec: JSONValue) {
    guard let schedule = spec["schedule"] else { return }
    let path = Path() + "schedule"
    if let boundaries = schedule["boundaries"]?.array?.map(\.double) {
      if let factors = schedule["factors"]?.array, factors.count != boundaries.count + 1 {
        report(
          at: path + "factors",
          "\(factors.count) factors do not fit \(boundaries.count) boundaries; one more than those "
            + "is needed")
      }
      for (i, next) in boundaries.enumerated().dropFirst() {
        guard let before = boundaries[i - 1], let next, next <= before else { continue }
        report(
          at: path + "boundaries" + i,
          "\(Bounds.text(next)) does not come after \(Bounds.text(before))")
      }
    }
    if let bounds = schedule["momentum"]?.array?.map(\.double) {
      if let low = bounds[0], let high = bounds[1], low > high {
        report(
          at: path + "momentum",
          "\(Bounds.text(low)) is more than the highest, \(Bounds.text(high))"
        )
      }
      if !problems.contains(where: { $0.path.begins(with: "optimizer") }),
        let optimizer = spec["optimizer"].flatMap(SpecDescription.optimizers.decode),
        optimizer.rule.momentum == nil
      {
        report(
          at: path + "momentum",
          "the optimizer has no momentum that could be cycled; give it one, or leave this out")
      }
    }
    if let start = schedule["start"]?.double, let final = schedule["final"]?.double, final > start {
      report(
        at: path + "final",
        "\(Bounds.text(final)) is more than the start, \(Bounds.text(start))")
    }
  }
}

extension Path {
  fileprivate func begins(with key: String) -> Bool { steps.first == .key(key) }
}
