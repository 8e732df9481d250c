/// What a layer reads.
public enum LayerInput: Hashable, Sendable {
  case images
  /// What an earlier layer gives, by its place in `NetworkPlan.layers`.
  case layer(Int)
}

/// A model with its blocks written out: layers, each after all that it reads.
struct ModelExpansion {
  struct Node {
    let layer: LayerDescription
    let inputs: [LayerInput]
    let place: LayerPlace
    /// The name that the user gave it.
    let name: String?
    /// Whether it is the sum that ends a residual block.
    var isResidual = false

    var kind: String { isResidual ? "residual" : layer.kind }
  }

  var nodes: [Node] = []
  /// What each layer is called, by no two the same: its name, or its kind and its number among its kind,
  /// from 0. A name that is taken already, as in the turns of a `repeat`, is numbered from its second
  /// layer on.
  var labels: [String] = []
  /// The names that can be read here, list within list.
  private var scopes: [[(name: String, place: LayerPlace, input: LayerInput)]] = []
  private let all: [String: LayerPlace]

  /// The most layers that a model may come to.
  static let most = 4000

  /// - Throws: `NetworkError` where a name is unknown, taken, or out of sight, and where no one reads
  ///   what a layer gives.
  init(_ model: [ModelItem]) throws(NetworkError) {
    var all: [String: LayerPlace] = [:]
    Self.gatherNames(of: model, LayerPlace(), &all)
    self.all = all
    _ = try expand(model, from: .images, LayerPlace())
    var readers = Array(repeating: 0, count: nodes.count)
    for node in nodes {
      for case .layer(let input) in node.inputs { readers[input] += 1 }
    }
    labels = Self.labels(of: nodes)
    for (node, count) in zip(nodes, readers).dropLast() where count == 0 {
      throw NetworkError(
        layer: node.place,
        "\(node.layer.kind): no other layer reads what it gives; name it as an input, or drop it")
    }
  }

  private mutating func expand(
    _ items: [ModelItem], from input: LayerInput, _ list: LayerPlace
  ) throws(NetworkError) -> LayerInput {
    scopes.append([])
    defer { scopes.removeLast() }
    var current = input
    for (i, item) in items.enumerated() {
      let place = list + .index(i)
      var inputs: [LayerInput] = []
      for name in item.inputs { inputs.append(try find(name, place)) }
      if inputs.isEmpty { inputs = [current] }
      current = try expand(item, inputs, place)
      if let name = item.name { try define(name, current, place) }
    }
    return current
  }

  private mutating func expand(
    _ item: ModelItem, _ inputs: [LayerInput], _ place: LayerPlace
  ) throws(NetworkError) -> LayerInput {
    func single() throws(NetworkError) -> LayerInput {
      if inputs.count == 1 { return inputs[0] }
      throw NetworkError(layer: place, "a block reads one layer, not \(inputs.count)")
    }
    switch item.content {
    case .layer(let layer):
      return try append(Node(layer: layer, inputs: inputs, place: place, name: item.name))
    case .separable(let conv):
      let first = try append(
        Node(layer: conv.depthwise, inputs: [try single()], place: place, name: nil))
      return try append(
        Node(layer: conv.pointwise, inputs: [first], place: place, name: item.name))
    case .residual(let block):
      let input = try single()
      let body = try expand(block.layers, from: input, place + .key("layers"))
      let shortcut = try expand(block.shortcut, from: input, place + .key("shortcut"))
      return try append(
        Node(
          layer: .merge(MergeDescription(.add, activation: block.activation)),
          inputs: [body, shortcut], place: place, name: item.name, isResidual: true))
    case .branch(let block):
      let input = try single()
      var ends: [LayerInput] = []
      for (i, branch) in block.branches.enumerated() {
        ends.append(
          try expand(branch, from: input, place + .key("branches") + .index(i)))
      }
      return try append(
        Node(layer: .merge(block.merge), inputs: ends, place: place, name: item.name))
    case .repeated(let times, let layers):
      guard times >= 1, !layers.isEmpty else {
        throw NetworkError(layer: place, "repeat: there is nothing to repeat")
      }
      var current = try single()
      for turn in 1...times {
        current = try expand(layers, from: current, place + .turn(turn) + .key("layers"))
      }
      return current
    }
  }

  private mutating func append(_ node: Node) throws(NetworkError) -> LayerInput {
    guard nodes.count < Self.most else {
      throw NetworkError(
        layer: node.place, "the model comes to more than \(Self.most) layers here")
    }
    let isMerge = if case .merge = node.layer { true } else { false }
    guard isMerge ? node.inputs.count >= 2 : node.inputs.count == 1 else {
      throw NetworkError(
        layer: node.place,
        "\(node.layer.kind): reads \(isMerge ? "two layers or more" : "one layer"), not "
          + "\(node.inputs.count)")
    }
    nodes.append(node)
    return .layer(nodes.count - 1)
  }

  // MARK: names

  private static func labels(of nodes: [Node]) -> [String] {
    var taken: Set<String> = []
    var turns: [String: Int] = [:]
    func free(_ name: String) -> String {
      var label = name
      while !taken.insert(label).inserted {
        turns[name, default: 0] += 1
        label = "\(name)_\(turns[name]!)"
      }
      return label
    }
    // What the user calls a layer is its own before another's kind and number are.
    let names = nodes.map { $0.name.map(free) }
    var counts: [String: Int] = [:]
    return zip(nodes, names).map { node, name in
      let number = counts[node.kind, default: 0]
      counts[node.kind] = number + 1
      return name ?? free("\(node.kind)_\(number)")
    }
  }

  private func find(_ name: String, _ place: LayerPlace) throws(NetworkError) -> LayerInput {
    if name == ModelItem.imagesName { return .images }
    for scope in scopes.reversed() {
      if let found = scope.first(where: { $0.name == name }) { return found.input }
    }
    if let other = all[name] {
      throw NetworkError(
        layer: place,
        "\"\(name)\" is the name of \(other), which cannot be read here: a layer reads what comes "
          + "before it, in its own list or in one around it")
    }
    let names = scopes.joined().map(\.name) + [ModelItem.imagesName]
    throw NetworkError(
      layer: place,
      "no layer is named \"\(name)\"; the names to read here are "
        + names.map { "\"\($0)\"" }.joined(separator: ", "))
  }

  private mutating func define(
    _ name: String, _ input: LayerInput, _ place: LayerPlace
  ) throws(NetworkError) {
    guard name != ModelItem.imagesName else {
      throw NetworkError(layer: place, "\"\(name)\" is the name of the images; take another one")
    }
    if let other = scopes.joined().first(where: { $0.name == name }) {
      throw NetworkError(
        layer: place, "\"\(name)\" is the name of \(other.place) already; take another one")
    }
    scopes[scopes.count - 1].append((name, place, input))
  }

  private static func gatherNames(
    of items: [ModelItem], _ list: LayerPlace, _ names: inout [String: LayerPlace]
  ) {
    for (i, item) in items.enumerated() {
      let place = list + .index(i)
      if let name = item.name, names[name] == nil { names[name] = place }
      switch item.content {
      case .layer, .separable: break
      case .residual(let block):
        gatherNames(of: block.layers, place + .key("layers"), &names)
        gatherNames(of: block.shortcut, place + .key("shortcut"), &names)
      case .branch(let block):
        for (j, branch) in block.branches.enumerated() {
          gatherNames(of: branch, place + .key("branches") + .index(j), &names)
        }
      case .repeated(_, let layers): gatherNames(of: layers, place + .key("layers"), &names)
      }
    }
  }
}
