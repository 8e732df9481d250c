import ConvNet
import Storage

extension LossDescription {
  init(checked value: JSONValue) {
    // A bare name leaves the constants to their defaults.
    let value =
      value.string.map { JSONValue.defaults(of: $0, in: SpecDescription.losses) } ?? value
    let kind: Kind
    switch value["name"]!.string! {
    case "softmax_cross_entropy":
      kind = .softmaxCrossEntropy(labelSmoothing: value.float("label_smoothing"))
    case "focal": kind = .focal(gamma: value.float("gamma"), alpha: value.float("alpha"))
    case "mean_squared_error": kind = .meanSquaredError
    case "huber": kind = .huber(delta: value.float("delta"))
    case "binary_cross_entropy":
      kind = .binaryCrossEntropy(labelSmoothing: value.float("label_smoothing"))
    case let name: preconditionFailure("undescribed loss \(name)")
    }
    self.init(
      kind, classWeights: value["class_weights"]?.array?.map { $0.number!.float },
      balancesClasses: value["class_weights"]?.string == SpecDescription.balanced)
  }

  /// The plain cross-entropy is its name, as it always was; all else an object.
  var json: JSONValue {
    if self == .softmaxCrossEntropy { return .string(name) }
    var json: JSONValue =
      switch kind {
      case .softmaxCrossEntropy(let smoothing), .binaryCrossEntropy(let smoothing):
        ["name": .string(name), "label_smoothing": JSONValue(smoothing)]
      case .focal(let gamma, let alpha):
        ["name": .string(name), "gamma": JSONValue(gamma), "alpha": JSONValue(alpha)]
      case .meanSquaredError: ["name": .string(name)]
      case .huber(let delta): ["name": .string(name), "delta": JSONValue(delta)]
      }
    json["class_weights"] =
      balancesClasses
      ? .string(SpecDescription.balanced)
      : classWeights.map { .array($0.map { JSONValue($0) }) } ?? .null
    return json
  }
}

extension JSONValue {
  /// A kind of which nothing but the name is said, with its defaults.
  static func defaults(of name: String, in variants: VariantType) -> JSONValue {
    let named = JSONNode(["name": .string(name)], origin: .file(offset: 0))
    var checker = SpecChecker(root: named)
    return checker.check(named, .variants(variants), Path())!
  }
}
