import ConvNet
import Storage

extension ModelItem {
  init(checked value: JSONValue) {
    func items(_ list: JSONValue) -> [ModelItem] { list.array!.map(ModelItem.init(checked:)) }
    var activation: Activation { Activation(checked: value["activation"]!) }
    let kind = value["layer"]!.string!
    let content: Content
    switch kind {
    case "separable_conv2d": content = .separable(SeparableConv2DDescription(checked: value))
    case "residual":
      content = .residual(
        ResidualDescription(
          layers: items(value["layers"]!), shortcut: items(value["shortcut"]!),
          activation: activation))
    case "branch":
      content = .branch(
        BranchDescription(
          value["branches"]!.array!.map(items),
          merge: MergeDescription(
            Merge(rawValue: value["merge"]!.string!)!, activation: activation)))
    case "repeat": content = .repeated(times: value.int("times"), items(value["layers"]!))
    default:
      content = .layer(
        Merge(rawValue: kind).map { .merge(MergeDescription($0, activation: activation)) }
          ?? LayerDescription(checked: value))
    }
    self.init(
      content, name: value["name"]?.string,
      inputs: value["inputs"]?.array?.map { $0.string! }
        ?? value["input"]?.string.map { [$0] } ?? [])
  }

  /// As a spec writes this item, every default written out; names only where there are some.
  var json: JSONValue {
    var value: JSONValue
    switch content {
    case .layer(let layer): value = layer.json
    case .separable(let conv): value = conv.json
    case .residual(let block):
      value = [
        "layer": "residual", "layers": .array(block.layers.map(\.json)),
        "shortcut": .array(block.shortcut.map(\.json)), "activation": block.activation.json,
      ]
    case .branch(let block):
      value = [
        "layer": "branch",
        "branches": .array(block.branches.map { .array($0.map(\.json)) }),
        "merge": .string(block.merge.merge.rawValue), "activation": block.merge.activation.json,
      ]
    case .repeated(let times, let layers):
      value = [
        "layer": "repeat", "times": JSONValue(times), "layers": .array(layers.map(\.json)),
      ]
    }
    if case .layer(.merge) = content {
      value["inputs"] = .array(inputs.map(JSONValue.string))
    } else {
      value["input"] = inputs.first.map(JSONValue.string)
    }
    value["name"] = name.map(JSONValue.string)
    return value
  }
}

extension MergeDescription {
  var json: JSONValue { ["layer": .string(merge.rawValue), "activation": activation.json] }
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
