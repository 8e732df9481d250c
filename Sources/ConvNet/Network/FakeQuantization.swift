/// What training adds to a network that is to answer in integers (Jacob et al. 2018): its layers compute
/// with kernels that are rounded as those of the integers will be, while the update moves them as they are
/// (Bengio, Léonard and Courville 2013), and values are rounded where integers have a scale.
///
/// A batch norm stays what it is: in integers it becomes a factor of each filter, and so does the scale of
/// the filter's weights with it, so that they are the same integers.
public struct FakeQuantization: Hashable, Sendable {
  /// How the ranges of values follow the training.
  public enum Ranges: Hashable, Sendable {
    /// Moving averages of the least and the greatest number of a batch, of which each step keeps so much.
    case running(momentum: Float)
    /// Their scales and zero points go along the loss's gradient.
    case learned
  }

  /// What a layer gives, rounded to 256 steps of a range.
  public struct Value: Hashable, Sendable {
    /// The layer, by its label.
    public var layer: String
    /// The layer whose range it is: its own, or that of what it reads, where integers have one for both.
    public var range: String

    public init(_ layer: String, range: String) {
      self.layer = layer
      self.range = range
    }
  }

  /// Of a weight, 2 to 8.
  public var weightBits: Int
  public var ranges: Ranges
  /// Those of the images, which always have one, are none of them.
  public var values: [Value]

  public init(weightBits: Int = 8, ranges: Ranges, values: [Value]) {
    self.weightBits = weightBits
    self.ranges = ranges
    self.values = values
  }

  /// What the layer that rounds a layer's values is called: no layer of a user's can be called so.
  public static func label(of layer: String) -> String { "\(layer)/values" }
}

extension ModelExpansion {
  /// Puts what rounds values behind the images and behind the layers that they are of; behind the max
  /// pooling that alone reads such a layer, since rounding commutes with a maximum and a convolution goes
  /// on being pooled as it is computed.
  /// - Throws: `NetworkError` where there is none, or no layer is called so.
  mutating func add(_ quantization: FakeQuantization) throws(NetworkError) {
    guard !quantization.values.isEmpty else {
      throw NetworkError("the model has no form in integers, for which it is to be trained")
    }
    var readers = Array(repeating: [Int](), count: nodes.count)
    for (place, node) in nodes.enumerated() {
      for case .layer(let input) in node.inputs { readers[input].append(place) }
    }
    var behind: [Int: FakeQuantization.Value] = [:]
    for value in quantization.values {
      guard var place = labels.firstIndex(of: value.layer) else {
        throw NetworkError("no layer is called \"\(value.layer)\", whose values are to be rounded")
      }
      if readers[place].count == 1, case .maxPool = nodes[readers[place][0]].layer {
        place = readers[place][0]
      }
      behind[place] = value
    }
    let (plain, names) = (nodes, labels)
    (nodes, labels) = ([], [])
    /// What now stands for the images and for what each layer gave.
    let images = appendRounding(
      of: FakeQuantization.Value(ModelItem.imagesName, range: ModelItem.imagesName), .fixed,
      reading: .images, at: plain[0].place)
    var given: [LayerInput] = []
    for (place, node) in plain.enumerated() {
      let inputs = node.inputs.map { input in
        if case .layer(let place) = input { given[place] } else { images }
      }
      nodes.append(
        Node(
          layer: node.layer, inputs: inputs, place: node.place, name: node.name,
          isResidual: node.isResidual))
      labels.append(names[place])
      given.append(.layer(nodes.count - 1))
      guard let value = behind[place] else { continue }
      let range: FakeQuantizeDescription.Range =
        switch quantization.ranges {
        case _ where value.range != value.layer: .ofAnother
        case .running(let momentum): .running(momentum: momentum)
        case .learned: .learned
        }
      given[place] = appendRounding(of: value, range, reading: given[place], at: node.place)
    }
  }

  private mutating func appendRounding(
    of value: FakeQuantization.Value, _ range: FakeQuantizeDescription.Range,
    reading input: LayerInput, at place: LayerPlace
  ) -> LayerInput {
    nodes.append(
      Node(
        layer: .fakeQuantize(FakeQuantizeDescription(rangeOf: value.range, range)),
        inputs: [input], place: place, name: nil))
    labels.append(FakeQuantization.label(of: value.layer))
    return .layer(nodes.count - 1)
  }
}

extension NetworkPlan {
  /// The same without what training with quantisation adds.
  var plain: NetworkPlan {
    var description = description
    description.quantization = nil
    do { return try NetworkPlan(description) } catch {
      preconditionFailure("\(error): with more layers it was fine")
    }
  }
}

extension Model {
  /// The same without what training with quantisation adds, its kernels as training moves them.
  public var plain: Model {
    guard plan.description.quantization != nil else { return self }
    let own = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.range) })
    var plain = Model(plan.plain) { tensor, values in
      _ = values.initialize(from: weights[own[tensor.name]!])
    }
    plain.normalization = normalization
    return plain
  }

  /// The same without what rounds values, its kernels rounded as it computes with them.
  public var withRoundedKernels: Model {
    guard let bits = plan.description.quantization?.weightBits else { return self }
    var rounded = plain
    let parameters = TensorLayout(rounded.plan).parameters
    rounded.weights.withUnsafeMutableBufferPointer { weights in
      for parameter in parameters where parameter.role == .kernel {
        let scales = Buffer(parameter.columns)
        WeightRounding(bits: bits).round(
          weights.baseAddress! + parameter.offset, to: weights.baseAddress! + parameter.offset,
          rows: parameter.rows, columns: parameter.columns, 0..<parameter.columns, scales.base)
      }
    }
    return rounded
  }

  /// By the label of the layer whose values have them, the scales of values; those of the images by
  /// `ModelItem.imagesName`. None of a model that was trained without quantisation.
  public var valueScales: [String: ValueScale] {
    var scales: [String: ValueScale] = [:]
    for (layer, tensors) in zip(plan.layers, Model.tensorsByLayer(of: plan)) {
      guard case .fakeQuantize(let description) = layer.description, !tensors.isEmpty else {
        continue
      }
      let numbers = tensors.map { self[$0].first! }
      scales[description.layer] = description.range.scale(numbers[0], numbers[1])
    }
    return scales
  }

  /// Begins the ranges of values, each by the label of the layer that it is of.
  public mutating func begin(ranges: [String: ClosedRange<Float>]) {
    for (layer, tensors) in zip(plan.layers, Model.tensorsByLayer(of: plan)) {
      guard case .fakeQuantize(let description) = layer.description, !tensors.isEmpty,
        let range = ranges[description.layer]
      else { continue }
      let (first, second) = description.range.tensors(of: range)
      self[tensors[0]] = [first]
      self[tensors[1]] = [second]
    }
  }
}
