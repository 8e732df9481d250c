import ConvNet
import Storage

extension SpecDescription {
  static let normalizations = VariantType(
    key: "name", doc: "The kind of normalisation.", noun: "a normalisation",
    cases: [
      .init(
        name: "per_channel", doc: "(x − μ)/(σ + ε), with the μ and σ of each channel.",
        aliases: ["channel", "standard"], fields: [epsilon(0)]),
      .init(
        name: "per_pixel", doc: "(x − μ)/(σ + ε), with a μ and σ for each pixel.",
        aliases: ["featurewise", "pixel"], fields: [epsilon(0)]),
      .init(
        name: "zca", doc: "ZCA whitening, W·(x − μ) with W = U·(Λ + ε)^(−1/2)·Uᵀ.",
        aliases: ["whitening", "zca_whitening"], fields: [epsilon(0.01, isPositive: true)]),
    ])

  /// A name, or an object with its constant.
  static let normalization = FieldType.either([
    .choice(normalizations.choice), .variants(normalizations),
  ])

  private static func epsilon(_ value: JSONValue, isPositive: Bool = false) -> Field {
    Field(
      "epsilon", .float(isPositive ? .above(0, to: 1000) : .from(0, to: 1000)), .value(value),
      aliases: ["eps", "zca_epsilon"], "ε, against dividing by next to nothing.")
  }
}

extension NormalizationDescription {
  init?(checked value: JSONValue) {
    if value.isNull { return nil }
    // A bare name leaves the constant to its default.
    let value =
      value.string.map { JSONValue.defaults(of: $0, in: SpecDescription.normalizations) } ?? value
    let epsilon = value.float("epsilon")
    switch value["name"]!.string! {
    case "per_channel": self = .perChannel(epsilon: epsilon)
    case "per_pixel": self = .perPixel(epsilon: epsilon)
    case "zca": self = .zca(epsilon: epsilon)
    case let name: preconditionFailure("undescribed normalisation \(name)")
    }
  }

  var json: JSONValue {
    switch self {
    case .perChannel(let epsilon), .perPixel(let epsilon), .zca(let epsilon):
      ["name": .string(name), "epsilon": JSONValue(epsilon)]
    }
  }
}
