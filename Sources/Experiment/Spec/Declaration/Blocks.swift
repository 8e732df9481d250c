import ConvNet
import Storage

// What a model may have besides layers one after another: names to read from, merges and blocks.

extension SpecDescription {
  /// A list of what may stand in `model`, and in the lists of its blocks.
  static func items(_ count: ClosedRange<Int>) -> Notation<[ModelItem]> {
    .list(
      of: Notation(
        .recursive("layer") { .variants(layers.type) }, decode: { layers.decode($0) },
        encode: { layers.encode($0) }, brief: { layers.brief($0) }), count: count, noun: "layers")
  }

  /// A layer or block that reads one other: what it holds, as `Kind` has it, with the keys that each
  /// has for that.
  @_semantics("optimize.sil.specialize.generic.never")
  static func item<Content>(
    _ name: String, _ content: ModelItem.Content,
    as embed: @escaping @Sendable (Content) -> ModelItem.Content,
    held: @escaping @Sendable (ModelItem.Content) -> Content?, aliases: [String] = [],
    _ doc: String, @ListBuilder<Key<Content>> keys: () -> [Key<Content>]
  ) -> Kind<ModelItem> {
    item(
      name, content, includes: { held($0) != nil }, aliases: aliases, doc,
      keys: keys().map { $0.within(get: { held($0.content) }, set: { $1.content = embed($0) }) })
  }

  static func item(
    _ name: String, _ content: ModelItem.Content,
    includes: @escaping @Sendable (ModelItem.Content) -> Bool, aliases: [String] = [],
    _ doc: String, keys: [Key<ModelItem>]
  ) -> Kind<ModelItem> {
    let input = Key<ModelItem>(
      "input", \.input, .folderName, aliases: ["inputs", "from"], writesNull: false,
      "The name of what it reads, \"input\" for the images; null for the layer before it.")
    return Kind(
      name, ModelItem(content), includes: { includes($0.content) }, aliases: aliases, doc,
      keys: keys + [itemName, input])
  }

  private static let itemName = Key<ModelItem>(
    "name", \.name, .folderName, written: .last, writesNull: false,
    "What others call it that read it; it is known in its own list, and in those within.")

  /// Layers that read several others.
  static let merges: [Kind<ModelItem>] = zip(
    Merge.allCases, [["sum", "plus"], ["concatenate", "cat"], ["product", "mul"]]
  ).map { merge, aliases in
    let held: @Sendable (ModelItem) -> MergeDescription? = { item in
      if case .layer(.merge(let held)) = item.content, held.merge == merge { held } else { nil }
    }
    let inputs = Key<ModelItem>(
      "inputs", \.inputs, .list(of: .folderName, count: 2...64, noun: "names"),
      otherwise: .required, aliases: ["input", "from"],
      "The names of what it reads; \"input\" is that of the images.")
    let function = Key<MergeDescription>(
      "activation", \.activation, activation, written: .first,
      "The function applied to the result.")
    return Kind<ModelItem>(
      merge.rawValue, .layer(.merge(MergeDescription(merge))), includes: { held($0) != nil },
      aliases: aliases, merge.doc,
      keys: [
        inputs, function.within(get: held, set: { $1.content = .layer(.merge($0)) }), itemName,
      ])
  }

  /// Lists of layers that stand for more.
  @ListBuilder<Kind<ModelItem>> static var blocks: [Kind<ModelItem>] {
    item(
      "residual", .residual(ResidualDescription(layers: [])), as: ModelItem.Content.residual,
      held: { if case .residual(let block) = $0 { block } else { nil } },
      aliases: ["residual_block", "skip", "shortcut"],
      "What its layers make of its input, and the input itself, added (He et al. 2015).",
      keys: {
        Key(
          "layers", \.layers, items(1...1000), otherwise: .required, aliases: ["body", "model"],
          "The layers.")
        Key(
          "shortcut", \.shortcut, items(0...1000), aliases: ["skip", "projection"],
          "Layers on the way around, where the shape changes.")
        Key("activation", \.activation, activation, "The function applied to the sum.")
      })
    item(
      "branch", .branch(BranchDescription([], merge: MergeDescription(.concat))),
      as: ModelItem.Content.branch,
      held: { if case .branch(let block) = $0 { block } else { nil } },
      aliases: ["branches", "parallel"],
      "Several lists of layers that read the same, their results merged.",
      keys: {
        Key(
          "branches", \.branches,
          .list(of: items(0...1000), count: 2...64, noun: "lists of layers"),
          otherwise: .required, aliases: ["layers", "paths"],
          "The lists; an empty one gives what it reads.")
        Key(
          "merge", \.merge.merge, .choice("a way to merge"), aliases: ["mode"],
          "How the results become one.")
        Key("activation", \.merge.activation, activation, "The function applied to the result.")
      })
    item(
      "repeat", .repeated(times: 1, []),
      as: { (content: (times: Int, layers: [ModelItem])) in
        .repeated(times: content.times, content.layers)
      },
      held: {
        if case .repeated(let times, let layers) = $0 {
          (times: times, layers: layers)
        } else {
          nil
        }
      },
      aliases: ["repeated", "times", "loop"],
      "Its layers several times, one after another; each has its own weights.",
      keys: {
        Key(
          "times", \.times, .integer(1...1000), otherwise: .required, aliases: ["count", "n"],
          "How many times.")
        Key(
          "layers", \.layers, items(1...1000), otherwise: .required, aliases: ["body", "model"],
          "The layers.")
      })
  }
}

extension ModelItem {
  /// The name of what it reads, where that is one other by name.
  fileprivate var input: String? {
    get { inputs.first }
    set { inputs = newValue.map { [$0] } ?? [] }
  }
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

extension Path {
  /// Where a layer stands in a spec.
  init(_ place: LayerPlace) {
    self.init(
      steps: place.steps.compactMap { step in
        switch step {
        case .key(let key): .key(key)
        case .index(let index): .index(index)
        case .turn: nil
        }
      })
  }
}
