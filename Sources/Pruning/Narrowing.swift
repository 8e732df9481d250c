import ConvNet

/// What is removed of a network: some of its strands, each whole.
struct Removal: Sendable {
  let strands: Strands
  /// By strand, whether it goes.
  private(set) var goes: [Bool]

  /// - Parameters:
  ///   - chosen: strands of its bundles, of each of which one is left at least.
  ///   - weakest: the order in which what is between the two products of a squeeze_excite goes; as many
  ///     go as its ratio asks for.
  init(of chosen: some Sequence<Int>, from strands: Strands, weakest: ([Int]) -> [Int]) {
    self.strands = strands
    goes = Array(repeating: false, count: strands.count)
    for strand in chosen { goes[strand] = true }
    for squeeze in strands.squeezes {
      var block = SqueezeExciteDescription()
      block.ratio = squeeze.ratio
      let left = block.squeezed(left(in: strands.outputs[squeeze.layer]))
      for strand in weakest(squeeze.inner).prefix(squeeze.inner.count - left) {
        goes[strand] = true
      }
    }
  }

  /// How many of some channels stay.
  func left(in channels: [Int]) -> Int { channels.count { !goes[$0] } }

  /// A layer of the plan with the channels that stay.
  func narrowed(_ place: Int) -> LayerDescription {
    let layer = strands.plan.layers[place]
    let made = left(in: strands.outputs[place])
    switch layer.description {
    case .conv2D(var conv):
      // A group that goes with its channel; else every group keeps as many as every other.
      if conv.groups > 1, conv.groups == layer.input.channels {
        conv.groups = made / (conv.filters / conv.groups)
      }
      conv.filters = made
      return .conv2D(conv)
    case .dense(var dense):
      dense.units = made
      return .dense(dense)
    case .conv2DTranspose(var conv):
      conv.filters = made
      return .conv2DTranspose(conv)
    case .groupNorm(var norm):
      norm.groups = made / (layer.input.channels / norm.groups)
      return .groupNorm(norm)
    case .maxPool, .flatten, .dropout, .activation, .batchNorm, .merge, .averagePool, .globalPool,
      .frame, .upsample, .depthwiseConv2D, .layerNorm, .prelu, .spatialDropout, .gaussianNoise,
      .squeezeExcite, .fakeQuantize:
      return layer.description
    }
  }

  /// The model without what goes. Its tensors are called as they were.
  /// - Throws: `NetworkError` where no model can be written that names its layers so.
  func applied(to model: Model) throws(NetworkError) -> Model {
    let plan = try narrowedPlan()
    let whole = Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.name, $0) })
    var narrow = Model(plan) { tensor, numbers in
      let from = whole[tensor.name]!
      let kept = stays(in: from)
      precondition(kept.map(\.count) == tensor.shape)
      model.weights.withUnsafeBufferPointer {
        var next = 0
        Self.copy(
          $0.baseAddress! + from.range.lowerBound, from.shape[...], kept[...], to: numbers, &next)
      }
    }
    narrow.normalization = model.normalization
    return narrow
  }

  /// Along each axis of a tensor, the places that stay.
  private func stays(in tensor: TensorInfo) -> [[Int]] {
    tensor.shape.indices.map { axis in
      let all = Array(0..<tensor.shape[axis])
      guard
        let cut = strands.axes.first(where: { $0.tensor.name == tensor.name && $0.axis == axis })
      else { return all }
      return all.filter { !goes[cut.strands[$0]] }
    }
  }

  private static func copy(
    _ numbers: UnsafePointer<Float>, _ shape: ArraySlice<Int>, _ kept: ArraySlice<[Int]>,
    to target: UnsafeMutableBufferPointer<Float>, _ next: inout Int
  ) {
    let stride = shape.dropFirst().reduce(1, *)
    for place in kept.first! {
      if shape.count > 1 {
        copy(numbers + place * stride, shape.dropFirst(), kept.dropFirst(), to: target, &next)
      } else {
        target.initializeElement(at: next, to: numbers[place])
        next += 1
      }
    }
  }

  /// The plan of what stays, written as the network was. A repeat whose turns have come to differ is
  /// written out; if layers would be called otherwise then, all repeats are.
  func narrowedPlan() throws(NetworkError) -> NetworkPlan {
    let labels = strands.plan.layers.map(\.label)
    for unrolls in [Unrolling.whereTurnsDiffer, .everywhere] {
      var items = NarrowedItems(self, unrolls)
      var description = strands.plan.description
      description.model = items.narrowed()
      let plan = try NetworkPlan(description)
      if plan.layers.map(\.label) == labels { return plan }
    }
    throw NetworkError(
      "without a repeat, whose turns come to differ, its layers can't be called as they were; write it "
        + "out, with a name for each layer")
  }
}

extension NetworkPlan {
  /// Whether its layers stand where those of another do, as they don't where a repeat was written out.
  public func isWritten(as other: NetworkPlan) -> Bool {
    layers.map(\.place) == other.layers.map(\.place)
  }
}

/// Which repeats are written out.
enum Unrolling { case whereTurnsDiffer, everywhere }

/// The items of a model, with what stays of their channels.
private struct NarrowedItems {
  private let removal: Removal
  private let unrolling: Unrolling
  private var layers: [LayerPlace: [Int]] = [:]
  /// What no item may be called any more.
  private var taken: Set<String>

  init(_ removal: Removal, _ unrolling: Unrolling) {
    self.removal = removal
    self.unrolling = unrolling
    let plan = removal.strands.plan
    taken = Set(plan.layers.map(\.label))
    for (place, layer) in plan.layers.enumerated() {
      layers[layer.place, default: []].append(place)
    }
  }

  mutating func narrowed() -> [ModelItem] {
    narrowed(removal.strands.plan.description.model, LayerPlace(), [:], isApart: false)
  }

  /// - Parameters:
  ///   - names: what items that can be read here are called now.
  ///   - isApart: whether these are of one turn of a repeat that is written out, so that each item needs a
  ///     name that those of other turns don't have: the label of its layer.
  private mutating func narrowed(
    _ items: [ModelItem], _ list: LayerPlace, _ names: [String: String], isApart: Bool
  ) -> [ModelItem] {
    var names = names
    var result: [ModelItem] = []
    for (index, item) in items.enumerated() {
      let place = list + .index(index)
      var narrow = item
      narrow.inputs = item.inputs.map { names[$0] ?? $0 }
      if isApart, let name = item.name {
        narrow.name =
          layers[place].map { removal.strands.plan.layers[$0.last!].label } ?? free(name)
        names[name] = narrow.name
      }
      switch item.content {
      case .layer: narrow.content = .layer(removal.narrowed(layers[place]![0]))
      case .separable(var conv):
        if case .conv2D(let pointwise) = removal.narrowed(layers[place]![1]) {
          conv.filters = pointwise.filters
        }
        narrow.content = .separable(conv)
      case .residual(var block):
        block.layers = narrowed(block.layers, place + .key("layers"), names, isApart: isApart)
        block.shortcut = narrowed(block.shortcut, place + .key("shortcut"), names, isApart: isApart)
        narrow.content = .residual(block)
      case .branch(var block):
        for (i, branch) in block.branches.enumerated() {
          block.branches[i] = narrowed(
            branch, place + .key("branches") + .index(i), names, isApart: isApart)
        }
        narrow.content = .branch(block)
      case .repeated(let times, let layers):
        let turns = (1...times).map { place + .turn($0) + .key("layers") }
        let first = narrowed(layers, turns[0], names, isApart: isApart)
        let alike = turns.dropFirst().allSatisfy {
          narrowed(layers, $0, names, isApart: isApart) == first
        }
        if alike, unrolling == .whereTurnsDiffer {
          narrow.content = .repeated(times: times, first)
          break
        }
        let all = turns.flatMap { narrowed(layers, $0, names, isApart: true) }
        guard narrow.name == nil, narrow.inputs.isEmpty else {
          // What reads it by its name goes on doing so.
          narrow.content = .repeated(times: 1, all)
          break
        }
        result += all
        continue
      }
      result.append(narrow)
    }
    return result
  }

  private mutating func free(_ name: String) -> String {
    var (number, found) = (1, name)
    while !taken.insert(found).inserted {
      found = "\(name)_\(number)"
      number += 1
    }
    return found
  }
}
