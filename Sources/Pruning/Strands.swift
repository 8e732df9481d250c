import ConvNet

/// The channels of a network, each followed from the layers that make it to those that read it.
///
/// A strand is what can only be removed as one: a filter with its bias, its numbers in the batch norms
/// and depthwise kernels behind it, the filter that a residual block adds to it, and the rows of the
/// kernels that read it; of a map that was flattened, one row for each position.
public struct Strands: Sendable {
  /// What the indices along an axis of a tensor are to its layer.
  enum Part {
    /// The layer makes these channels.
    case made
    /// They pass through it, and it has numbers for each.
    case carried
    /// It reads them, and makes others.
    case read
  }

  /// An axis of a tensor, and the strand of each of its indices.
  struct Axis: Sendable {
    let tensor: TensorInfo
    let axis: Int
    let part: Part
    let strands: [Int]
  }

  /// Strands that run through the same layers from their beginning: they are compared with one another, and
  /// one of them always stays.
  struct Bundle: Sendable {
    /// The layers that make them, by their places in the plan.
    let makers: [Int]
    let strands: [Int]
  }

  /// What is between the two products of a squeeze_excite, which has as many as its ratio makes of its
  /// channels.
  struct Squeeze: Sendable {
    let layer: Int
    let ratio: Int
    let inner: [Int]
  }

  /// A layer that keeps all of its channels, and why.
  public struct Whole: Hashable, Sendable {
    public let layer: String
    public let reason: String
  }

  let plan: NetworkPlan
  let axes: [Axis]
  /// Of each layer, the strand of each number of its output's position: of its channels, or of the
  /// numbers of a vector.
  let outputs: [[Int]]
  let bundles: [Bundle]
  let squeezes: [Squeeze]
  public let whole: [Whole]
  let count: Int

  init(_ plan: NetworkPlan) {
    var tracing = StrandTracing(plan)
    for place in plan.layers.indices { tracing.follow(place) }
    // The scores of the classes, every one of them.
    tracing.fix(tracing.outputs[plan.layers.count - 1], because: nil)
    let (numbers, count) = tracing.numbers()
    self.plan = plan
    self.count = count
    axes = tracing.axes.map {
      Axis(tensor: $0.tensor, axis: $0.axis, part: $0.part, strands: $0.strands.map { numbers[$0] })
    }
    outputs = tracing.outputs.map { $0.map { numbers[$0] } }
    squeezes = tracing.squeezes.map {
      Squeeze(layer: $0.layer, ratio: $0.ratio, inner: $0.inner.map { numbers[$0] })
    }

    var makers = Array(repeating: [Int](), count: count)
    for place in plan.layers.indices where plan.layers[place].description.makesChannels {
      for strand in Set(outputs[place]) { makers[strand].append(place) }
    }
    let fixed = Set(tracing.fixed.map { numbers[$0.strand] })
    var (order, members): ([[Int]], [[Int]: [Int]]) = ([], [:])
    for strand in 0..<count where !makers[strand].isEmpty && !fixed.contains(strand) {
      if members[makers[strand]] == nil { order.append(makers[strand]) }
      members[makers[strand], default: []].append(strand)
    }
    bundles = order.map { Bundle(makers: $0, strands: members[$0]!) }

    var whole: [Whole] = []
    for place in plan.layers.indices where plan.layers[place].description.makesChannels {
      let (own, label) = (Set(outputs[place]), plan.layers[place].label)
      if own.isSubset(of: fixed) {
        let reasons = tracing.fixed.lazy.filter { own.contains(numbers[$0.strand]) }
        if let reason = reasons.compactMap(\.why).first {
          whole.append(Whole(layer: label, reason: reason))
        }
      } else if own.count == 1, outputs[place].count > 1 {
        whole.append(Whole(layer: label, reason: "its channels can only go as one"))
      }
    }
    self.whole = whole
  }
}

extension LayerDescription {
  /// Whether what it gives are other channels than those that it reads.
  var makesChannels: Bool {
    switch self {
    case .conv2D, .dense, .conv2DTranspose: true
    default: false
    }
  }
}

/// Strands while they are found: which of them are one is not known until the last layer was seen.
private struct StrandTracing {
  let plan: NetworkPlan
  private let tensors: [[TensorInfo]]
  private(set) var axes: [Strands.Axis] = []
  private(set) var outputs: [[Int]] = []
  private(set) var squeezes: [Strands.Squeeze] = []
  private(set) var fixed: [(strand: Int, why: String?)] = []
  /// Of each strand, one that it is the same as; itself for the first.
  private var parents: [Int] = []
  private var images: [Int] = []

  init(_ plan: NetworkPlan) {
    self.plan = plan
    tensors = Model.tensorsByLayer(of: plan)
    images = fresh(plan.description.input.channels)
    fix(images, because: "goes with the channels of the images")
  }

  private mutating func fresh(_ count: Int) -> [Int] {
    let first = parents.count
    parents += first..<first + count
    return Array(first..<first + count)
  }

  private func first(_ strand: Int) -> Int {
    var strand = strand
    while parents[strand] != strand { strand = parents[strand] }
    return strand
  }

  private mutating func join(_ one: Int, _ other: Int) {
    let (a, b) = (first(one), first(other))
    parents[max(a, b)] = min(a, b)
  }

  /// Joins channels that have the same place among as many.
  private mutating func join(_ strands: [Int], modulo period: Int) {
    for (place, strand) in strands.enumerated() { join(strand, strands[place % period]) }
  }

  /// Lets strands stay; nil for the scores of the classes, of which nobody wonders.
  mutating func fix(_ strands: [Int], because why: String?) {
    for strand in strands { fixed.append((strand, why)) }
  }

  /// A number for each strand, in the order of their beginnings, and how many there are.
  func numbers() -> (of: [Int], count: Int) {
    var (numbers, count) = (Array(repeating: -1, count: parents.count), 0)
    for strand in parents.indices {
      let first = first(strand)
      if numbers[first] < 0 {
        numbers[first] = count
        count += 1
      }
      numbers[strand] = numbers[first]
    }
    return (numbers, count)
  }

  private mutating func note(
    _ role: TensorInfo.Role, _ axis: Int, _ strands: [Int], _ part: Strands.Part, of place: Int
  ) {
    guard let tensor = tensors[place].first(where: { $0.role == role }) else { return }
    precondition(tensor.shape[axis] == strands.count)
    axes.append(Strands.Axis(tensor: tensor, axis: axis, part: part, strands: strands))
  }

  /// What a layer does with the channels that it reads, those of an image or the numbers of a vector.
  mutating func follow(_ place: Int) {
    let layer = plan.layers[place]
    let inputs = layer.inputs.map { input in
      if case .layer(let other) = input { outputs[other] } else { images }
    }
    let input = inputs[0]
    switch layer.description {
    case .conv2D(let conv): outputs.append(convolve(conv, input, place))
    case .dense(let dense):
      let made = fresh(dense.units)
      note(.kernel, 0, input, .read, of: place)
      note(.kernel, 1, made, .made, of: place)
      note(.bias, 0, made, .made, of: place)
      outputs.append(made)
    case .conv2DTranspose(let conv):
      let made = fresh(conv.filters)
      note(.kernel, 3, input, .read, of: place)
      note(.kernel, 2, made, .made, of: place)
      note(.bias, 0, made, .made, of: place)
      outputs.append(made)
    case .depthwiseConv2D(let conv):
      let made = input.flatMap { Array(repeating: $0, count: conv.depthMultiplier) }
      note(.kernel, 2, input, .carried, of: place)
      note(.bias, 0, made, .carried, of: place)
      outputs.append(made)
    case .flatten:
      let positions = layer.input.extent.height * layer.input.extent.width
      outputs.append((0..<positions).flatMap { _ in input })
    case .batchNorm:
      for role in [TensorInfo.Role.scale, .offset, .movingMean, .movingVariance] {
        note(role, 0, input, .carried, of: place)
      }
      outputs.append(input)
    case .groupNorm(let norm):
      // Whose mean and variance would be others without one of its channels.
      let size = input.count / norm.groups
      for (channel, strand) in input.enumerated() { join(strand, input[channel / size * size]) }
      for role in [TensorInfo.Role.scale, .offset] { note(role, 0, input, .carried, of: place) }
      outputs.append(input)
    case .layerNorm:
      fix(input, because: "\(layer.label) takes the mean over its channels")
      outputs.append(input)
    case .prelu:
      note(.slope, 0, input, .carried, of: place)
      outputs.append(input)
    case .squeezeExcite(let block):
      let inner = fresh(block.squeezed(input.count))
      note(.squeezeKernel, 0, input, .read, of: place)
      note(.squeezeKernel, 1, inner, .made, of: place)
      note(.squeezeBias, 0, inner, .made, of: place)
      note(.kernel, 0, inner, .read, of: place)
      note(.kernel, 1, input, .carried, of: place)
      note(.bias, 0, input, .carried, of: place)
      squeezes.append(Strands.Squeeze(layer: place, ratio: block.ratio, inner: inner))
      outputs.append(input)
    case .merge(let merge): outputs.append(merged(merge.merge, inputs))
    case .maxPool, .averagePool, .globalPool, .dropout, .spatialDropout, .gaussianNoise,
      .activation, .frame, .upsample, .fakeQuantize:
      outputs.append(input)
    }
    if layer.description.endsInSoftmax, place < plan.layers.count - 1 {
      fix(outputs[place], because: "\(layer.label) takes the softmax over its channels")
    }
  }

  private mutating func convolve(_ conv: Conv2DDescription, _ input: [Int], _ place: Int) -> [Int] {
    let (seen, own) = (input.count / conv.groups, conv.filters / conv.groups)
    if conv.groups > 1, seen == 1 {
      // Depthwise by another name: a group goes with its channel.
      let made = input.flatMap { Array(repeating: $0, count: own) }
      note(.kernel, 3, made, .carried, of: place)
      note(.bias, 0, made, .carried, of: place)
      return made
    }
    let made = fresh(conv.filters)
    if conv.groups > 1 {
      // Each group keeps as many as every other.
      join(input, modulo: seen)
      join(made, modulo: own)
    }
    note(.kernel, 2, Array(input[..<seen]), .read, of: place)
    note(.kernel, 3, made, .made, of: place)
    note(.bias, 0, made, .made, of: place)
    return made
  }

  private mutating func merged(_ merge: Merge, _ inputs: [[Int]]) -> [Int] {
    if merge == .concat { return inputs.flatMap { $0 } }
    // Where a product reads one channel for all of another's, that one stays: it is its layer's only one.
    let widest = inputs.max { $0.count < $1.count }!
    for input in inputs where input.count == widest.count {
      for (one, other) in zip(input, widest) { join(one, other) }
    }
    return widest
  }
}
