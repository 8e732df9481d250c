import ConvNet

// What a model may have besides layers one after another: names to read from, merges and blocks.

extension SpecDescription {
  /// What may stand in `model` and in the lists of its blocks.
  static func items(_ count: ClosedRange<Int>) -> FieldType {
    .list(of: .recursive("layer") { .variants(layer) }, count: count, noun: "layers")
  }

  /// The layers and blocks that read one other, with the keys that each has for that.
  static func linked(_ cases: [VariantType.Case]) -> [VariantType.Case] {
    named(cases).map { variant in
      var variant = variant
      variant.fields.append(
        Field(
          "input", .folderName, .none, aliases: ["inputs", "from"],
          "The name of what it reads, \"input\" for the images; null for the layer before it."))
      return variant
    }
  }

  private static func named(_ cases: [VariantType.Case]) -> [VariantType.Case] {
    cases.map { variant in
      var variant = variant
      variant.fields.append(
        Field(
          "name", .folderName, .none,
          "What others call it that read it; it is known in its own list, and in those within."))
      return variant
    }
  }

  /// Layers that read several others.
  static let merges = named(
    zip(Merge.allCases, [["sum", "plus"], ["concatenate", "cat"], ["product", "mul"]]).map {
      merge, aliases in
      VariantType.Case(
        name: merge.rawValue, doc: merge.doc, aliases: aliases,
        fields: [
          Field(
            "inputs", .list(of: .folderName, count: 2...64, noun: "names"), .required,
            aliases: ["input", "from"],
            "The names of what it reads; \"input\" is that of the images."),
          Field(
            "activation", activation, .value("linear"), "The function applied to the result."),
        ])
    })

  /// Lists of layers that stand for more.
  static let blocks = linked([
    .init(
      name: "residual",
      doc: "What its layers make of its input, and the input itself, added (He et al. 2015).",
      aliases: ["residual_block", "skip", "shortcut"],
      fields: [
        Field("layers", items(1...1000), .required, aliases: ["body", "model"], "The layers."),
        Field(
          "shortcut", items(0...1000), .value([]), aliases: ["skip", "projection"],
          "Layers on the way around, where the shape changes."),
        Field(
          "activation", activation, .value("linear"), "The function applied to the sum."),
      ]),
    .init(
      name: "branch", doc: "Several lists of layers that read the same, their results merged.",
      aliases: ["branches", "parallel"],
      fields: [
        Field(
          "branches", .list(of: items(0...1000), count: 2...64, noun: "lists of layers"),
          .required, aliases: ["layers", "paths"],
          "The lists; an empty one gives what it reads."),
        Field(
          "merge",
          .choice(Choice(noun: "a way to merge", names: Merge.allCases.map(\.rawValue))),
          .value("concat"), aliases: ["mode"], "How the results become one."),
        Field(
          "activation", activation, .value("linear"), "The function applied to the result."),
      ]),
    .init(
      name: "repeat", doc: "Its layers several times, one after another; each has its own weights.",
      aliases: ["repeated", "times", "loop"],
      fields: [
        Field(
          "times", .integer(1...1000), .required, aliases: ["count", "n"], "How many times."),
        Field("layers", items(1...1000), .required, aliases: ["body", "model"], "The layers."),
      ]),
  ])
}

extension Merge {
  fileprivate var doc: String {
    switch self {
    case .add: "The sum of several layers of one shape."
    case .concat: "The channels of several layers, one after another."
    case .multiply:
      "The product of several layers of one shape, or with a size of 1 that serves all of the others'."
    }
  }
}
