import ConvNet
import Storage

// What a training begins with, against the network that it is for and, where it has been read, the model
// that it is of.

extension SpecChecker {
  mutating func checkInitial(_ spec: JSONValue, _ plan: NetworkPlan) {
    guard let section = spec["initial"], !section.isNull,
      let initial = SpecDescription.initial.decode(section)
    else { return }
    let told = problems.count
    checkPatterns(initial, plan)
    checkFrozen(initial, spec, plan)
    checkFeatures(initial, spec, plan)
    if initial.normalization == .model, spec["dataset"]?["normalize"].map({ !$0.isNull }) ?? false {
      report(
        at: Path() + "initial" + "normalization",
        "\"model\" contradicts dataset.normalize; leave one of them out, or say \"dataset\"")
    }
    if problems.count == told, let initialModel { checkModel(initialModel, initial, plan) }
  }

  // MARK: - Names

  private mutating func checkPatterns(_ initial: InitialSpec, _ plan: NetworkPlan) {
    let labels = plan.layersWithTensors
    var lists = [("layers", initial.layers ?? []), ("unfreeze", initial.unfreeze ?? [])]
    if case .layers(let patterns) = initial.frozen { lists.append(("frozen", patterns)) }
    for (key, patterns) in lists {
      check(patterns, at: Path() + "initial" + key, among: labels, having: "weights", of: plan)
    }
  }

  /// That each of some patterns means one of some layers.
  /// - Parameter what: these have, and other layers don't.
  mutating func check(
    _ patterns: [String], at path: Path, among labels: [String], having what: String,
    of plan: NetworkPlan
  ) {
    for (place, pattern) in patterns.enumerated()
    where LayerPattern.matches([pattern], among: labels).isEmpty {
      if plan.layers.contains(where: { $0.label == pattern }) {
        report(at: path + place, "\(shortened(pattern)) has no \(what)")
      } else {
        let name = LayerPattern.end(of: pattern) ?? pattern
        report(
          at: path + place,
          "no layer with \(what) is called \(shortened(name)); \(hint(name, labels))")
      }
    }
  }

  private func hint(_ name: String, _ labels: [String]) -> String {
    if let near = nearMiss(to: name, among: labels) { return "did you mean \"\(near)\"?" }
    let most = 20
    return labels.count <= most
      ? "those are \(labels.quotedList)"
      : "those are \(Array(labels.prefix(most)).quotedList) and \(labels.count - most) more"
  }

  // MARK: - What is frozen

  private mutating func checkFrozen(
    _ initial: InitialSpec, _ spec: JSONValue, _ plan: NetworkPlan
  ) {
    let path = Path() + "initial"
    let frozen = initial.frozenLayers(of: plan)
    if !plan.layers.contains(where: { $0.parameters > 0 && !frozen.contains($0.label) }) {
      report(at: path + "frozen", "all layers with weights are frozen, so that none would learn")
    }
    guard let epoch = initial.unfreezeAt else {
      if initial.unfreeze != nil {
        report(at: path + "unfreeze", "the epoch is missing: give \"unfreeze_at\"")
      }
      return
    }
    if frozen.isEmpty { report(at: path + "unfreeze_at", "nothing is frozen") }
    if let epochs = spec["training"]?["epochs"]?.int, epoch > epochs {
      report(
        at: path + "unfreeze_at",
        "\(epoch) comes after the last epoch, \(epochs); leave it out where nothing is to be unfrozen"
      )
    }
    for (place, pattern) in (initial.unfreeze ?? []).enumerated() {
      let named = LayerPattern.matches([pattern], among: plan.layersWithTensors)
      if !named.isEmpty, named.isDisjoint(with: frozen) {
        report(at: path + "unfreeze" + place, "\(shortened(pattern)) isn't frozen")
      }
    }
  }

  private mutating func checkFeatures(
    _ initial: InitialSpec, _ spec: JSONValue, _ plan: NetworkPlan
  ) {
    guard let label = initial.features else { return }
    let path = Path() + "initial" + "features"
    guard plan.layers.contains(where: { $0.label == label }) else {
      let labels = plan.layers.map(\.label)
      report(at: path, "no layer is called \(shortened(label)); \(hint(label, labels))")
      return
    }
    if let reason = plan.reasonAgainstKeeping(label, frozen: initial.frozenLayers(of: plan)) {
      report(
        at: path,
        "what \(shortened(label)) gives can't be kept, since it \(reason)")
    }
    if initial.unfreezeAt != nil {
      report(
        at: path, "what is to learn later (unfreeze_at) can't be kept; leave one of the two out")
    }
    if let ops = spec["augmentation"]?.array, !ops.isEmpty {
      report(
        at: path,
        "augmentation shows each image otherwise in every epoch, so that nothing can be kept of it; leave "
          + "one of the two out")
    }
  }

  // MARK: - The model

  private mutating func checkModel(
    _ model: FoundModel, _ initial: InitialSpec, _ plan: NetworkPlan
  ) {
    let path = Path() + "initial"
    if let digest = initial.weightsDigest, digest != model.file.weightsDigest {
      report(
        at: path + "weights_sha256",
        "the weights of \(model.path) are \(model.file.weightsDigest.prefix(12))…, not these: it has "
          + "changed, or is another model")
    }
    let there = model.file.model
    let layers = InitialTensors.layers(of: there.tensors.map(\.name))
    for (place, pattern) in (initial.layers ?? []).enumerated() {
      let chosen = LayerPattern.matches([pattern], among: plan.layersWithTensors)
      let tensors = InitialTensors(of: there, for: plan, layers: chosen, wholeLayers: false)
      if let name = tensors.absent.first {
        let layer = InitialTensors.layers(of: [name])[0]
        let missing = layers.contains(layer) ? "tensor \(name)" : "layer \(layer)"
        report(
          at: path + "layers" + place,
          "\(model.path) has no \(missing); \(hint(layer, layers.filter { $0 != layer }))")
      }
      for unfit in tensors.unfit {
        report(
          at: path + "layers" + place,
          "\(unfit.name) is \(Self.shape(unfit.wanted)) here, and \(Self.shape(unfit.found)) in "
            + model.path)
      }
    }
    let tensors = initial.tensors(of: there, for: plan)
    if initial.layers == nil, tensors.taken.isEmpty {
      report(
        at: path + "model",
        "no \(initial.wholeLayers ? "layer" : "tensor") of \(model.path) has the name and the shape of "
          + "one here; its layers are "
          + InitialTensors.shown(layers))
    }
    if initial.normalization == .model, let figures = there.normalization,
      !figures.fits(plan.description.input)
    {
      report(
        at: path + "normalization",
        "the figures of \(model.path) are of \(there.plan.description.input), and images here are "
          + "\(plan.description.input); give dataset.normalize, or say \"dataset\" for none")
    }
  }

  private static func shape(_ sizes: [Int]) -> String {
    sizes.map(String.init).joined(separator: "x")
  }
}

extension Normalization {
  /// Whether it is for images of a shape.
  func fits(_ input: Shape) -> Bool {
    mean.count == input.count || mean.count == input.channels && whitening.isEmpty
  }
}
