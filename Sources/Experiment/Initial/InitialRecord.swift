import ConvNet
import Storage

extension RunRecord {
  /// What a run began with instead of fresh weights.
  public struct Initial: Hashable, Sendable {
    /// Where it was found.
    public var path: String
    /// What the model is called.
    public var name: String
    /// SHA-256 of its weights; of the resolved spec that it was trained by, nil for one from elsewhere.
    public var weightsDigest: String
    public var specDigest: String?
    /// Whose figures the images are normalised by.
    public var normalization: String
    /// Tensors by name: those that were taken, those that the model lacks, those of other shapes, and the
    /// layers that don't learn at first.
    public var taken: [String]
    public var absent: [String]
    public var unfit: [String]
    public var frozen: [String]

    init(_ model: InitialModel, _ tensors: InitialTensors, _ spec: InitialSpec, frozen: [String]) {
      path = model.path
      name = model.file.name
      weightsDigest = model.file.weightsDigest
      specDigest = model.file.specDigest
      normalization = spec.normalization.rawValue
      taken = tensors.taken
      absent = tensors.absent
      unfit = tensors.unfit.map(\.name)
      self.frozen = frozen
    }

    var json: JSONValue {
      func list(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }
      return [
        "model": .string(path), "name": .string(name), "weights_sha256": .string(weightsDigest),
        "spec_sha256": JSONValue(specDigest), "normalization": .string(normalization),
        "taken": list(taken), "absent": list(absent), "unfit": list(unfit), "frozen": list(frozen),
      ]
    }

    /// Nil for what is none.
    init?(_ json: JSONValue?) {
      guard let json, let path = json["model"]?.string, let name = json["name"]?.string,
        let digest = json["weights_sha256"]?.string
      else { return nil }
      func list(_ key: String) -> [String] { json[key]?.array?.compactMap(\.string) ?? [] }
      self.path = path
      self.name = name
      weightsDigest = digest
      specDigest = json["spec_sha256"]?.string
      normalization = json["normalization"]?.string ?? ""
      taken = list("taken")
      absent = list("absent")
      unfit = list("unfit")
      frozen = list("frozen")
    }
  }
}

extension InitialTensors {
  /// What is taken, what isn't and why, as lines to the user.
  var lines: [String] {
    func tensors(_ count: Int) -> String { "\(count) tensor\(count == 1 ? "" : "s")" }
    func shape(_ sizes: [Int]) -> String { sizes.map(String.init).joined(separator: "x") }
    var lines = ["\(tensors(taken.count)) of \(Self.shown(Self.layers(of: taken)))"]
    if !absent.isEmpty {
      lines.append(
        "fresh are \(tensors(absent.count)) that it lacks, of \(Self.shown(Self.layers(of: absent)))"
      )
    }
    if !unfit.isEmpty {
      let names = unfit.map { "\($0.name) (\(shape($0.wanted)), there \(shape($0.found)))" }
      lines.append(
        "fresh are \(tensors(unfit.count)) of another shape there: \(Self.shown(names))")
    }
    return lines
  }

  /// A few names, and how many more there are.
  static func shown(_ names: [String]) -> String {
    let most = 12
    guard names.count > most else { return names.joined(separator: ", ") }
    return names.prefix(most - 1).joined(separator: ", ")
      + " and \(names.count - most + 1) more (all are in run.json)"
  }
}

extension ExperimentSpec {
  /// What a run of it would begin with; nil for fresh weights.
  /// - Throws: `RecordError` where the model isn't there, or isn't what the spec says; `NetworkError`.
  public func beginning() throws -> BeginningNote? {
    guard let initial else { return nil }
    let plan = try NetworkPlan(network)
    let model = try InitialModel(initial, places: [])
    let hasFigures = dataset.normalization != nil || model.file.model.normalization != nil
    return BeginningNote(
      model, initial.tensors(of: model.file.model, for: plan), initial, plan,
      classNames: dataset.classNames ?? model.file.classNames,
      isOtherwise: initial.normalization == .dataset && hasFigures)
  }
}

/// What a run has begun with, for its record and for the user.
public struct BeginningNote: Sendable {
  public let record: RunRecord.Initial
  /// For the screen.
  public let lines: [String]

  /// - Parameter isOtherwise: whether images are normalised in another way than the model's were.
  init(
    _ model: InitialModel, _ tensors: InitialTensors, _ initial: InitialSpec, _ plan: NetworkPlan,
    classNames: [String], isOtherwise: Bool
  ) {
    let frozen = initial.frozenLayers(of: plan)
    let names = plan.layersWithTensors.filter(frozen.contains)
    record = RunRecord.Initial(model, tensors, initial, frozen: names)
    let theirs = model.file.model.normalization
    var lines = ["  initial   \(model.path): " + tensors.lines.joined(separator: "\n            ")]
    lines.append(
      "            images are "
        + (isOtherwise
          ? "normalised as dataset.normalize says, not as the model's were"
          : theirs == nil
            ? "not normalised, as the model's were not" : "normalised by the model's figures"))
    if let last = plan.layersWithTensors.last, model.file.classNames != classNames,
      InitialTensors.layers(of: tensors.taken).contains(last)
    {
      lines.append("            \(last) was taken, which told other classes apart")
    }
    if !names.isEmpty {
      var text = "  frozen    \(InitialTensors.shown(names))"
      if let epoch = initial.unfreezeAt { text += "; until epoch \(epoch)" }
      lines.append(text)
    }
    if let features = initial.features {
      lines.append("            what \(features) gives of each image is kept")
    }
    self.lines = lines
  }
}
