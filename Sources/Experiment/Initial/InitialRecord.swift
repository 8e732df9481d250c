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
    /// Tensors by name: those that were taken, those that the model lacks, those of other shapes, those that
    /// would fit but are of a layer that is another there, and the layers that don't learn at first.
    public var taken: [String]
    public var absent: [String]
    public var unfit: [String]
    public var left: [String]
    public var frozen: [String]

    init(_ model: FoundModel, _ tensors: InitialTensors, _ spec: InitialSpec, frozen: [String]) {
      path = model.path
      name = model.file.name
      weightsDigest = model.file.weightsDigest
      specDigest = model.file.specDigest
      normalization = spec.normalization.rawValue
      taken = tensors.taken
      absent = tensors.absent
      unfit = tensors.unfit.map(\.name)
      left = tensors.left
      self.frozen = frozen
    }

    var json: JSONValue {
      func list(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }
      return [
        "model": .string(path), "name": .string(name), "weights_sha256": .string(weightsDigest),
        "spec_sha256": JSONValue(specDigest), "normalization": .string(normalization),
        "taken": list(taken), "absent": list(absent), "unfit": list(unfit), "left": list(left),
        "frozen": list(frozen),
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
      left = list("left")
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
    if !left.isEmpty {
      lines.append(
        "fresh are \(tensors(left.count)) of layers that are others there: \(Self.shown(left))")
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
